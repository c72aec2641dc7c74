package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	paymentservice "github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/payments"
	"github.com/perfectworks/backend/projections/readmodels"
)

// Finance is what people of finance do with an operator's tool.
type Finance struct {
	// Payments reads the payments of all organizations.
	Payments      payments.Queries
	organizations organizations.Queries
	work          *work
}

// WithFinance hands payments and token accounts to an operator's tool. A server may
// run on the same data at the same time; without one, the embedded parts are started
// for as long as the tool runs, and what follows from a decision is done by the
// next server.
func WithFinance(ctx context.Context, settings Settings, logger *slog.Logger, use func(*Finance) error) error {
	if err := settings.Check(); err != nil {
		return fmt.Errorf("the settings are not usable: %w", err)
	}
	if _, err := settings.toolsFolder(); err != nil {
		return err
	}
	return withOpenWork(ctx, settings, logger, func(w *work) error {
		return use(&Finance{Payments: w.payments.Payments, organizations: readmodels.NewQueries(w.payments.Pool).Organizations, work: w})
	})
}

// Reconcile compares the payments with what the provider shows: see
// payments.Service.
func (f *Finance) Reconcile(ctx context.Context, look paymentservice.Look) (paymentservice.Report, error) {
	return f.work.payments.Reconcile(ctx, time.Now(), look)
}

// request is that of a system user, who is named by id or address. Whoever can
// start the tool can name anybody: the machine is trusted, as it is with the keys.
func (f *Finance) request(ctx context.Context, by string) (commands.Request, error) {
	if by == "" {
		return commands.Request{}, ErrNoSystemUser
	}
	return requestOf(ctx, f.work.commands, by)
}

// RefundPayment issues the command of this name for a system user.
func (f *Finance) RefundPayment(ctx context.Context, by string, c commands.RefundPayment) (payment.State, error) {
	return financed(ctx, f, by, f.work.commands.RefundPayment, c)
}

// ReleasePayment issues the command of this name for a system user.
func (f *Finance) ReleasePayment(ctx context.Context, by string, c commands.ReleasePayment) (payment.State, error) {
	return financed(ctx, f, by, f.work.commands.ReleasePayment, c)
}

// RejectPayment issues the command of this name for a system user.
func (f *Finance) RejectPayment(ctx context.Context, by string, c commands.RejectPayment) (payment.State, error) {
	return financed(ctx, f, by, f.work.commands.RejectPayment, c)
}

func financed[C any](ctx context.Context, f *Finance, by string, decide commands.Handler[C, payment.State], c C) (payment.State, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return payment.State{}, err
	}
	result, err := decide(ctx, req, c)
	return result.Value, err
}

// AdjustTokens corrects the token account of an organization for a system user, and
// returns it as it is now. It fails with organization.ErrNotFound for one that does
// not exist or was deleted, as the API does.
func (f *Finance) AdjustTokens(ctx context.Context, by string, name id.Organization, amount int64, expireAt time.Time, reason personal.Text) (tokenaccount.State, error) {
	req, err := f.request(ctx, by)
	if err != nil {
		return tokenaccount.State{}, err
	}
	o, err := f.organizations.ByID(ctx, name)
	if err == nil && o.Status != organization.StatusActive {
		err = organization.ErrNotFound
	}
	if err != nil {
		return tokenaccount.State{}, err
	}
	req.Principal = req.Principal.In(name)
	c := commands.AdjustTokensFor(req, amount, reason)
	c.ExpireAt = expireAt
	result, err := f.work.commands.AdjustTokens(ctx, req, c)
	if err != nil {
		return tokenaccount.State{}, err
	}
	return result.Value.At(req.Now), nil
}
