package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/projections/organizations"
)

// purgePage is how many due organizations are asked for at a time.
const purgePage = 100

// purgeOrganizations purges the organizations whose grace is over. The read
// model says which to try, and each organization decides. One that fails does
// not keep the others: it is tried again at the next run.
func purgeOrganizations(ctx context.Context, due organizations.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	var failed []error
	purged, after := 0, organizations.DuePurge{}
	for {
		page, err := due.DueForPurge(ctx, now, after, purgePage)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, o := range page {
			req := policies.ByClock("purge-organizations", string(o.ID), o.PurgeAt, now, o.ID, access.DisposeOrganization)
			if _, err := do.PurgeDueOrganization(ctx, req, commands.PurgeDueOrganization{OrganizationID: o.ID}); err != nil {
				failed = append(failed, fmt.Errorf("purge %s: %w", o.ID, err))
				continue
			}
			purged++
		}
		if len(page) < purgePage {
			break
		}
		after = page[len(page)-1]
	}
	if purged > 0 {
		logger.InfoContext(ctx, "deleted organizations were purged", "organizations", purged)
	}
	return errors.Join(failed...)
}
