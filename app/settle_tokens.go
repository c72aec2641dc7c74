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
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/tokens"
)

// duePage is how many token accounts are asked for at a time.
const duePage = 100

// settleTokens records what has come due of token accounts. The read model says
// which to try, and each account decides: what is recorded already comes no
// second time, however far behind the read model is. An account that fails does
// not keep the others: it is tried again at the next run.
func settleTokens(ctx context.Context, due tokens.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	var failed []error
	settled, after := 0, id.Organization("")
	for {
		page, err := due.Due(ctx, now, after, duePage)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, organization := range page {
			if err := settleAccount(ctx, do, organization, now); err != nil {
				failed = append(failed, fmt.Errorf("settle the tokens of %s: %w", organization, err))
				continue
			}
			settled++
		}
		if len(page) < duePage {
			break
		}
		after = page[len(page)-1]
	}
	if settled > 0 {
		logger.DebugContext(ctx, "what was due of token accounts was recorded", slog.Int("accounts", settled))
	}
	return errors.Join(failed...)
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
