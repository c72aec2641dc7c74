package eventlog

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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

const reconnectInterval = 200 * time.Millisecond

func (l *listener) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.listen(ctx); err != nil && ctx.Err() == nil {
			l.log.DebugContext(ctx, "event log does not listen", slog.Any("error", err))
		}
		pause(ctx, reconnectInterval)
	}
}

func (l *listener) listen(ctx context.Context) error {
	conn, err := dial(ctx, l.pool, map[string]string{"application_name": "eventnode listener"})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it may be broken already
	}()
	if err := l.join(ctx, conn); err != nil {
		return err
	}
	signal(l.wake) // something may have been missed
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if notification.Payload == joined {
			signal(l.recount)
			continue
		}
		position, err := strconv.ParseInt(notification.Payload, 10, 64)
		if err != nil || position > l.known() {
			signal(l.wake)
		}
	}
}

func (l *listener) join(ctx context.Context, conn *pgx.Conn) error {
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{"LISTEN " + channel, nil},
		{"SELECT pg_advisory_lock_shared($1)", []any{listenersLock}},
		{"SELECT pg_notify($1, $2)", []any{channel, joined}},
	} {
		if _, err := conn.Exec(ctx, statement.sql, statement.args...); err != nil {
			return err
		}
	}
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
