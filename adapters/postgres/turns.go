package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// maxTurns bounds how many connections are kept busy by turns.
	maxTurns = 4
	// turnWait bounds how long a turn is waited for.
	turnWait = 500 * time.Millisecond
	// turnLength bounds how long a turn that is never ended keeps others waiting.
	turnLength = "5s"
)

// Turns lets processes that share a database take turns, by advisory locks. A
// turn is only a hint: it is given without a lock when there is none to be had
// in time, so nothing may depend on being alone. It is safe for concurrent use.
type Turns struct {
	pool   *pgxpool.Pool
	places chan struct{}
}

// NewTurns returns the turns of a database, for which it uses few connections of
// the pool.
func NewTurns(pool *pgxpool.Pool) *Turns {
	return &Turns{pool, make(chan struct{}, maxTurns)}
}

// Take waits for the turn on a name, a short while at most. The caller ends the
// turn by calling end, once.
func (t *Turns) Take(ctx context.Context, name string) (end func()) {
	none := func() {}
	select {
	case t.places <- struct{}{}:
	default:
		return none
	}
	leave := func() { <-t.places }
	wait, cancel := context.WithTimeout(ctx, 2*turnWait)
	defer cancel()
	tx, err := t.pool.Begin(wait)
	if err != nil {
		leave()
		return none
	}
	end = func() {
		defer leave()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*turnWait)
		defer cancel()
		_ = tx.Rollback(ctx) // Without the connection the lock is gone too.
	}
	// The settings hold before the lock is asked for.
	_, err = tx.Exec(wait, `SELECT set_config('lock_timeout', $2, true),
		set_config('idle_in_transaction_session_timeout', $3, true), pg_advisory_xact_lock($1)`,
		turnKey(name), turnWait.String(), turnLength)
	if err != nil {
		end()
		return none
	}
	return end
}

// turnKey is the key of an advisory lock, which Postgres wants as a number.
func turnKey(name string) int64 {
	sum := sha256.Sum256([]byte("perfectworks/turn/" + name))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // Any 64 bits will do.
}
