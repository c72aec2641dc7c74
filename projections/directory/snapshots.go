package directory

import (
	"bufio"
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

// parts cuts what an encoder writes into rows, one at a time.
type parts struct {
	snapshot int64
	from     *io.PipeReader
	encoded  chan struct{} // closed when the encoder has ended
	number   int
	data     []byte
	err      error
}

func newParts(snapshot int64, encode func(io.Writer) error) *parts {
	from, to := io.Pipe()
	encoded := make(chan struct{})
	go func() {
		defer close(encoded)
		buffered := bufio.NewWriterSize(to, partSize)
		err := encode(buffered)
		if err == nil {
			err = buffered.Flush()
		}
		to.CloseWithError(err)
	}()
	return &parts{snapshot: snapshot, from: from, encoded: encoded, number: -1, data: make([]byte, partSize)}
}

func (p *parts) Next() bool {
	if p.err != nil {
		return false
	}
	n, err := io.ReadFull(p.from, p.data[:partSize])
	p.number, p.data = p.number+1, p.data[:n]
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.err = io.EOF
	case err != nil:
		p.err = err
		return false
	}
	return n > 0
}

// close ends the encoder, should it not have ended, and waits for it.
func (p *parts) close() {
	_ = p.from.Close() // It always returns nil.
	<-p.encoded
}

func (p *parts) Values() ([]any, error) { return []any{p.snapshot, p.number, p.data}, nil }

func (p *parts) Err() error {
	if errors.Is(p.err, io.EOF) {
		return nil
	}
	return p.err
}

// save keeps the snapshot that encode writes and lets go of those that it makes
// useless.
func (s *Snapshots) save(ctx context.Context, at event.Mark, encode func(io.Writer) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var id int64
		commit := strconv.FormatUint(at.Position.Commit, 10)
		err := tx.QueryRow(ctx, `
			INSERT INTO directory_snapshots (fingerprint, commit_position) VALUES ($1, $2::text::numeric) RETURNING id`,
			s.fingerprint, commit).Scan(&id)
		if err != nil {
			return err
		}
		source := newParts(id, encode)
		defer source.close()
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"directory_snapshot_parts"}, []string{"snapshot_id", "part", "data"}, source)
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
