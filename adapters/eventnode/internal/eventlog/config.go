package eventlog

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config of a log. Zero values mean the defaults.
type Config struct {
	// Pool reads the log. Two further connections, one for writing and one that
	// listens, are made with its settings.
	Pool   *pgxpool.Pool
	Logger *slog.Logger
	// Observer is told of every transaction; may be nil.
	Observer Observer

	// RecentEvents is how many events are recognised by id when an append with
	// Any or StreamExists is repeated. Default 65,536.
	RecentEvents int
	// CachedStreams bounds the heads of streams held in memory. Default 65,536.
	CachedStreams int
	// TailEvents and TailBytes bound the events held for live subscribers.
	// Default 8,192 and 32 MiB.
	TailEvents int
	TailBytes  int64
	// QueueLength and QueueBytes are how many writes may wait, and how large their
	// events may be together; more are refused. Default 8,192 and 64 MiB.
	QueueLength int
	QueueBytes  int64
	// MaxBatch is how many writes one transaction takes. Default 1,024.
	MaxBatch int
	// WriteTimeout bounds a transaction, the wait for other processes included.
	// Default 5 s.
	WriteTimeout time.Duration
	// PollInterval is how often the log is looked at in case a notification of
	// another process got lost. Default 1 s.
	PollInterval time.Duration
}

// Observer follows the writer, for metrics. It must not block.
type Observer interface {
	// Committed is called after each transaction, failed ones included.
	Committed(writes, events int, took time.Duration, err error)
}

type noObserver struct{}

func (noObserver) Committed(int, int, time.Duration, error) {}

const (
	maxBatchBytes = 8 << 20
	// followLimit is how many events of others are applied one by one, a page at a
	// time; when there are more the memory is read anew.
	followLimit = 4096
	followPage  = 512
)

func (c Config) withDefaults() Config {
	c.RecentEvents = orDefault(c.RecentEvents, 65_536)
	c.CachedStreams = orDefault(c.CachedStreams, 65_536)
	c.TailEvents = orDefault(c.TailEvents, 8_192)
	c.TailBytes = orDefault(c.TailBytes, 32<<20)
	c.QueueLength = orDefault(c.QueueLength, 8_192)
	c.QueueBytes = orDefault(c.QueueBytes, 64<<20)
	c.MaxBatch = orDefault(c.MaxBatch, 1_024)
	c.WriteTimeout = orDefault(c.WriteTimeout, 5*time.Second)
	c.PollInterval = orDefault(c.PollInterval, time.Second)
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T int | int64 | time.Duration](value, fallback T) T {
	if value > 0 {
		return value
	}
	return fallback
}
