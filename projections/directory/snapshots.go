package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
)

const (
	// partSize is the length of a stored part of a snapshot, in bytes.
	partSize = 1 << 20
	// keptFor is how long snapshots of other rules are kept, for processes of
	// another release.
	keptFor = "30 days"
)

// Snapshots keeps snapshots in Postgres, in the tables of migrations.App. It is
// safe for concurrent use, also by many processes.
type Snapshots struct {
	pool *pgxpool.Pool
	// fingerprint is of the rules by which they are made and read.
	fingerprint string
}

// NewSnapshots returns the snapshots of a database.
func NewSnapshots(pool *pgxpool.Pool) *Snapshots { return &Snapshots{pool, fingerprint} }

// reading is the snapshots of a program that can read these shapes of events:
// what one could not read is marked in its snapshots, and known to another.
func (s *Snapshots) reading(shapes map[string]int) *Snapshots {
	rules := fingerprint
	for _, name := range slices.Sorted(maps.Keys(relevant)) {
		if version := shapes[name]; version > 1 {
			rules += fmt.Sprintf("\x00%s@%d", name, version)
		}
	}
	if rules == fingerprint {
		return s
	}
	sum := sha256.Sum256([]byte(rules))
	return &Snapshots{s.pool, hex.EncodeToString(sum[:])}
}

// errNoSnapshot says that there is none by the rules of this program.
var errNoSnapshot = errors.New("there is no snapshot")

// load reads the latest snapshot. Its error may be errNoSnapshot.
func (s *Snapshots) load(ctx context.Context) (_ *state, at event.Mark, err error) {
	rows, err := s.pool.Query(ctx, `
		SELECT data FROM directory_snapshot_parts WHERE snapshot_id = (
			SELECT id FROM directory_snapshots WHERE fingerprint = $1 ORDER BY commit_position DESC, id DESC LIMIT 1)
		ORDER BY part`, s.fingerprint)
	if err != nil {
		return nil, event.Mark{}, fmt.Errorf("read a snapshot: %w", err)
	}
	defer rows.Close()
	parts := &partReader{rows: rows}
	loaded, at, err := decode(parts)
	if err != nil && !parts.any && rows.Err() == nil {
		return nil, event.Mark{}, errNoSnapshot
	}
	return loaded, at, err
}

// partReader reads parts one after another.
type partReader struct {
	rows pgx.Rows
	rest []byte
	any  bool
}

func (r *partReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if !r.rows.Next() {
			if err := r.rows.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		r.any = true
		if err := r.rows.Scan(&r.rest); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// save keeps a snapshot and lets go of those that it makes useless.
func (s *Snapshots) save(ctx context.Context, at event.Mark, data []byte) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var id int64
		commit := strconv.FormatUint(at.Position.Commit, 10)
		err := tx.QueryRow(ctx, `
			INSERT INTO directory_snapshots (fingerprint, commit_position) VALUES ($1, $2::text::numeric) RETURNING id`,
			s.fingerprint, commit).Scan(&id)
		if err != nil {
			return err
		}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"directory_snapshot_parts"}, []string{"snapshot_id", "part", "data"},
			pgx.CopyFromSlice((len(data)+partSize-1)/partSize, func(part int) ([]any, error) {
				return []any{id, part, data[part*partSize : min((part+1)*partSize, len(data))]}, nil
			}))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			DELETE FROM directory_snapshots
			WHERE fingerprint = $1 AND commit_position <= $2::text::numeric AND id <> $3
			   OR created_at < now() - $4::interval`, s.fingerprint, commit, id, keptFor)
		return err
	})
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", err)
	}
	return nil
}

// discard deletes the snapshots of a position and later ones: they are of a log
// that went back.
func (s *Snapshots) discard(ctx context.Context, at event.Position) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM directory_snapshots WHERE fingerprint = $1 AND commit_position >= $2::text::numeric`,
		s.fingerprint, strconv.FormatUint(at.Commit, 10))
	if err != nil {
		return fmt.Errorf("delete a snapshot: %w", err)
	}
	return nil
}
