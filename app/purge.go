package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/projections/organizations"
)

// purgeOrganizations purges the organizations whose grace is over; each of them
// decides whether it is.
func purgeOrganizations(ctx context.Context, due organizations.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	purged, err := forEachDue(
		func(after organizations.DuePurge) ([]organizations.DuePurge, error) {
			return due.DueForPurge(ctx, now, after, duePage)
		},
		func(o organizations.DuePurge) error {
			req := policies.ByClock("purge-organizations", string(o.ID), o.PurgeAt, now, o.ID, access.DisposeOrganization)
			if _, err := do.PurgeDueOrganization(ctx, req, commands.PurgeDueOrganization{OrganizationID: o.ID}); err != nil {
				return fmt.Errorf("purge %s: %w", o.ID, err)
			}
			return nil
		})
	if purged > 0 {
		logger.InfoContext(ctx, "deleted organizations were purged", "organizations", purged)
	}
	return err
}
