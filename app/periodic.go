package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/organizations"
	paymentmodel "github.com/perfectworks/backend/projections/payments"
	"github.com/perfectworks/backend/projections/readmodels"
	"github.com/perfectworks/backend/projections/referrals"
	"github.com/perfectworks/backend/projections/tokens"
)

// periodic is the work that is due by the clock. Each asks what is due and does
// all of it.
func (c *core) periodic(w *work, settings Settings, logger *slog.Logger) []jobs.Periodic {
	do := w.commands
	queries := readmodels.NewQueries(c.db.pool)
	answers := idempotency.NewStore(c.db.pool, c.keys, c.heart.ID())
	// reading is for work that asks read models.
	reading := func(models ...string) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) { return c.engine.Served(ctx, models...) }
	}
	return []jobs.Periodic{
		{
			Name: "sweep-idempotent-requests", Every: 10 * time.Minute, Timeout: 5 * time.Minute,
			Work: func(ctx context.Context, _ time.Time) error {
				n, err := answers.Sweep(ctx)
				if n > 0 {
					logger.DebugContext(ctx, "expired idempotent requests were deleted", slog.Int64("requests", n))
				}
				return err
			},
		},
		{
			Name: "purge-organizations", Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(organizations.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return purgeOrganizations(ctx, queries.Organizations, do, now, logger)
			},
		},
		{
			Name: "collect-uploads", Every: time.Hour, Timeout: 30 * time.Minute,
			Work: func(ctx context.Context, now time.Time) error { return collectUploads(ctx, w.objects, now, logger) },
		},
		{
			Name: "reconcile-file-operations", Every: time.Minute, Timeout: 10 * time.Minute,
			Ready: reading(files.Name),
			Work:  func(ctx context.Context, now time.Time) error { return w.files.Reconcile(ctx, now) },
		},
		{
			Name: "purge-files", Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(files.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return purgeFiles(ctx, queries.Files, do, now, logger)
			},
		},
		{
			Name: "expire-files", Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(files.Name, organizations.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return expireFiles(ctx, queries.Organizations, queries.Files, do, now, logger)
			},
		},
		{
			Name: "collect-objects", Every: 24 * time.Hour, Timeout: time.Hour,
			Ready: reading(files.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return collectObjects(ctx, w.objects, queries.Files, do, now.Add(-orphanLife), now, logger)
			},
		},
		{
			Name: "reconcile-payments", Every: 10 * time.Minute, Timeout: 9 * time.Minute,
			Ready: reading(paymentmodel.Name, tokens.Name),
			Work: func(ctx context.Context, now time.Time) error {
				_, err := w.payments.Reconcile(ctx, now, payments.Look{})
				return err
			},
		},
		{
			Name: "sweep-payment-webhooks", Every: 24 * time.Hour, Timeout: 10 * time.Minute,
			Work: func(ctx context.Context, now time.Time) error {
				n, err := w.payments.Sweep(ctx, now)
				if n > 0 {
					logger.DebugContext(ctx, "bodies of old webhooks were deleted", slog.Int64("webhooks", n))
				}
				return err
			},
		},
		{
			Name: "settle-tokens", Every: time.Minute, Timeout: 10 * time.Minute,
			Ready: reading(tokens.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return settleTokens(ctx, queries.Tokens, do, now, logger)
			},
		},
		{
			Name: repeating, Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(erasures.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return repeatErasures(ctx, c.keys, queries.Erasures, do, now, logger)
			},
		},
		{
			Name: "forget-invitations", Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(erasures.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return errors.Join(
					forgetInvitations(ctx, queries.Erasures, do, now, logger),
					deleteMails(filepath.Join(settings.Data, mailFolder), now.Add(-organization.InvitationKept)))
			},
		},
		{
			Name: "destroy-old-addresses", Every: time.Hour, Timeout: 5 * time.Minute,
			Work: func(ctx context.Context, now time.Time) error {
				return destroyOldAddresses(ctx, c.keys, settings.auditAddresses(), now, logger)
			},
		},
		{
			Name: "mature-commissions", Every: 10 * time.Minute, Timeout: 9 * time.Minute,
			Ready: reading(referrals.Name),
			Work: func(ctx context.Context, now time.Time) error {
				return matureCommissions(ctx, queries.Referrals, do, now, logger)
			},
		},
		{
			Name: "ask-payouts", Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(referrals.Name),
			Work:  func(ctx context.Context, now time.Time) error { return askPayouts(ctx, queries.Referrals, do, now) },
		},
		{
			Name: "rewrite-erased-tables", Every: rewriteEvery, Timeout: 30 * time.Minute,
			Work: func(ctx context.Context, _ time.Time) error { return c.rewriteErased(ctx, logger) },
		},
		{
			Name: "take-checkpoints", Every: cmp.Or(settings.CheckpointEvery, defaultCheckpointEvery), Timeout: 30 * time.Minute,
			Work: func(ctx context.Context, now time.Time) error {
				return c.takeCheckpoint(ctx, settings, w.checkpoints, now, logger)
			},
		},
		{
			Name: eraseDue, Every: time.Hour, Timeout: 30 * time.Minute,
			Ready: reading(erasures.Name),
			Work: func(ctx context.Context, at time.Time) error {
				return eraseDueUsers(ctx, at, do, queries.Erasures, logger)
			},
		},
	}
}
