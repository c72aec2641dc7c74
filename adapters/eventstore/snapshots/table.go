// Package snapshots keeps the folded states of long streams in Postgres, so
// that a process which has not seen a stream yet need not read all of it.
package snapshots

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"github.com/perfectworks/backend/adapters/eventstore"
)

const (
	// maxState bounds what is read into memory for one snapshot, in bytes.
	maxState = 256 << 20
	// keptFor is how long snapshots of another form are kept, for processes of
	// another release.
	keptFor = "30 days"
)

// Table implements eventstore.SnapshotStore in a table of migrations.App. It is
// safe for concurrent use.
type Table struct {
	pool    *pgxpool.Pool
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

var _ eventstore.SnapshotStore = (*Table)(nil)

// NewTable returns the table of a database.
func NewTable(pool *pgxpool.Pool) (*Table, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("compression of snapshots: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxState))
	if err != nil {
		return nil, fmt.Errorf("compression of snapshots: %w", err)
	}
	return &Table{pool, encoder, decoder}, nil
}

// label begins the compressed data, whose checksum so covers the whole row.
func label(s eventstore.StoredSnapshot) string {
	return fmt.Sprintf("%s\n%s\n%d\n%s\n", s.Stream, s.Form, s.Revision, uuid.UUID(s.EventID))
}

// Find implements eventstore.SnapshotStore. A damaged snapshot is none.
func (t *Table) Find(ctx context.Context, stream, form string) (eventstore.StoredSnapshot, bool, error) {
	s := eventstore.StoredSnapshot{Stream: stream, Form: form}
	var data []byte
	err := t.pool.QueryRow(ctx, `SELECT revision, event_id, data FROM state_snapshots WHERE stream = $1 AND form = $2`,
		stream, form).Scan(&s.Revision, (*uuid.UUID)(&s.EventID), &data)
	if errors.Is(err, pgx.ErrNoRows) {
		return eventstore.StoredSnapshot{}, false, nil
	}
	if err != nil {
		return eventstore.StoredSnapshot{}, false, fmt.Errorf("read a snapshot: %w", err)
	}
	plain, err := t.decoder.DecodeAll(data, nil)
	if err != nil {
		return eventstore.StoredSnapshot{}, false, fmt.Errorf("%w: %w", eventstore.ErrSnapshotDamaged, err)
	}
	state, whole := strings.CutPrefix(string(plain), label(s))
	if !whole {
		return eventstore.StoredSnapshot{}, false, fmt.Errorf("%w: it is another one's data", eventstore.ErrSnapshotDamaged)
	}
	s.State = []byte(state)
	return s, true, nil
}

// Save implements eventstore.SnapshotStore.
func (t *Table) Save(ctx context.Context, s eventstore.StoredSnapshot) error {
	data := t.encoder.EncodeAll(append([]byte(label(s)), s.State...), nil)
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO state_snapshots (stream, form, revision, event_id, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (stream, form) DO UPDATE
		SET revision = excluded.revision, event_id = excluded.event_id, data = excluded.data, saved_at = now()
		WHERE state_snapshots.revision < excluded.revision`,
		s.Stream, s.Form, int64(s.Revision), uuid.UUID(s.EventID), data)
	batch.Queue(`DELETE FROM state_snapshots WHERE stream = $1 AND form <> $2 AND saved_at < now() - $3::interval`,
		s.Stream, s.Form, keptFor)
	if err := t.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store a snapshot: %w", err)
	}
	return nil
}

// Drop implements eventstore.SnapshotStore.
func (t *Table) Drop(ctx context.Context, stream string) error {
	if _, err := t.pool.Exec(ctx, `DELETE FROM state_snapshots WHERE stream = $1`, stream); err != nil {
		return fmt.Errorf("delete a snapshot: %w", err)
	}
	return nil
}
