package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Log is safe for concurrent use.
type Log struct {
	pool     *pgxpool.Pool
	writer   *writer
	tail     *tail
	notifier *notifier
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Open opens the log, whose migrations were applied. The caller closes it before
// the pool.
func Open(ctx context.Context, config Config) (*Log, error) {
	config = config.withDefaults()
	l := &Log{pool: config.Pool, tail: newTail(config.TailEvents, config.TailBytes)}
	l.notifier = newNotifier(config)
	l.writer = &writer{
		store:    &store{pool: config.Pool},
		queue:    make(chan *operation, config.QueueLength),
		wake:     make(chan struct{}, 1),
		stopped:  make(chan struct{}),
		tail:     l.tail,
		config:   config,
		log:      config.Logger.With(slog.String("component", "eventlog")),
		announce: l.notifier.announce,
	}
	l.writer.health = newHealth(l.writer.log)
	if err := l.writer.begin(ctx); err != nil {
		l.writer.store.close(ctx)
		return nil, fmt.Errorf("open the event log: %w", err)
	}
	l.start(context.WithoutCancel(ctx), config)
	return l, nil
}

func (l *Log) start(ctx context.Context, config Config) {
	ctx, cancel := context.WithCancel(ctx)
	l.stop = cancel
	listener := &listener{pool: config.Pool, log: l.writer.log, known: l.Position, wake: l.writer.wake, recount: l.notifier.recount}
	for _, run := range []func(context.Context){l.writer.run, listener.run, l.notifier.run} {
		l.running.Go(func() { run(ctx) })
	}
}

// Close finishes the transaction under way and ends the log's goroutines.
func (l *Log) Close() {
	l.stop()
	l.running.Wait()
}

// Position is the end of the log as far as this process has seen it; zero when
// the log is empty.
func (l *Log) Position() int64 { return l.writer.position.Load() }

// Check says whether the log can be read and written. The error is what a write
// would get: ErrUnavailable, or one that wraps it and names the cause.
func (l *Log) Check(ctx context.Context) error {
	if err := l.writer.health.check(); err != nil {
		return err
	}
	if err := l.pool.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// After gives the events that follow a position from memory, as many as fit into
// buf. When there are none yet, wait is closed as soon as there may be. It is not
// ok when the position lies too far back: the events must be read by
// ReadAllAfter.
func (l *Log) After(position int64, buf []*Event) (events []*Event, wait <-chan struct{}, ok bool) {
	return l.tail.after(position, buf)
}

// Replaced is closed when the log turns out to be another than the one that was
// followed: it was restored from a backup, say. Positions of before mean nothing
// then.
func (l *Log) Replaced() <-chan struct{} { return l.tail.replacement() }

// LastRevision is the revision of a stream's last event, hidden or not, and -1
// when it has none. The error wraps ErrStreamDeleted or ErrUnavailable.
func (l *Log) LastRevision(ctx context.Context, stream string) (int64, error) {
	heads, err := readHeads(ctx, l.pool, streamsOf(stream))
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	v := viewOf(stream, heads, time.Now())
	if errors.Is(v.err, ErrStreamDeleted) {
		return 0, v.err
	}
	if h, ok := heads[stream]; ok {
		return h.revision, nil
	}
	return noRevision, nil
}
