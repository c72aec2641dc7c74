package identity

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perfectworks/backend/domain/id"
)

const (
	// usageResolution is how far a key's time of last use may be behind.
	usageResolution = time.Minute
	// usageFlush is how often what was noted is written.
	usageFlush = 5 * time.Second
	// usageTimeout bounds one attempt to write, at shutdown too.
	usageTimeout = 5 * time.Second
	// maxUsage bounds the keys that are remembered. Beyond it a use goes
	// unrecorded, until the database has taken what there is.
	maxUsage = 1 << 17
)

// Executor runs a statement, as a pool of connections does.
type Executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Usage notes when API keys were last used: in memory, and every few seconds in
// Postgres. It is safe for concurrent use.
type Usage struct {
	db     Executor
	logger *slog.Logger

	mu      sync.Mutex
	keys    map[id.APIKey]use
	dropped int // since the last flush
}

// use is the latest recorded use of a key. Uses within usageResolution after it
// are not recorded.
type use struct {
	at      time.Time
	written bool
}

// NewUsage returns a Usage that writes to the table api_key_usage while Run
// runs.
func NewUsage(db Executor, logger *slog.Logger) *Usage {
	return &Usage{db: db, logger: logger, keys: map[id.APIKey]use{}}
}

// Used notes a use of a key. It does no I/O.
func (u *Usage) Used(key id.APIKey, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	last, known := u.keys[key]
	switch {
	case known && at.Sub(last.at) < usageResolution:
	case !known && len(u.keys) >= maxUsage:
		u.dropped++
	default:
		u.keys[key] = use{at: at}
	}
}

// Run writes until ctx ends, and then what is left. What Postgres does not take
// is kept and tried again.
func (u *Usage) Run(ctx context.Context) {
	tick := time.NewTicker(usageFlush)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.flushLogged(ctx)
		case <-ctx.Done():
			u.flushLogged(context.WithoutCancel(ctx))
			return
		}
	}
}

func (u *Usage) flushLogged(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	if err := u.Flush(ctx); err != nil {
		u.logger.WarnContext(ctx, "the last uses of API keys are kept in memory, for they cannot be written", "error", err)
	}
}

// Flush writes what was noted. A time never goes back, whichever process writes
// last.
func (u *Usage) Flush(ctx context.Context) error {
	keys, times, dropped := u.unwritten(time.Now())
	if dropped > 0 {
		u.logger.WarnContext(ctx, "uses of API keys went unrecorded, for too many keys are in use", "uses", dropped)
	}
	if len(keys) == 0 {
		return nil
	}
	// In the order of the keys, so that two processes cannot lock each other out.
	_, err := u.db.Exec(ctx, `
		INSERT INTO api_key_usage (key_id, last_used_at)
		SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS used (key_id, at) ORDER BY key_id
		ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
		WHERE api_key_usage.last_used_at < excluded.last_used_at`, keys, times)
	if err != nil {
		return fmt.Errorf("write the last uses of %d API keys: %w", len(keys), err)
	}
	u.wrote(keys, times)
	return nil
}

// unwritten lists what is to be written, and forgets what was and is too old to
// hold back another record.
func (u *Usage) unwritten(now time.Time) (keys []id.APIKey, times []time.Time, dropped int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, use := range u.keys {
		switch {
		case !use.written:
			keys, times = append(keys, key), append(times, use.at)
		case now.Sub(use.at) >= usageResolution:
			delete(u.keys, key)
		}
	}
	dropped, u.dropped = u.dropped, 0
	return keys, times, dropped
}

// wrote marks what was written, unless there has been a later use.
func (u *Usage) wrote(keys []id.APIKey, times []time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, key := range keys {
		if u.keys[key].at.Equal(times[i]) {
			u.keys[key] = use{at: times[i], written: true}
		}
	}
}
