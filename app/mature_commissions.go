package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/referrals"
)

// matureCommissions records which commissions have matured. They count as matured
// from that instant on in any case.
func matureCommissions(ctx context.Context, due referrals.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	matured, err := forEachDue(
		func(after id.Referrer) ([]id.Referrer, error) { return due.Due(ctx, now, after, duePage) },
		func(name id.Referrer) error {
			if err := matureOf(ctx, do, name, now); err != nil {
				return fmt.Errorf("mature the commissions of %s: %w", name, err)
			}
			return nil
		})
	if matured > 0 {
		logger.DebugContext(ctx, "commissions that have matured were recorded", slog.Int("referrers", matured))
	}
	return err
}

// matureOf records those of one referrer, in as many appends as it takes.
func matureOf(ctx context.Context, do *commands.Commands, name id.Referrer, now time.Time) error {
	req := policies.ByClock("mature-commissions", string(name), now, now, "", access.FollowReferrals)
	for before := event.NoStream; ; {
		result, err := do.MatureCommissions(ctx, req, commands.MatureCommissions{ReferrerID: name})
		if err != nil || result.Revision == before {
			return err
		}
		before = result.Revision
	}
}
