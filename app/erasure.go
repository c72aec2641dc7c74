package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/eraser"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/readmodels"
)

// Longest lives of what an erasure leaves behind: see erasure.Lives.
const (
	memoryLife = 2 * time.Minute
	rowLife    = 7 * 24 * time.Hour
)

// openErasureJournal opens the journal before anything is read that was
// encrypted with a key that it may name.
func openErasureJournal(ctx context.Context, c *core, settings Settings, dataFolder string, logger *slog.Logger) (*eraser.Journal, error) {
	path := settings.ErasureJournal
	if path == "" {
		if dataFolder == "" { // The tools of operators may come without one.
			dataFolder = settings.Data
		}
		path = filepath.Join(dataFolder, erasureJournal)
	}
	return eraser.Recover(ctx, c.db.pool, c.keys, path, settings.RenewErasureJournal, logger)
}

// openEraser puts together what destroys personal data.
func (c *core) openEraser(settings Settings, objects *blob.Store) *eraser.Eraser {
	answers := idempotency.NewStore(c.db.pool, c.keys, c.heart.ID())
	return eraser.New(eraser.Config{
		Pool: c.db.pool, Keys: c.keys, Journal: c.erased,
		Index: readmodels.NewQueries(c.db.pool).Erasures,
		Wait:  eraser.WaitFor(c.log.ours, c.engine.WaitFor),
		Copies: []eraser.Copies{
			func(ctx context.Context, t commands.Traces) error {
				return answers.Erase(ctx, append([]string{t.Identity}, t.Subjects...), t.Organizations)
			},
			func(context.Context, commands.Traces) error {
				return deleteMails(filepath.Join(settings.Data, mailFolder), time.Now().Add(time.Hour)) // All, whatever the clocks.
			},
			func(ctx context.Context, t commands.Traces) error { return deleteFiles(ctx, objects, t.Subjects[0]) },
		},
		Lives: erasure.Lives{Rows: rowLife, Backups: settings.BackupRetention, Memory: memoryLife},
	})
}

// deleteFiles deletes the bytes of all files of a subject that is an organization.
// Those that a person uploaded belong to an organization.
func deleteFiles(ctx context.Context, objects *blob.Store, subject string) error {
	name := id.Organization(subject)
	if !id.Valid(name) {
		return nil
	}
	for _, prefix := range commands.ObjectPrefixes(name) {
		if _, _, err := objects.DeleteAll(ctx, prefix); err != nil {
			return fmt.Errorf("delete the files of %s: %w", name, err)
		}
	}
	return nil
}

// eraseDue is the name of the periodic work that erases accounts whose grace is
// over, and the actor in the audit trail.
const eraseDue = "erase-due-users"

// eraseDueUsers erases all accounts whose grace is over at a time.
func eraseDueUsers(ctx context.Context, at time.Time, do *commands.Commands, index erasures.Queries, logger *slog.Logger) error {
	_, err := forEachDue(
		func(after id.User) ([]id.User, error) { return index.Due(ctx, at, after, duePage) },
		func(person id.User) error {
			req := policies.ByClock(eraseDue, string(person), at.Truncate(time.Hour), at, "", access.EraseUsers)
			_, err := do.EraseDueUser(ctx, req, commands.EraseDueUser{UserID: person})
			if err != nil {
				logger.ErrorContext(ctx, "an account whose grace is over cannot be erased", slog.String("user", string(person)), slog.Any("error", err))
			}
			return err
		})
	return err
}

// Erasures are the erasures of an installation, for operators.
type Erasures struct {
	streams *eventstore.Streams
	index   erasures.Queries
}

// List returns all erasures that the read model knows, the latest first.
func (e *Erasures) List(ctx context.Context) ([]erasures.Erasure, error) { return e.index.List(ctx) }

// Show returns an erasure with its certificate, from the event log. It fails with
// erasure.ErrNotFound.
func (e *Erasures) Show(ctx context.Context, name erasure.ID) (erasure.State, error) {
	fold := commands.Fold{
		Zero:  erasure.State{},
		Apply: func(s any, e event.Event) any { return erasure.Apply(s.(erasure.State), e) }, //nolint:forcetypeassert // Zero is one.
	}
	snapshot, err := e.streams.Load(ctx, erasure.Aggregate.Stream(name), fold, true)
	if err != nil {
		return erasure.State{}, err
	}
	s := snapshot.State.(erasure.State) //nolint:forcetypeassert // Zero is one.
	if s.BegunAt.IsZero() {
		return erasure.State{}, erasure.ErrNotFound
	}
	return s, nil
}

// WithErasures hands the erasures to an operator's tool; see WithEngine.
func WithErasures(ctx context.Context, settings Settings, logger *slog.Logger, use func(*Erasures) error) (err error) {
	if err := settings.Check(); err != nil {
		return fmt.Errorf("the settings are not usable: %w", err)
	}
	data, err := settings.toolsFolder()
	if err != nil {
		return err
	}
	c, err := openCore(ctx, settings, data, logger, telemetry.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	streams, err := eventstore.NewStreams(c.log.Client, c.codec, -1)
	if err != nil {
		return err
	}
	return use(&Erasures{streams: streams, index: readmodels.NewQueries(c.db.pool).Erasures})
}
