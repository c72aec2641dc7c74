package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/domain/event"
)

// Where checkpoints and the key that signs them are in a data folder.
const (
	evidenceFolder    = "evidence"
	checkpointKeyFile = "checkpoint.key"
)

// The bounds of PERFECTWORKS_CHECKPOINT_EVERY, and its default.
const (
	leastCheckpointEvery   = time.Second
	mostCheckpointEvery    = 24 * time.Hour
	defaultCheckpointEvery = 10 * time.Minute
)

// checkEvidence tells what is wrong with the settings of checkpoints.
func (s Settings) checkEvidence() error {
	err := named("PERFECTWORKS_EVIDENCE_URL", blob.CheckURL(s.EvidenceURL))
	if s.CheckpointEvery != 0 && (s.CheckpointEvery < leastCheckpointEvery || s.CheckpointEvery > mostCheckpointEvery) {
		err = errors.Join(err, fmt.Errorf("PERFECTWORKS_CHECKPOINT_EVERY lies outside %s to %s", leastCheckpointEvery, mostCheckpointEvery))
	}
	return err
}

// checkpointKeys reads the keys of checkpoints: those of PERFECTWORKS_CHECKPOINT_KEY,
// or those of the data folder, where one is created if there is none.
func checkpointKeys(settings Settings, dataFolder string) (*evidence.Keys, error) {
	if settings.CheckpointKey == "" {
		return evidence.KeysIn(filepath.Join(dataFolder, checkpointKeyFile))
	}
	keys, err := evidence.LoadKeys(settings.CheckpointKey)
	return keys, named("PERFECTWORKS_CHECKPOINT_KEY", err)
}

// CheckpointKeys reads the keys of checkpoints without starting anything.
func CheckpointKeys(settings Settings) (*evidence.Keys, error) {
	if settings.CheckpointKey != "" {
		return checkpointKeys(settings, "")
	}
	dir, err := settings.existingFolder()
	if err != nil {
		return nil, err
	}
	if !has(dir, checkpointKeyFile) {
		return nil, named(settings.DataFrom, fmt.Errorf("PERFECTWORKS_CHECKPOINT_KEY is not set, and no server has kept a key of checkpoints in %s: %w",
			dir, ErrNoDataFolder))
	}
	return checkpointKeys(settings, dir)
}

// withLedger opens the store of checkpoints for as long as it is used.
func (c *core) withLedger(ctx context.Context, settings Settings, dataFolder string, keys *evidence.Keys, logger *slog.Logger, use func(*evidence.Ledger) error) (err error) {
	store, err := blob.Open(ctx, blob.Config{URL: settings.EvidenceURL, Folder: filepath.Join(dataFolder, evidenceFolder)})
	if err != nil {
		return named("PERFECTWORKS_EVIDENCE_URL", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	log, err := c.log.Identity(ctx)
	if err != nil {
		return err
	}
	log, _, _ = strings.Cut(log, "#") // Trees are of a log, through all of its epochs.
	return use(evidence.New(evidence.Config{
		Log: log, Read: evidence.ReadFrom(c.log.Client), Head: c.log.Head, Streams: eventstore.OwnPrefixes(),
		Store: store, Keys: keys, Pool: c.db.pool, Logger: logger,
	}))
}

// takeCheckpoint takes a checkpoint of the log.
func (c *core) takeCheckpoint(ctx context.Context, settings Settings, metrics *evidence.Metrics, now time.Time, logger *slog.Logger) error {
	data, err := settings.DataFolder()
	if err != nil {
		return err
	}
	keys, err := checkpointKeys(settings, data)
	var taken evidence.Checkpoint
	if err == nil {
		err = c.withLedger(ctx, settings, data, keys, logger, func(l *evidence.Ledger) (err error) {
			taken, _, err = l.Take(ctx)
			return err
		})
	}
	metrics.Took(taken, now, err)
	if evidence.Refused(err) {
		logger.ErrorContext(ctx, "no checkpoint of the event log is taken: it may have been tampered with, or lost events; perfectworks audit verify says where",
			slog.Any("error", err))
	}
	return err
}

// WithLedger opens the store of checkpoints. keys are those to verify with; those of
// the settings when nil.
func (a *Audit) WithLedger(ctx context.Context, keys *evidence.Keys, use func(*evidence.Ledger) error) (err error) {
	data := ""
	if a.settings.EvidenceURL == "" || keys == nil && a.settings.CheckpointKey == "" {
		if data, err = a.settings.existingFolder(); err != nil {
			return err
		}
	}
	if keys == nil {
		if keys, err = checkpointKeys(a.settings, data); err != nil {
			return err
		}
	}
	return a.core.withLedger(ctx, a.settings, data, keys, a.logger, use)
}

// Stored returns an event as it is stored, by its id or as STREAM@REVISION. An id is
// looked for in the whole log. Its error wraps eventstore.ErrNoEvent.
func (a *Audit) Stored(ctx context.Context, name string) (evidence.Event, error) {
	if id, err := uuid.Parse(name); err == nil {
		return a.storedByID(ctx, event.ID(id))
	}
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return evidence.Event{}, fmt.Errorf("%q is neither the id of an event nor STREAM@REVISION", name)
	}
	revision, err := strconv.ParseInt(name[at+1:], 10, 64)
	if err != nil || revision < 0 {
		return evidence.Event{}, fmt.Errorf("%q is neither the id of an event nor STREAM@REVISION", name)
	}
	stored, err := a.core.log.Stored(ctx, name[:at], event.Revision(revision))
	if err != nil {
		return evidence.Event{}, err
	}
	return evidence.Stored(stored), nil
}

func (a *Audit) storedByID(ctx context.Context, id event.ID) (evidence.Event, error) {
	head, err := a.core.log.Head(ctx)
	if err != nil {
		return evidence.Event{}, err
	}
	found, enough := make(chan evidence.Event, 1), errors.New("enough")
	err = evidence.ReadFrom(a.core.log.Client)(ctx, event.Position{}, head, eventstore.OwnPrefixes(), func(e evidence.Event) error {
		if e.ID != id {
			return nil
		}
		found <- e
		return enough
	})
	switch {
	case errors.Is(err, enough):
		return <-found, nil
	case err != nil:
		return evidence.Event{}, err
	}
	return evidence.Event{}, fmt.Errorf("%w: %s", eventstore.ErrNoEvent, id)
}
