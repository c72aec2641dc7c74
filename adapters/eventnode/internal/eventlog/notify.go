package eventlog

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// channel carries the end of the log to the other processes that share it.
const channel = "eventnode"

// notifyInterval bounds how often. Notifications are sent beside the commits, not
// in them: the server makes all transactions that notify wait for one another,
// over all databases.
const notifyInterval = 5 * time.Millisecond

// notifier tells other processes that the log has grown. One that gets lost costs
// them PollInterval.
type notifier struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	pending chan int64 // the newest position only
}

func newNotifier(pool *pgxpool.Pool, log *slog.Logger) *notifier {
	return &notifier{pool: pool, log: log, pending: make(chan int64, 1)}
}

// announce never blocks. Only one goroutine may call it.
func (n *notifier) announce(position int64) {
	select {
	case <-n.pending:
	default:
	}
	n.pending <- position
}

func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case position := <-n.pending:
			// Nothing is lost with the notification, so its commit need not be durable.
			_, err := n.pool.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
				channel, strconv.FormatInt(position, 10))
			if err != nil && ctx.Err() == nil {
				n.log.DebugContext(ctx, "event log could not notify", slog.Any("error", err))
			}
			pause(ctx, notifyInterval)
		}
	}
}

// listener wakes the writer when another process has written.
type listener struct {
	pool  *pgxpool.Pool
	log   *slog.Logger
	known func() int64
	wake  chan<- struct{}
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
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	l.signal() // something may have been missed
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		position, err := strconv.ParseInt(notification.Payload, 10, 64)
		if err != nil || position > l.known() {
			l.signal()
		}
	}
}

func (l *listener) signal() {
	select {
	case l.wake <- struct{}{}:
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
