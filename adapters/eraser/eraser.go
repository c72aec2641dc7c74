package eraser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/erasures"
)

// Copies destroys what one part of the system stores about subjects, beside the
// event log and the read models. It can be repeated.
type Copies func(ctx context.Context, t commands.Traces) error

// Config says what an Eraser works on.
type Config struct {
	Pool    *pgxpool.Pool
	Keys    Keys
	Journal *Journal
	Index   erasures.Queries
	// Wait waits until the index knows of all that was written before the call.
	Wait func(context.Context) error
	// Copies are all places with personal data beside log and read models.
	Copies []Copies
	Lives  erasure.Lives
}

// Eraser implements commands.Eraser and commands.MembershipIndex. It is safe for
// concurrent use.
type Eraser struct{ config Config }

var (
	_ commands.Eraser          = (*Eraser)(nil)
	_ commands.MembershipIndex = (*Eraser)(nil)
)

// New returns an Eraser.
func New(c Config) *Eraser { return &Eraser{c} }

// Lives implements commands.Eraser.
func (e *Eraser) Lives() erasure.Lives { return e.config.Lives }

// OrganizationsOf implements commands.MembershipIndex.
func (e *Eraser) OrganizationsOf(ctx context.Context, person id.User) ([]id.Organization, error) {
	if err := e.config.Wait(ctx); err != nil {
		return nil, err
	}
	return e.config.Index.OrganizationsOf(ctx, person)
}

// Traces implements commands.Eraser.
func (e *Eraser) Traces(ctx context.Context, kind erasure.Kind, name erasure.ID) (commands.Traces, error) {
	if err := e.config.Wait(ctx); err != nil {
		return commands.Traces{}, err
	}
	t := commands.Traces{Subjects: []string{string(name)}, Invitations: map[id.Invitation]id.Organization{}}
	var invitations []erasures.Invitation
	var err error
	switch kind {
	case erasure.KindUser:
		person := id.User(name)
		var identityErr, organizationsErr error
		t.Identity, identityErr = e.config.Index.IdentityOf(ctx, person)
		t.Organizations, organizationsErr = e.config.Index.OrganizationsOf(ctx, person)
		invitations, err = e.config.Index.InvitationsOf(ctx, person)
		err = errors.Join(identityErr, organizationsErr, err)
	case erasure.KindOrganization:
		t.Organizations = []id.Organization{id.Organization(name)}
		invitations, err = e.config.Index.InvitationsTo(ctx, id.Organization(name))
	default:
		err = fmt.Errorf("there are no erasures of the kind %q", kind)
	}
	if err != nil {
		return commands.Traces{}, err
	}
	for _, i := range invitations {
		t.Subjects = append(t.Subjects, string(i.ID))
		t.Invitations[i.ID] = i.OrganizationID
		t.Organizations = append(t.Organizations, i.OrganizationID)
	}
	return t, nil
}

// Destroy implements commands.Eraser.
func (e *Eraser) Destroy(ctx context.Context, t commands.Traces) error {
	if err := e.Forget(ctx, t.Subjects); err != nil {
		return err
	}
	for _, destroy := range e.config.Copies {
		if err := destroy(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// Forget implements commands.Eraser.
func (e *Eraser) Forget(ctx context.Context, subjects []string) error {
	if err := e.note(ctx, subjects); err != nil {
		return err
	}
	for _, subject := range subjects {
		if err := e.config.Keys.Destroy(ctx, subject); err != nil {
			return err
		}
	}
	return nil
}

// note writes subjects into the journal, then tells the database how long the
// journal is at least. A journal that is shorter later has lost entries.
func (e *Eraser) note(ctx context.Context, subjects []string) error {
	err := pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		// Nobody compares the two meanwhile.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", journalLock); err != nil {
			return err
		}
		if err := e.config.Journal.Append(subjects, time.Now()); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "UPDATE erasure_journal SET entries = entries + $2 WHERE id = $1",
			e.config.Journal.id, len(subjects))
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%w: it was replaced since this process started", ErrJournal)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("note an erasure in the journal: %w", err)
	}
	return nil
}

// waitTimeout bounds how long a command waits for the index. A job is tried again
// later.
const waitTimeout = 30 * time.Second

// WaitFor returns a Config.Wait: head is the position of the last event in the
// log, and wait waits until a read model has reached one.
func WaitFor(head func(context.Context) (event.Position, error), wait func(ctx context.Context, model string, position event.Position) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, waitTimeout)
		defer cancel()
		position, err := head(ctx)
		if err != nil {
			return err
		}
		return wait(ctx, erasures.Name, position)
	}
}
