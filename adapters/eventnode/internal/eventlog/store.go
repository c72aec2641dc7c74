package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// advisoryLock is the lock that a transaction holds to write: "eventnod".
const advisoryLock int64 = 0x6576656e746e6f64

// lockTimeout bounds the wait for the lock on the server, below WriteTimeout, so
// that a writer that gave up is not still waiting there to write later.
const lockTimeout = "4s"

const connectTimeout = 3 * time.Second

// store is the writer's connection.
type store struct {
	pool *pgxpool.Pool
	conn *pgx.Conn
	tx   pgx.Tx // while the lock is held over several round trips
}

func (s *store) connect(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	conn, err := dial(ctx, s.pool, map[string]string{
		"application_name": "eventnode writer",
		// What is acknowledged is durable, whatever the database's default.
		"synchronous_commit": "on",
		// The check after the lock must see what was committed before it.
		"default_transaction_isolation": "read committed",
		"lock_timeout":                  lockTimeout,
	})
	if err != nil {
		return err
	}
	s.conn = conn
	return nil
}

// dial makes a connection beside the pool, with the pool's settings.
func dial(ctx context.Context, pool *pgxpool.Pool, params map[string]string) (*pgx.Conn, error) {
	config := pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	// A span for each group commit would belong to none of its writers.
	config.ConnConfig.Tracer = nil
	for name, value := range params {
		config.ConnConfig.RuntimeParams[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}

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

// ifEndsAt keeps an insert from writing after the log moved on. It is only right
// in a statement of its own after the lock was taken: its snapshot is newer than
// the last commit.
const ifEndsAt = ` WHERE (SELECT coalesce(max(position), 0) FROM eventnode.events) = $10`

// commit writes events at the end of the log, if the log still ends at position.
// Lock, check, insert and commit take one round trip: a batch is one transaction,
// from its first statement to the end of the batch.
func (s *store) commit(ctx context.Context, position int64, events []*Event) (committed bool, err error) {
	if len(events) == 0 {
		end, err := s.end(ctx)
		return end == position, err
	}
	var batch pgx.Batch
	batch.Queue("SELECT pg_advisory_xact_lock($1)", advisoryLock)
	batch.Queue(insertEvents+ifEndsAt, append(columns(events), position)...)
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
		return false, unknown(fmt.Errorf("commit events: %w", err))
	}
	return rows > 0, nil
}

func (s *store) end(ctx context.Context) (position int64, err error) {
	err = s.conn.QueryRow(ctx, "SELECT coalesce(max(position), 0) FROM eventnode.events").Scan(&position)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	return position, nil
}

// lock begins a transaction that nobody can overtake. commitLocked ends it; so
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
		return unknown(fmt.Errorf("commit events: %w", err))
	}
	s.tx = nil
	return nil
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

// unknown marks an error after which the transaction may or may not have been
// committed.
func unknown(err error) error {
	if err == nil || errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}
