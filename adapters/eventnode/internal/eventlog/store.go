package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
)

// advisoryLock is the lock that a transaction holds to write: "eventnod".
const advisoryLock int64 = 0x6576656e746e6f64

// lockTimeout bounds a wait for the lock on the server, well below WriteTimeout:
// there is time to take over from a process that holds it and does nothing, and a
// writer that gave up is not still waiting there to write later.
const lockTimeout = 2 * time.Second

const connectTimeout = 3 * time.Second

// store is the writer's connection.
type store struct {
	pool *pgxpool.Pool
	conn *pgx.Conn
	tx   pgx.Tx // while the lock is held over several round trips
}

// logEnd is the last event of the log, zero in an empty one. The id tells a log
// from another that happens to end at the same position: one that was restored
// from a backup and written again.
type logEnd struct {
	position int64
	id       uuid.UUID
}

func endAt(e *Event) logEnd { return logEnd{position: e.Position, id: e.ID} }

func (s *store) connect(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := postgres.Dial(ctx, s.pool, map[string]string{
		"application_name": "eventnode writer",
		// What is acknowledged is durable, whatever the database's default.
		"synchronous_commit": "on",
		// The check after the lock must see what was committed before it.
		"default_transaction_isolation": "read committed",
		"lock_timeout":                  milliseconds(lockTimeout),
		// Of a process that stops while it holds the lock, the server ends the
		// session. See takeOver for what this does not reach.
		"idle_in_transaction_session_timeout": milliseconds(lockTimeout),
	})
	if err != nil {
		return err
	}
	s.conn = conn
	return nil
}

// milliseconds is how Postgres takes a duration.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func (s *store) close(ctx context.Context) {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing is left to be done about it
	s.conn, s.tx = nil, nil
}

const insertEvents = `
INSERT INTO eventnode.events (position, revision, created, event_id, is_json, stream, type, metadata, data)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bool[], $6::text[], $7::text[], $8::bytea[], $9::bytea[])`

// ifEndsAt keeps an insert from writing after the log moved on, or was replaced.
// It is only right in a statement of its own after the lock was taken: its
// snapshot is newer than the last commit.
const ifEndsAt = `
WHERE CASE WHEN $10::bigint = 0 THEN NOT EXISTS (SELECT FROM eventnode.events)
ELSE EXISTS (
	SELECT FROM (SELECT position, event_id FROM eventnode.events ORDER BY position DESC LIMIT 1) last
	WHERE last.position = $10 AND last.event_id = $11::uuid) END`

// ifNotWritten keeps it from writing to streams that were believed to be new.
const ifNotWritten = `
AND NOT EXISTS (
	SELECT FROM unnest($12::text[]) s (name)
	CROSS JOIN LATERAL (SELECT FROM eventnode.events e WHERE e.stream = s.name LIMIT 1) found)`

// commit writes events at the end of the log, if it still is the end and the
// unwritten streams have no events. Lock, check, insert and commit take one round
// trip: a batch is one transaction, from its first statement to the end of the
// batch.
func (s *store) commit(ctx context.Context, at logEnd, unwritten []string, events []*Event) (committed bool, err error) {
	if len(events) == 0 {
		end, err := s.end(ctx)
		return end == at && len(unwritten) == 0, err
	}
	insert, args := insertEvents+ifEndsAt, append(columns(events), at.position, [16]byte(at.id))
	if len(unwritten) > 0 {
		insert, args = insert+ifNotWritten, append(args, unwritten)
	}
	var batch pgx.Batch
	batch.Queue("SELECT pg_advisory_xact_lock($1)", advisoryLock)
	batch.Queue(insert, args...)
	results := s.conn.SendBatch(ctx, &batch)
	var rows int64
	if _, err = results.Exec(); err == nil {
		tag, insertErr := results.Exec()
		rows, err = tag.RowsAffected(), insertErr
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return false, unlessRefused(fmt.Errorf("commit events: %w", err))
	}
	return rows > 0, nil
}

func (s *store) end(ctx context.Context) (end logEnd, err error) {
	err = s.conn.QueryRow(ctx, "SELECT position, event_id FROM eventnode.events ORDER BY position DESC LIMIT 1").Scan(&end.position, &end.id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return logEnd{}, fmt.Errorf("read the end of the log: %w", err)
	}
	return end, nil
}

// holds says whether the log still holds the event where it was read.
func (s *store) holds(ctx context.Context, at logEnd) (held bool, err error) {
	if at.position == 0 {
		return true, nil
	}
	err = s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM eventnode.events WHERE position = $1 AND event_id = $2)", at.position, at.id).Scan(&held)
	if err != nil {
		return false, fmt.Errorf("read the end of the log: %w", err)
	}
	return held, nil
}

// lock begins a transaction that no other can overtake. commitLocked ends it; so
// does close.
func (s *store) lock(ctx context.Context) (err error) {
	if s.tx, err = s.conn.Begin(ctx); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if _, err := s.tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", advisoryLock); err != nil {
		return fmt.Errorf("lock the log: %w", err)
	}
	return nil
}

func (s *store) commitLocked(ctx context.Context, events []*Event) error {
	if len(events) > 0 {
		if _, err := s.tx.Exec(ctx, insertEvents, columns(events)...); err != nil {
			return fmt.Errorf("insert events: %w", err)
		}
	}
	if err := s.tx.Commit(ctx); err != nil {
		return unlessRefused(fmt.Errorf("commit events: %w", err))
	}
	s.tx = nil
	return nil
}

// rollBack ends a transaction that failed, if there is one. The connection stays.
func (s *store) rollBack(ctx context.Context) error {
	if s.tx == nil {
		return nil
	}
	err := s.tx.Rollback(ctx)
	s.tx = nil
	return err
}

// columns turns events into one array for each column.
func columns(events []*Event) []any {
	n := len(events)
	var (
		positions, revisions, created = make([]int64, n), make([]int64, n), make([]int64, n)
		ids                           = make([][16]byte, n)
		json                          = make([]bool, n)
		streams, types                = make([]string, n), make([]string, n)
		metadata, data                = make([][]byte, n), make([][]byte, n)
	)
	for i, e := range events {
		positions[i], revisions[i], created[i] = e.Position, e.Revision, e.Created
		ids[i], json[i] = e.ID, e.JSON
		streams[i], types[i] = e.Stream, e.Type
		metadata[i], data[i] = notNull(e.Metadata), notNull(e.Data)
	}
	return []any{positions, revisions, created, ids, json, streams, types, metadata, data}
}

func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// idsAfter reads the ids stored after the revisions that the operations expect,
// as many as they have events.
func (s *store) idsAfter(ctx context.Context, ops []*operation) (map[revisionOf]storedID, error) {
	var (
		streams = make([]string, len(ops))
		first   = make([]int64, len(ops))
		counts  = make([]int64, len(ops))
	)
	for i, op := range ops {
		streams[i], first[i], counts[i] = op.stream, int64(op.expected)+1, int64(len(op.events))
	}
	rows, err := s.conn.Query(ctx, `
		SELECT s.name, e.revision, e.event_id, e.position
		FROM unnest($1::text[], $2::bigint[], $3::bigint[]) s (name, first, count)
		JOIN eventnode.events e
		  ON e.stream = s.name AND e.revision >= s.first AND e.revision < s.first + s.count`,
		streams, first, counts)
	if err != nil {
		return nil, fmt.Errorf("read stored ids: %w", err)
	}
	stored := make(map[revisionOf]storedID, len(ops))
	var (
		at revisionOf
		id storedID
	)
	_, err = pgx.ForEachRow(rows, []any{&at.stream, &at.revision, &id.id, &id.position}, func() error {
		stored[at] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read stored ids: %w", err)
	}
	return stored, nil
}

// after reads a page of the events that follow a position.
func (s *store) after(ctx context.Context, position int64, limit int) (events []*Event, done bool, err error) {
	return readPage(ctx, s.conn, limit, selectEvents+` WHERE position > $1 ORDER BY position LIMIT $2`, position, limit)
}

// positionBefore is a position that at most so many events follow, with content
// of about so many bytes at most: positions count bytes.
func (s *store) positionBefore(ctx context.Context, events int, bytes int64) (position int64, err error) {
	err = s.conn.QueryRow(ctx, `
		SELECT greatest(0,
			(SELECT max(position) FROM eventnode.events) - $2::bigint,
			(SELECT position FROM eventnode.events ORDER BY position DESC OFFSET $1 LIMIT 1))`,
		events, bytes).Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	return position, nil
}

// idsBefore reads ids and places of the last events up to a position, the latest
// first.
func (s *store) idsBefore(ctx context.Context, position int64, limit int) ([]*Event, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT event_id, stream, revision, position FROM eventnode.events
		WHERE position <= $1 ORDER BY position DESC LIMIT $2`, position, limit)
	if err != nil {
		return nil, fmt.Errorf("read recent ids: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Event, error) {
		e := &Event{}
		return e, row.Scan(&e.ID, &e.Stream, &e.Revision, &e.Position)
	})
	if err != nil {
		return nil, fmt.Errorf("read recent ids: %w", err)
	}
	return events, nil
}
