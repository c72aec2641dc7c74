package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// RequestOperation has a file worked on. What is under way is joined, and what was
// done before is answered from the stored result, free.
type RequestOperation struct {
	FileID id.File
	Kind   file.Kind
	// Target is the format of a conversion, else empty.
	Target file.Format
	// Forced says that a stored analysis is not wanted.
	Forced bool
	// Dry asks what it would cost, and does nothing.
	Dry bool
	// Async says that nobody waits for the result.
	Async bool
}

// RequestedOperation is what became of a request.
type RequestedOperation struct {
	File file.State
	// Operation is zero where nothing was to be done: for a stored analysis, and for a
	// dry run.
	Operation file.Operation
	// Stored says that the result was there already.
	Stored bool
	// DerivedID is the file that is made; empty for an analysis.
	DerivedID id.File
	Quote     Quote
}

// Quote is what an operation costs.
type Quote struct {
	Pages, Tokens int64
	// Allocations say which grants would be used, in a dry run.
	Allocations []tokenaccount.Allocation
	Account     tokenaccount.State
}

const (
	// operationHold is how long tokens are held, and operationLife how long an
	// operation can complete: what is between lets the charge follow an end that is
	// recorded.
	operationHold = tokenaccount.MaxHold
	operationLife = operationHold - time.Hour
)

func (x *executor) requestOperation(ctx context.Context, req Request, c RequestOperation) (Result[RequestedOperation], error) {
	current, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	s := current.State
	if err := mayWrite(req.Principal, s); err != nil {
		return Result[RequestedOperation]{}, err
	}
	ids := req.IDs()
	job, err := id.New[id.Job](ids)
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	if own, known := s.Operation(job); known { // An earlier attempt of the same request.
		return x.begun(ctx, req, current, own, c.Async)
	}
	ask := file.Ask{Kind: c.Kind, Target: c.Target, Engine: x.files.Documents.Engine(), Forced: c.Forced}
	if err := s.Check(ask); err != nil {
		return Result[RequestedOperation]{}, err
	}
	done, stored, err := x.stored(ctx, current, ask)
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	active, joins := s.Active(ask)
	switch {
	case c.Dry:
		return x.quoted(ctx, req, current, ask, stored || joins)
	case stored:
		return done, nil
	case joins:
		return x.begun(ctx, req, current, active, c.Async)
	}
	w := x.workOn(req, s, ask, job)
	w.Async = c.Async
	var derived id.File
	if c.Kind != file.Analysis {
		if derived, err = id.New[id.File](ids); err != nil {
			return Result[RequestedOperation]{}, err
		}
	}
	return x.begin(ctx, req, c.FileID, ask, w, derived)
}

// begin holds the tokens, and records the request.
func (x *executor) begin(ctx context.Context, req Request, name id.File, ask file.Ask, w file.Work, derived id.File) (Result[RequestedOperation], error) {
	if err := x.hold(ctx, req, name, ask.Kind, w); err != nil {
		return Result[RequestedOperation]{}, err
	}
	o, err := x.changeFile(ctx, req, name, func(s file.State) ([]event.Event, error) {
		if err := mayWrite(req.Principal, s); err != nil {
			return nil, err
		}
		return s.Request(ask, w, derived, req.at())
	})
	// Of an outage it is not known what became of the request: ReleaseHold looks later.
	if failure.Refused(err) {
		_, releaseErr := x.letGo(ctx, req, w)
		err = errors.Join(err, releaseErr)
	}
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	operation, known := o.State.Operation(w.JobID)
	if !known { // Another request was faster.
		if _, err := x.letGo(ctx, req, w); err != nil {
			return Result[RequestedOperation]{}, err
		}
		if operation, known = o.State.Active(ask); !known {
			return Result[RequestedOperation]{}, ErrContended // That one has ended already.
		}
	}
	return x.begun(ctx, req, o, operation, w.Async)
}

// begun is the answer for an operation that was recorded, once the file that it
// makes has begun, and the operation is in the queue.
func (x *executor) begun(ctx context.Context, req Request, o outcome[file.State], operation file.Operation, async bool) (Result[RequestedOperation], error) {
	position, err := x.derive(ctx, req, o.State, operation)
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	if !operation.Phase.Ended() {
		// A policy does the same: this is only faster.
		_ = x.files.Queue.Enqueue(ctx, QueuedOperation{
			OrganizationID: o.State.OrganizationID, FileID: o.State.ID, JobID: operation.Work.JobID, Async: async,
			TraceParent: req.TraceParent,
		})
	}
	return Result[RequestedOperation]{
		Value: RequestedOperation{
			File: o.State, Operation: operation, DerivedID: operation.DerivedID,
			Quote: Quote{Pages: operation.Work.Pages, Tokens: operation.Work.Tokens},
		},
		Revision: o.Revision, Position: latest(o.Position, position),
	}, nil
}

// derive begins the file that an operation makes.
func (x *executor) derive(ctx context.Context, req Request, s file.State, operation file.Operation) (event.Position, error) {
	if operation.DerivedID == "" {
		return event.Position{}, nil
	}
	o, err := settle(ctx, x, req, ref(file.Aggregate, operation.DerivedID), s.OrganizationID, func(derived file.State) ([]event.Event, error) {
		return derived.Derive(s, operation, operation.RequestedAt), nil
	})
	return o.Position, err
}

// stored finds a result that was delivered before.
func (x *executor) stored(ctx context.Context, current outcome[file.State], ask file.Ask) (Result[RequestedOperation], bool, error) {
	result := Result[RequestedOperation]{
		Value:    RequestedOperation{File: current.State, Stored: true},
		Revision: current.Revision, Position: current.Position,
	}
	if ask.Kind == file.Analysis {
		return result, current.State.Analysed(ask), nil
	}
	before, known := current.State.Stored(ask)
	if !known {
		return result, false, nil
	}
	derived, err := x.loadFile(ctx, before.DerivedID)
	if err != nil {
		return result, false, err
	}
	result.Value.Operation, result.Value.DerivedID = before, before.DerivedID
	result.Position = latest(result.Position, derived.Position)
	return result, derived.State.Readable() == nil, nil
}

// workOn is what an operation would be requested with.
func (x *executor) workOn(req Request, s file.State, ask file.Ask, job id.Job) file.Work {
	pages, rate := s.Content.BilledPages(), rateOf(x.catalogue.TokensPerPage, ask.Kind)
	return file.Work{
		JobID: job, UserID: req.Principal.UserID, Pages: pages, Rate: rate, Tokens: pages * rate,
		HeldAt: req.at(), Deadline: req.at().Add(operationLife), Engine: ask.Engine,
	}
}

func rateOf(rates payment.Rates, kind file.Kind) int64 {
	switch kind {
	case file.Accessibility:
		return rates.Accessibility
	case file.Conversion:
		return rates.Conversion
	case file.Analysis:
	}
	return rates.Analysis
}

// quoted is the answer to a dry run.
func (x *executor) quoted(ctx context.Context, req Request, current outcome[file.State], ask file.Ask, free bool) (Result[RequestedOperation], error) {
	w := x.workOn(req, current.State, ask, "")
	if free {
		w.Tokens = 0
	}
	account, err := load(ctx, x, ref(tokenaccount.Aggregate, tokenaccount.ID(current.State.OrganizationID)), true)
	if err != nil {
		return Result[RequestedOperation]{}, err
	}
	quote := Quote{Pages: w.Pages, Tokens: w.Tokens, Account: account.State.At(req.at())}
	if w.Tokens > 0 {
		at := tokenaccount.Context{OrganizationID: current.State.OrganizationID, At: req.at()}
		if quote.Allocations, err = account.State.Quote(at, w.Tokens); err != nil {
			return Result[RequestedOperation]{}, err
		}
	}
	return Result[RequestedOperation]{
		Value:    RequestedOperation{File: current.State, Stored: free, Quote: quote},
		Revision: current.Revision, Position: current.Position,
	}, nil
}

// hold reserves the tokens of an operation, whose job is the reference.
func (x *executor) hold(ctx context.Context, req Request, name id.File, kind file.Kind, w file.Work) error {
	if w.Tokens == 0 {
		return nil
	}
	_, err := x.onAccount(ctx, req, func(s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
		return s.Reserve(at, tokenaccount.Reservation{
			Reference: holdOf(w), Amount: w.Tokens, Purpose: string(kind), FileID: string(name), UserID: w.UserID, Hold: operationHold,
		})
	})
	return err
}

func holdOf(w file.Work) tokenaccount.Reference {
	return tokenaccount.Reference{ID: string(w.JobID), At: w.HeldAt}
}

// letGo releases the tokens of an operation. For those that are not held any more
// it does nothing.
func (x *executor) letGo(ctx context.Context, req Request, w file.Work) (event.Position, error) {
	if w.Tokens == 0 {
		return event.Position{}, nil
	}
	o, err := x.onAccount(ctx, req, func(s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
		return s.Release(at, holdOf(w))
	})
	if errors.Is(err, tokenaccount.ErrReservationNotFound) || errors.Is(err, tokenaccount.ErrReservationCaptured) {
		return o.Position, nil
	}
	return o.Position, err
}
