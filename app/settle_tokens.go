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
	"github.com/perfectworks/backend/projections/tokens"
)

// settleTokens records what has come due of token accounts; each of them decides
// whether it has. What is recorded already comes no second time, however far behind
// the read model is.
func settleTokens(ctx context.Context, due tokens.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	settled, err := forEachDue(
		func(after id.Organization) ([]id.Organization, error) { return due.Due(ctx, now, after, duePage) },
		func(organization id.Organization) error {
			if err := settleAccount(ctx, do, organization, now); err != nil {
				return fmt.Errorf("settle the tokens of %s: %w", organization, err)
			}
			return nil
		})
	if settled > 0 {
		logger.DebugContext(ctx, "what was due of token accounts was recorded", slog.Int("accounts", settled))
	}
	return err
}

// settleAccount settles one account, in as many appends as it takes.
func settleAccount(ctx context.Context, do *commands.Commands, organization id.Organization, now time.Time) error {
	req := policies.ByClock("settle-tokens", string(organization), now, now, organization, access.GrantTokens)
	for before := event.NoStream; ; {
		result, err := do.SettleTokens(ctx, req, commands.SettleTokens{})
		if err != nil || result.Revision == before {
			return err
		}
		before = result.Revision
	}
}
