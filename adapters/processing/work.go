package processing

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
)

// settleTimeout bounds what is done after an attempt, which its end does not cut
// short.
const settleTimeout = 15 * time.Second

// work is the job of an operation. However it ends, the next one of the organization
// is let in.
func (s *Service) work(ctx context.Context, job jobs.Job[args]) (err error) {
	a := attempt{Service: s, args: job.Args, lease: job.Lease, last: job.Attempt >= maxAttempts, letIn: new(bool)}
	ctx, end := s.Observe(ctx, job.TraceParent, Attempt{
		JobID: job.Args.JobID, FileID: job.Args.FileID, Number: job.Attempt, Waited: time.Since(job.CreatedAt),
	})
	defer func() { end(err) }()
	defer func() {
		if *a.letIn && err == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		if nextErr := s.next(ctx, job.Args.OrganizationID); nextErr != nil {
			s.Logger.WarnContext(ctx, "the next operation is not queued yet", slog.Any("error", nextErr))
		}
	}()
	return a.run(ctx)
}

// attempt is one attempt at an operation.
type attempt struct {
	*Service
	args  args
	lease jobs.Lease
	// last says that there is no other attempt after this one.
	last bool
	// kind is that of the operation, once it is known.
	kind file.Kind
	// letIn says that the next operation of the organization was let in already.
	letIn *bool
}

func (a attempt) request(ctx context.Context, step string) commands.Request {
	return a.Service.request(ctx, a.args.OrganizationID, a.args.JobID, step, time.Now())
}

func (a attempt) run(ctx context.Context) error {
	started, err := a.commands.StartOperation(ctx, a.request(ctx, "start"), commands.StartOperation{
		FileID: a.args.FileID, JobID: a.args.JobID, Fence: a.lease.Fence,
	})
	if errors.Is(err, file.ErrFenceExpired) {
		return nil // Another worker has it.
	}
	if err != nil {
		return a.giveUp(ctx, err)
	}
	operation, known := started.Value.Operation(a.args.JobID)
	a.kind = operation.Kind
	if !known || operation.Phase.Ended() {
		if operation.Reason == file.HoldEnded && operation.Fence == a.lease.Fence {
			a.metrics.failed(a.kind, operation.Reason) // It was ended just now.
		}
		return a.finish(ctx)
	}
	if err := a.step(ctx, "started"); err != nil {
		return err
	}
	began := time.Now()
	result, err := a.carryOut(ctx, started.Value, operation)
	var failed *outcomeError
	switch {
	case errors.As(err, &failed):
		a.metrics.failed(a.kind, failed.Reason)
		return a.fail(ctx, failed.Outcome)
	case err != nil:
		return a.giveUp(ctx, err)
	}
	ended, pages, begun, err := a.complete(ctx, result)
	if err != nil {
		// Of an outage it is not known whether the end was recorded: then the result may
		// be the file's, and a sweep decides later.
		if !begun || failure.Refused(err) {
			a.discard(ctx, result)
		}
		if errors.Is(err, file.ErrFenceExpired) || errors.Is(err, jobs.ErrLeaseLost) {
			// Cancelled, taken over, or too late. It is over unless another worker has it.
			return a.finish(ctx)
		}
		return a.giveUp(ctx, err)
	}
	a.metrics.done(a.kind, pages, result.content.Size, time.Since(began))
	if before := started.Value.Findings; operation.Kind == file.Analysis && before != nil && before.Report != started.Value.Receipt {
		_ = a.Objects.Delete(ctx, before.Report) // A sweep finds it otherwise.
	}
	if err := a.step(ctx, "completed"); err != nil {
		return err
	}
	return a.ended(ctx, a.args.JobID, ended)
}

// complete records the end while the lease is held: no other worker can take the job
// over until the transaction ends. It returns the pages that were charged for, and
// whether it has begun to record the end.
func (a attempt) complete(ctx context.Context, r result) (ended event.Position, pages int64, begun bool, err error) {
	select {
	case a.completing <- struct{}{}:
		defer func() { <-a.completing }()
	case <-ctx.Done():
		return ended, 0, false, ctx.Err()
	}
	// The transaction only locks.
	err = pgx.BeginTxFunc(ctx, a.Pool, notWaitingForDisk, func(tx pgx.Tx) error {
		if err := a.lease.Confirm(ctx, tx); err != nil {
			return err
		}
		begun = true
		done, err := a.commands.CompleteOperation(ctx, a.request(ctx, "complete"), commands.CompleteOperation{
			FileID: a.args.FileID, JobID: a.args.JobID, Content: r.content, Done: r.done,
		})
		ended = done.Position
		operation, _ := done.Value.Operation(a.args.JobID)
		pages = operation.Done.Pages
		return err
	})
	return ended, pages, begun, err
}

// fail ends the operation without a result.
func (a attempt) fail(ctx context.Context, how file.Outcome) error {
	ended, err := a.commands.FailOperation(ctx, a.request(ctx, "fail"), commands.FailOperation{
		FileID: a.args.FileID, JobID: a.args.JobID, Fence: a.lease.Fence, Outcome: how,
	})
	if errors.Is(err, file.ErrFenceExpired) {
		return nil
	}
	if err != nil {
		return a.giveUp(ctx, err)
	}
	return a.ended(ctx, a.args.JobID, ended.Position)
}

// finish does what is left to do for an operation that has ended.
func (a attempt) finish(ctx context.Context) error {
	finished, err := a.commands.FinishOperation(ctx, a.request(ctx, "finish"), commands.FinishOperation{
		FileID: a.args.FileID, JobID: a.args.JobID,
	})
	if errors.Is(err, file.ErrJobNotFound) {
		return nil // The file remembers it no more: all is done long since.
	}
	if err != nil {
		return a.giveUp(ctx, err)
	}
	if o, known := finished.Value.Operation(a.args.JobID); !known || !o.Phase.Ended() {
		return nil // Another worker has it.
	}
	return a.ended(ctx, a.args.JobID, finished.Position)
}

// giveUp is what to return for an error that may pass. At the last attempt the
// operation ends, unless the worker was only interrupted.
func (a attempt) giveUp(ctx context.Context, err error) error {
	if !a.last || ctx.Err() != nil {
		return err
	}
	a.metrics.failed(a.kind, file.OperationLost)
	ended, failErr := a.commands.FailOperation(ctx, a.request(ctx, "give-up"), commands.FailOperation{
		FileID: a.args.FileID, JobID: a.args.JobID, Fence: a.lease.Fence, Outcome: file.Outcome{Reason: file.OperationLost},
	})
	if failErr == nil {
		failErr = a.ended(ctx, a.args.JobID, ended.Position)
	}
	return errors.Join(err, failErr)
}

// outcomeError is an end of an operation without a result, which no other attempt
// would change.
type outcomeError struct{ file.Outcome }

func (e *outcomeError) Error() string { return string(e.Reason) }

// outcome is the error for one that may be final.
func outcomeOf(err error) error {
	var wrong *documents.FileError
	switch {
	case errors.As(err, &wrong):
		reason := reasonOf(wrong)
		if !reason.AboutDocument() {
			return &outcomeError{file.Outcome{Reason: reason}}
		}
		return &outcomeError{file.Outcome{Reason: reason, Message: wrong.Message}}
	case errors.Is(err, commands.ErrNoObject):
		return &outcomeError{file.Outcome{Reason: file.ContentMissing}}
	case isFull(err):
		return &outcomeError{file.Outcome{Reason: file.StorageFull}}
	}
	return err
}
