package eventlog

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/notices"
)

// channel carries the end of the log to the other processes that share it.
const channel = "eventnode"

// joined is what a process says on the channel when it begins to listen.
const joined = "joined"

// notifyInterval bounds how often. Notifications are sent beside the commits, not
// in them: the server makes all transactions that notify wait for one another,
// over all databases.
const notifyInterval = 5 * time.Millisecond

// listenersLock is held, shared, by everyone who listens: "eventnol".
const listenersLock int64 = 0x6576656e746e6f6c

// notifier tells other processes, if there are any, that the log has grown. A
// notification that gets lost costs them PollInterval.
type notifier struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	pending chan int64    // the newest position only
	recount chan struct{} // somebody joined
	others  atomic.Bool
	every   time.Duration // how often those who left are looked for
}

func newNotifier(config Config) *notifier {
	n := &notifier{
		pool: config.Pool, log: config.Logger, every: config.PollInterval,
		pending: make(chan int64, 1), recount: make(chan struct{}, 1),
	}
	n.others.Store(true) // until they were counted
	return n
}

// announce never blocks. Only one goroutine may call it.
func (n *notifier) announce(position int64) {
	if !n.others.Load() {
		return
	}
	select {
	case <-n.pending:
	default:
	}
	n.pending <- position
}

func (n *notifier) run(ctx context.Context) {
	tick := time.NewTicker(n.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n.count(ctx)
		case <-n.recount:
			n.count(ctx)
		case position := <-n.pending:
			n.notify(ctx, position)
			pause(ctx, notifyInterval)
		}
	}
}

func (n *notifier) notify(ctx context.Context, position int64) {
	// Nothing is lost with the notification, so its commit need not be durable.
	_, err := n.pool.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
		channel, strconv.FormatInt(position, 10))
	if err != nil && ctx.Err() == nil {
		n.log.DebugContext(ctx, "event log could not notify", slog.Any("error", err))
	}
}

// count finds out whether anybody else listens. The lock is in two halves there.
func (n *notifier) count(ctx context.Context) {
	var listeners int
	err := n.pool.QueryRow(ctx, `
		SELECT count(*) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
		  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		  AND (classid::bigint << 32) | objid::bigint = $1`, listenersLock).Scan(&listeners)
	n.others.Store(err != nil || listeners > 1)
}

// listener wakes the writer when another process has written.
type listener struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	known   func() int64
	wake    chan<- struct{}
	recount chan<- struct{}
}

func (l *listener) run(ctx context.Context) {
	notices.Line{
		Pool: l.pool, Channel: channel,
		Parameters: map[string]string{"application_name": "eventnode listener"},
		Joined:     l.joined,
		Heard: func(_ context.Context, payload string) error {
			if payload == joined {
				signal(l.recount)
				return nil
			}
			if position, err := strconv.ParseInt(payload, 10, 64); err != nil || position > l.known() {
				signal(l.wake)
			}
			return nil
		},
		Failed: func(err error) {
			l.log.DebugContext(ctx, "event log does not listen", slog.Any("error", err))
		},
	}.Listen(ctx, nil)
}

// joined lets the writers of other processes know of one more who listens.
func (l *listener) joined(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock_shared($1)", listenersLock); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_notify($1, $2)", channel, joined); err != nil {
		return err
	}
	signal(l.wake) // Something may have been missed.
	return nil
}

// signal wakes the goroutine that waits, or the next that does.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
