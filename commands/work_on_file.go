package commands

import (
	"context"
	"errors"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// CancelOperation ends an operation without a result, also while it is worked on.
type CancelOperation struct {
	FileID id.File
	JobID  id.Job
}

// EnqueueOperation puts a requested operation into the queue of workers.
type EnqueueOperation QueuedOperation

// StartOperation gives an operation to a worker, by the fence of its lease. No work
// begins without held tokens, nor for an organization that was deleted: such an
// operation ends.
type StartOperation struct {
	FileID id.File
	JobID  id.Job
	Fence  int64
}

// CompleteOperation ends an operation well, and charges for it. It fails with
// file.ErrFenceExpired for a worker that does not have the operation any more.
type CompleteOperation struct {
	FileID id.File
	JobID  id.Job
	// Content is the result; zero for an analysis.
	Content file.Content
	Done    file.Done
}

// FailOperation ends an operation without a result.
type FailOperation struct {
	FileID id.File
	JobID  id.Job
	// Fence is zero for those who are no workers.
	Fence   int64
	Outcome file.Outcome
}

// FinishOperation does what follows from the end of an operation, as far as that has
// not been done: the file that it made learns of it, and the tokens are charged or
// released.
type FinishOperation struct {
	FileID id.File
	JobID  id.Job
}

// ReleaseHold releases tokens that were held for an operation that was never
// recorded: the process ended in between.
type ReleaseHold struct {
	FileID    id.File
	Reference tokenaccount.Reference
}

// CancelOperations ends all operations of the organization that the policy acts in,
// because the organization was deleted.
type CancelOperations struct{}

// CancelledOperations are those that were ended.
type CancelledOperations struct{ Jobs []id.Job }

// cancelled is the outcome of a cancelled operation.
var cancelled = file.Outcome{Reason: file.OperationCancelled, Cancelled: true}

func (x *executor) cancelOperation(ctx context.Context, req Request, c CancelOperation) (Result[file.State], error) {
	current, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	if err := mayWrite(req.Principal, current.State); err != nil {
		return Result[file.State]{}, err
	}
	if err := x.endOperation(ctx, req, c.FileID, c.JobID, cancelled); err != nil {
		return Result[file.State]{}, err
	}
	return resultOf(x.loadFile(ctx, c.FileID))
}

// endOperation ends an operation without a result, with all that follows. One that
// has ended stays as it is.
func (x *executor) endOperation(ctx context.Context, req Request, name id.File, job id.Job, how file.Outcome) error {
	o, err := x.settleFile(ctx, req, name, func(s file.State) ([]event.Event, error) {
		return s.Fail(job, 0, how, req.at())
	})
	if err != nil {
		return err
	}
	operation, known := o.State.Operation(job)
	if !known {
		return file.ErrJobNotFound
	}
	position, err := x.finish(ctx, req, o.State, operation)
	if err != nil {
		return err
	}
	_ = x.files.Queue.Stop(ctx, job, latest(o.Position, position)) // Without it the worker learns it at the end.
	return nil
}

func (x *executor) enqueueOperation(ctx context.Context, req Request, c EnqueueOperation) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	c.TraceParent = req.TraceParent
	return Result[file.State]{}, x.files.Queue.Enqueue(ctx, QueuedOperation(c))
}

func (x *executor) startOperation(ctx context.Context, req Request, c StartOperation) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.settleFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		return s.Start(c.JobID, c.Fence, req.at())
	})
	if err != nil {
		return Result[file.State]{}, err
	}
	operation, known := o.State.Operation(c.JobID)
	if !known || operation.Phase.Ended() {
		return resultOf(o, nil)
	}
	if _, err := x.derive(ctx, req, o.State, operation); err != nil {
		return Result[file.State]{}, err
	}
	held, err := x.holds(ctx, req, operation.Work)
	if err != nil || held {
		return resultOf(o, err)
	}
	return resultOf(x.settleFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		return s.Fail(c.JobID, c.Fence, file.Outcome{Reason: file.HoldEnded}, req.at())
	}))
}

// holds tells whether the tokens of an operation are held, or charged already.
func (x *executor) holds(ctx context.Context, req Request, w file.Work) (bool, error) {
	organization := req.Principal.OrganizationID
	if w.Tokens == 0 {
		deleted, err := x.deleted(ctx, organization)
		return !deleted, err
	}
	account, err := load(ctx, x, ref(tokenaccount.Aggregate, tokenaccount.ID(organization)), true)
	if err != nil {
		return false, err
	}
	o, known := account.State.Operation(holdOf(w))
	alive := o.Status == tokenaccount.StatusHeld && req.at().Before(o.Deadline) && !account.State.Suspended
	return known && (alive || o.Status == tokenaccount.StatusCaptured), nil
}

func (x *executor) completeOperation(ctx context.Context, req Request, c CompleteOperation) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	current, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	operation, known := current.State.Operation(c.JobID)
	if !known {
		return Result[file.State]{}, file.ErrJobNotFound
	}
	if held, err := x.holds(ctx, req, operation.Work); err != nil || !held {
		if err == nil {
			err = file.ErrFenceExpired
		}
		return Result[file.State]{}, err
	}
	o, err := x.settleFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		return s.Complete(c.JobID, c.Content, c.Done, req.at())
	})
	if err != nil {
		return Result[file.State]{}, err
	}
	return x.finished(ctx, req, o, c.JobID)
}

func (x *executor) failOperation(ctx context.Context, req Request, c FailOperation) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.settleFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		return s.Fail(c.JobID, c.Fence, c.Outcome, req.at())
	})
	if err != nil {
		return Result[file.State]{}, err
	}
	return x.finished(ctx, req, o, c.JobID)
}

func (x *executor) finishOperation(ctx context.Context, req Request, c FinishOperation) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	return x.finished(ctx, req, o, c.JobID)
}

// finished is the file once all that follows from the end of an operation is done.
func (x *executor) finished(ctx context.Context, req Request, o outcome[file.State], job id.Job) (Result[file.State], error) {
	operation, known := o.State.Operation(job)
	if !known {
		return Result[file.State]{}, file.ErrJobNotFound
	}
	position, err := x.finish(ctx, req, o.State, operation)
	o.Position = latest(o.Position, position)
	return resultOf(o, err)
}

// finish tells the file that an operation made of the end, and charges for the
// result or releases the tokens. It can be repeated.
func (x *executor) finish(ctx context.Context, req Request, s file.State, operation file.Operation) (event.Position, error) {
	if !operation.Phase.Ended() {
		return event.Position{}, nil
	}
	var position event.Position
	if operation.DerivedID != "" {
		if _, err := x.derive(ctx, req, s, operation); err != nil {
			return position, err
		}
		derived, err := settle(ctx, x, req, ref(file.Aggregate, operation.DerivedID), s.OrganizationID, func(derived file.State) ([]event.Event, error) {
			return derived.Settle(operation, operation.EndedAt), nil
		})
		if err != nil {
			return position, err
		}
		position = derived.Position
	}
	pay := x.letGo
	if operation.Phase == file.Completed && operation.Done.Tokens > 0 {
		pay = func(ctx context.Context, req Request, w file.Work) (event.Position, error) {
			return x.charge(ctx, req, w, operation.Done.Tokens)
		}
	}
	paid, err := pay(ctx, req, operation.Work)
	return latest(position, paid), err
}

// charge consumes what is held. The hold outlasts the time in which an operation can
// complete, so that it is gone only when the organization was deleted meanwhile, or
// nothing was running for long.
func (x *executor) charge(ctx context.Context, req Request, w file.Work, amount int64) (event.Position, error) {
	o, err := x.onAccount(ctx, req, func(s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
		return s.Capture(at, holdOf(w), amount)
	})
	for _, gone := range []error{
		tokenaccount.ErrReservationTimedOut, tokenaccount.ErrReservationReleased, tokenaccount.ErrReservationNotFound,
	} {
		if errors.Is(err, gone) {
			return o.Position, nil
		}
	}
	return o.Position, err
}

func (x *executor) releaseHold(ctx context.Context, req Request, c ReleaseHold) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	if _, known := o.State.Operation(id.Job(c.Reference.ID)); known {
		return resultOf(o, nil)
	}
	// An operation that the file forgot has ended, and its tokens with it.
	_, err = x.letGo(ctx, req, file.Work{JobID: id.Job(c.Reference.ID), HeldAt: c.Reference.At, Tokens: 1})
	return resultOf(o, err)
}

func (x *executor) purgeFile(ctx context.Context, req Request, c PurgeFile) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	if err != nil || !o.State.DueForPurge(req.at()) {
		return resultOf(o, err)
	}
	if _, _, err := x.files.Objects.DeleteAll(ctx, FileKey(o.State.OrganizationID, o.State.ID, "")); err != nil {
		return Result[file.State]{}, err
	}
	return resultOf(x.settleFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		return s.Purge(req.at()), nil
	}))
}

func (x *executor) cancelOperations(ctx context.Context, req Request, _ CancelOperations) (Result[CancelledOperations], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[CancelledOperations]{}, err
	}
	deleted, err := x.deleted(ctx, req.Principal.OrganizationID)
	if err != nil || !deleted { // It may have been restored meanwhile.
		return Result[CancelledOperations]{}, err
	}
	all, err := x.files.Queue.Unended(ctx, req.Principal.OrganizationID)
	if err != nil {
		return Result[CancelledOperations]{}, err
	}
	var ended CancelledOperations
	for _, o := range all {
		if err := x.endOperation(ctx, req, o.FileID, o.JobID, cancelled); err != nil && !errors.Is(err, file.ErrJobNotFound) {
			return Result[CancelledOperations]{}, err
		}
		ended.Jobs = append(ended.Jobs, o.JobID)
	}
	return Result[CancelledOperations]{Value: ended}, nil
}
