package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/perfectworks/backend/adapters/payouts"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
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

// Payouts are withdrawals for an operator's tool. All is done on behalf of a system
// user of finance.
type Payouts struct {
	work *work
	by   access.Principal
}

// WithPayouts hands them to an operator's tool. As is the id of a system user of
// finance.
func WithPayouts(ctx context.Context, settings Settings, logger *slog.Logger, as id.SystemUser, use func(*Payouts) error) error {
	return withOpenWork(ctx, settings, logger, func(w *work) error {
		req, err := newRequest(access.ByPolicy("command line", "", access.ManageSystemUsers))
		if err != nil {
			return err
		}
		all, err := w.commands.ListSystemUsers(ctx, req, commands.ListSystemUsers{})
		if err != nil {
			return err
		}
		found := slices.IndexFunc(all.Value, func(u operator.User) bool { return u.ID == as })
		if found < 0 || !slices.Contains(all.Value[found].Roles, access.SystemFinance) {
			return errors.New("this is not the id of a system user of finance")
		}
		return use(&Payouts{w, access.Principal{Kind: access.KindSystem, UserID: id.User(as), SystemRoles: all.Value[found].Roles}})
	})
}

// Approve approves a withdrawal, and returns its status.
func (p *Payouts) Approve(ctx context.Context, transaction string) (referrer.Withdrawal, error) {
	req, err := newRequest(p.by)
	if err != nil {
		return referrer.Withdrawal{}, err
	}
	done, err := p.work.commands.ApproveWithdrawal(ctx, req, commands.ApproveWithdrawal{TransactionID: transaction})
	return done.Value.Withdrawal, err
}

// Export sends all withdrawals that are approved, and writes all payments that are
// ordered and not done, as CSV. It returns how many these are.
func (p *Payouts) Export(ctx context.Context, w io.Writer) (int, error) {
	now := time.Now()
	queries := referrals.NewQueries(p.work.pool)
	_, err := forEachDue(
		func(after string) ([]string, error) {
			return queries.Withdrawals(ctx, now, after, duePage, referrer.StatusApproved)
		},
		func(name string) error {
			req, err := newRequest(p.by)
			if err == nil {
				_, err = p.work.commands.SendWithdrawal(ctx, req, commands.SendWithdrawal{TransactionID: name})
			}
			if errors.Is(err, referrer.ErrSent) { // The read model was behind.
				err = nil
			}
			return err
		})
	if err != nil {
		return 0, err
	}
	return p.work.orders.Export(ctx, w)
}

// Import notes what became of payments. One that is refused does not keep the
// others; repeating it changes nothing.
func (p *Payouts) Import(ctx context.Context, r io.Reader) (done int, err error) {
	results, err := payouts.ReadResults(r)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, result := range results {
		req, err := newRequest(p.by)
		if err == nil {
			_, err = p.work.commands.FinishWithdrawal(ctx, req, commands.FinishWithdrawal{TransactionID: result.Reference, Outcome: result.Outcome})
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", result.Reference, err))
			continue
		}
		done++
	}
	return done, errors.Join(failed...)
}
