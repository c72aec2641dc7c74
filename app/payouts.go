package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/perfectworks/backend/adapters/payouts"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/referrals"
)

// askAfter is how long after it was sent a withdrawal is asked about.
const askAfter = 10 * time.Minute

// askPayouts asks what became of withdrawals that were sent.
func askPayouts(ctx context.Context, due referrals.Queries, do *commands.Commands, now time.Time) error {
	_, err := forEachDue(
		func(after string) ([]string, error) {
			return due.Withdrawals(ctx, now.Add(-askAfter), after, duePage, referrer.StatusSent, referrer.StatusUncertain)
		},
		func(name string) error {
			req := policies.ByClock("ask-payouts", name, now, now, "", access.FollowReferrals)
			if _, err := do.AskWithdrawal(ctx, req, commands.AskWithdrawal{TransactionID: name}); err != nil {
				return fmt.Errorf("ask about the withdrawal %s: %w", name, err)
			}
			return nil
		})
	return err
}

// ApprovePayout approves a withdrawal for a system user, and returns it as it is
// then.
func (f *Finance) ApprovePayout(ctx context.Context, by, transaction string) (referrer.Withdrawal, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return referrer.Withdrawal{}, err
	}
	done, err := f.work.commands.ApproveWithdrawal(ctx, req, commands.ApproveWithdrawal{TransactionID: transaction})
	return done.Value.Withdrawal, err
}

// RejectPayout rejects a withdrawal that was not sent for a system user, and returns
// it as it is then.
func (f *Finance) RejectPayout(ctx context.Context, by, transaction string, reason personal.Text) (referrer.Withdrawal, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return referrer.Withdrawal{}, err
	}
	done, err := f.work.commands.RejectWithdrawal(ctx, req, commands.RejectWithdrawal{TransactionID: transaction, Reason: reason})
	return done.Value.Withdrawal, err
}

// ExportPayouts sends all withdrawals that are approved for a system user, and writes
// all payments that are ordered and not done, as CSV. It returns how many these are.
func (f *Finance) ExportPayouts(ctx context.Context, by string, w io.Writer) (int, error) {
	now := time.Now()
	// The file names people: nothing is written for others, even without withdrawals.
	allowed, err := f.request(ctx, by)
	if err == nil {
		err = allowed.Principal.Require(access.ApprovePayouts)
	}
	if err != nil {
		return 0, err
	}
	queries := referrals.NewQueries(f.work.payments.Pool)
	_, err = forEachDue(
		func(after string) ([]string, error) {
			return queries.Withdrawals(ctx, now, after, duePage, referrer.StatusApproved)
		},
		func(name string) error {
			req, err := f.request(ctx, by)
			if err == nil {
				_, err = f.work.commands.SendWithdrawal(ctx, req, commands.SendWithdrawal{TransactionID: name})
			}
			if errors.Is(err, referrer.ErrSent) { // The read model was behind.
				err = nil
			}
			return err
		})
	if err != nil {
		return 0, err
	}
	return f.work.orders.Export(ctx, w)
}

// ImportPayouts notes what became of payments for a system user. One that is refused
// does not keep the others; repeating it changes nothing.
func (f *Finance) ImportPayouts(ctx context.Context, by string, r io.Reader) (done int, err error) {
	results, err := payouts.ReadResults(r)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, result := range results {
		req, err := f.request(ctx, by)
		if errors.Is(err, ErrNoSystemUser) {
			return 0, err
		}
		if err == nil {
			_, err = f.work.commands.FinishWithdrawal(ctx, req, commands.FinishWithdrawal{TransactionID: result.Reference, Outcome: result.Outcome})
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", result.Reference, err))
			continue
		}
		done++
	}
	return done, errors.Join(failed...)
}

// SuspendReferrer issues the command of this name for a system user.
func (f *Finance) SuspendReferrer(ctx context.Context, by string, c commands.SuspendReferrer) (referrer.State, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return referrer.State{}, err
	}
	done, err := f.work.commands.SuspendReferrer(ctx, req, c)
	return done.Value, err
}

// ReinstateReferrer issues the command of this name for a system user.
func (f *Finance) ReinstateReferrer(ctx context.Context, by string, c commands.ReinstateReferrer) (referrer.State, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return referrer.State{}, err
	}
	done, err := f.work.commands.ReinstateReferrer(ctx, req, c)
	return done.Value, err
}
