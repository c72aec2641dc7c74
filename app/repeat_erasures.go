package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/erasures"
)

// repeating is the name of the periodic work that erases again, and the actor in the
// audit trail.
const repeating = "repeat-erasures"

// destroyedKeys lists the subjects whose keys are destroyed.
type destroyedKeys interface {
	AllDestroyed(ctx context.Context, found func(keyring.Destroyed)) error
}

// repeatErasures erases those again whose keys are destroyed though the log knows of
// no erasure. That is so after a log was restored from before the erasure: accounts
// and organizations are there again, and nobody can read their names.
func repeatErasures(ctx context.Context, keys destroyedKeys, index erasures.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	known := map[erasure.ID]bool{}
	all, err := index.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		known[e.ID] = true
	}
	var failed []error
	err = keys.AllDestroyed(ctx, func(d keyring.Destroyed) {
		if known[erasure.ID(d.Subject)] {
			return
		}
		if again, err := repeatErasure(ctx, d, do, now); err != nil {
			failed = append(failed, fmt.Errorf("erase %s again: %w", d.Subject, err))
		} else if again {
			logger.WarnContext(ctx, "the log knew nothing of an erasure, as after its restore from a backup: it was repeated", slog.String("subject", d.Subject))
		}
	})
	return errors.Join(append(failed, err)...)
}

// repeatErasure tells whether there was something to erase.
func repeatErasure(ctx context.Context, d keyring.Destroyed, do *commands.Commands, now time.Time) (again bool, err error) {
	switch person, home := id.User(d.Subject), id.Organization(d.Subject); {
	case id.Valid(person):
		req := policies.ByClock(repeating, d.Subject, now, now, "", access.EraseUsers)
		result, err := do.RepeatUserErasure(ctx, req, commands.RepeatUserErasure{UserID: person})
		return result.Value.ID != "", err
	case id.Valid(home):
		req := policies.ByClock(repeating, d.Subject, now, now, home, access.DisposeOrganization)
		result, err := do.RepeatOrganizationErasure(ctx, req, commands.RepeatOrganizationErasure{OrganizationID: home})
		return result.Value.Erasure.ID != "", err
	}
	return false, nil
}
