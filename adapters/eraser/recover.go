package eraser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/keyring"
)

// Keys are the encryption keys of subjects: see keyring.Keyring.
type Keys interface {
	Destroy(ctx context.Context, subject string) error
	// Destroyed returns those among subjects whose keys are destroyed.
	Destroyed(ctx context.Context, subjects []string) (map[string]bool, error)
	// AllDestroyed calls a function for each subject whose key was ever destroyed.
	AllDestroyed(ctx context.Context, found func(keyring.Destroyed)) error
}

// ErrJournal is the refusal to start on a journal that does not fit the database.
var ErrJournal = errors.New("the journal of erasures cannot be trusted")

// journalLock is the key of the advisory lock that starts take turns by.
const journalLock = 7_391_044_201

// Recover opens the journal that belongs to a database, and destroys the keys
// again that it names and that a restored backup brought back. At the first start
// of all it creates the journal, with what was destroyed before.
//
// It fails when the journal is missing, damaged, that of another database, or
// shorter than it was: then nobody knows which keys must not be used. With renew
// it replaces a journal that is missing by a new one, from what the database
// knows.
func Recover(ctx context.Context, pool *pgxpool.Pool, keys Keys, path string, renew bool, logger *slog.Logger) (j *Journal, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", journalLock); err != nil {
			return err
		}
		j, err = recovered(ctx, tx, keys, path, renew, logger)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the journal of erasures (PERFECTWORKS_ERASURE_JOURNAL): %w", err)
	}
	return j, nil
}

func recovered(ctx context.Context, tx pgx.Tx, keys Keys, path string, renew bool, logger *slog.Logger) (*Journal, error) {
	known, length, err := registered(ctx, tx)
	if err != nil {
		return nil, err
	}
	j, entries, err := OpenJournal(path)
	if errors.Is(err, ErrNoJournal) {
		if known != (uuid.UUID{}) && !renew {
			return nil, fmt.Errorf("%w: %w, and this database has one with %d entries: put it back. "+
				"If it is lost for good, and no backup of the database from before the last erasure is ever restored, "+
				"perfectworks erasure renew-journal makes a new one", ErrJournal, err, length)
		}
		return begun(ctx, tx, keys, path)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	case renew:
		return nil, fmt.Errorf("%w: it can be read, and is not replaced", ErrJournal)
	case known != (uuid.UUID{}) && known != j.id:
		return nil, fmt.Errorf("%w: %s is the journal of another database", ErrJournal, path)
	case int64(len(entries)) < length:
		return nil, fmt.Errorf("%w: it has %d entries and had %d: put back a later copy of it", ErrJournal, len(entries), length)
	}
	if err := reapply(ctx, keys, entries, logger); err != nil {
		return nil, err
	}
	return j, register(ctx, tx, j.id, int64(len(entries)))
}

// begun creates the journal of a database that has none.
func begun(ctx context.Context, tx pgx.Tx, keys Keys, path string) (*Journal, error) {
	var entries []Entry
	if err := keys.AllDestroyed(ctx, func(d keyring.Destroyed) { entries = append(entries, Entry(d)) }); err != nil {
		return nil, err
	}
	j, err := CreateJournal(path, entries)
	if err != nil {
		return nil, err
	}
	return j, register(ctx, tx, j.id, int64(len(entries)))
}

// reapplyAtOnce is how many subjects are looked up together.
const reapplyAtOnce = 1000

// reapply destroys the keys again that came back.
func reapply(ctx context.Context, keys Keys, entries []Entry, logger *slog.Logger) error {
	back := 0
	for len(entries) > 0 {
		part := entries[:min(len(entries), reapplyAtOnce)]
		entries = entries[len(part):]
		subjects := make([]string, len(part))
		for i, e := range part {
			subjects[i] = e.Subject
		}
		destroyed, err := keys.Destroyed(ctx, subjects)
		if err != nil {
			return err
		}
		for _, subject := range subjects {
			if destroyed[subject] {
				continue
			}
			if err := keys.Destroy(ctx, subject); err != nil {
				return err
			}
			destroyed[subject] = true
			back++
		}
	}
	if back > 0 {
		logger.WarnContext(ctx, "the database held no note of erasures that the journal names, as after the restore of a backup: their keys were destroyed again",
			slog.Int("keys", back))
	}
	return nil
}

func registered(ctx context.Context, tx pgx.Tx) (id uuid.UUID, length int64, err error) {
	err = tx.QueryRow(ctx, "SELECT id, entries FROM erasure_journal").Scan(&id, &length)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return id, length, err
}

func register(ctx context.Context, tx pgx.Tx, id uuid.UUID, length int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO erasure_journal (id, entries) VALUES ($1, $2)
		ON CONFLICT (one) DO UPDATE SET id = excluded.id, entries = excluded.entries`, id, length)
	return err
}
