package projections

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The purposes of advisory locks.
const (
	ownerLock  = "owner"  // projecting the live generation
	buildLock  = "build"  // building another one
	createLock = "create" // making the first one
)

// lockKey is the key of an advisory lock, which Postgres wants as a number.
func lockKey(purpose, projection string) int64 {
	sum := sha256.Sum256([]byte("perfectworks/projection/" + purpose + "/" + projection))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // Any 64 bits will do.
}

// lockTimeout bounds each question on the locks' connection.
const lockTimeout = 5 * time.Second

// errLockLost says that the connection that held a lock is gone, and the lock
// with it.
var errLockLost = errors.New("the lock's connection to the database was lost")

// locks holds session advisory locks on one connection of its own. If that
// breaks, all of them are lost. It is safe for concurrent use; but a session
// may take its own lock again, so each key must have one taker.
type locks struct {
	config *pgx.ConnConfig

	mu   sync.Mutex
	conn *pgx.Conn
}

// lockSession is the application name of a session that holds locks, before the
// id of its process.
const lockSession = "perfectworks locks "

// newLocks opens nothing before the first lock is taken. The session names the
// process, so that others can end it when the process hangs.
func newLocks(pool *pgxpool.Pool, process uuid.UUID) *locks {
	config := pool.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = lockSession + process.String()
	return &locks{config: config}
}

// lock is held until release, or until check fails.
type lock struct {
	locks *locks
	conn  *pgx.Conn
	key   int64
}

// try takes a lock if it is free; else it returns nil.
func (l *locks) try(ctx context.Context, key int64) (*lock, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if l.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, l.config)
		if err != nil {
			return nil, fmt.Errorf("connect for advisory locks: %w", err)
		}
		l.conn = conn
	}
	var taken bool
	if err := l.ask(ctx, "SELECT pg_try_advisory_lock($1)", key, &taken); err != nil {
		return nil, err
	}
	if !taken {
		var ended int
		return nil, l.ask(ctx, endHungHolder, key, &ended)
	}
	return &lock{l, l.conn, key}, nil
}

// endHungHolder ends all sessions of the process that holds a lock when that no
// longer beats: a hung process keeps its sessions open, and with them its locks
// and half-sent transactions. Each session's name ends with the process's id.
// Processes that do not beat at all, such as those of an earlier release, are
// left alone.
const endHungHolder = `
	WITH hung AS (
		SELECT p.id
		FROM pg_catalog.pg_locks l
		JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		JOIN processes p ON a.application_name LIKE '% ' || p.id
		WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
		AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
		AND l.classid::bigint << 32 | l.objid::bigint = $1
		AND NOT process_alive(p.id)
	)
	SELECT count(pg_terminate_backend(a.pid))
	FROM pg_catalog.pg_stat_activity a JOIN hung ON a.application_name LIKE '% ' || hung.id
	WHERE a.datname = current_database()`

// ask runs a query of one value. A question once begun is seen through, for a
// context that ends in the middle of it would break the connection, and with it
// everybody's locks. Any error gives the connection up.
func (l *locks) ask(ctx context.Context, sql string, arg, answer any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
	defer cancel()
	err := l.conn.QueryRow(ctx, sql, arg).Scan(answer)
	if err != nil {
		_ = l.conn.Close(ctx) // It is of no more use either way.
		l.conn = nil
		return fmt.Errorf("advisory lock: %w", err)
	}
	return nil
}

// liveID asks, on the lock's own connection, which generation is live: so the
// answer says too that the lock is still held.
func (k *lock) liveID(ctx context.Context, projection string) (int64, error) {
	k.locks.mu.Lock()
	defer k.locks.mu.Unlock()
	if k.locks.conn != k.conn {
		return 0, errLockLost
	}
	var id int64
	err := k.locks.ask(ctx, "SELECT coalesce(max(id), 0) FROM projection.generations WHERE projection = $1 AND state = 'live'",
		projection, &id)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errLockLost, err)
	}
	return id, nil
}

// release gives the lock up, so that another process need not wait.
func (k *lock) release(ctx context.Context) {
	k.locks.mu.Lock()
	defer k.locks.mu.Unlock()
	if k.locks.conn != k.conn {
		return
	}
	var held bool
	_ = k.locks.ask(ctx, "SELECT pg_advisory_unlock($1)", k.key, &held) // Else the connection is closed, and the lock free.
}

// close ends the connection and all locks.
func (l *locks) close(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
		defer cancel()
		_ = l.conn.Close(ctx) // The server frees the locks in any case.
		l.conn = nil
	}
}
