package eventlog

import (
	"context"
	"fmt"
	"iter"
	"math"
)

// Direction of a read.
type Direction bool

// Directions.
const (
	Forwards  Direction = false
	Backwards Direction = true
)

const (
	// End is the end of the log, or of a stream.
	End int64 = math.MaxInt64
	// Unlimited is a count for reads to the end.
	Unlimited uint64 = math.MaxUint64
)

const (
	firstPage   = 64
	largestPage = 4096
	pageBytes   = 1 << 20 // what a page aims at
)

// page is a function that reads at most limit events from where the last call
// ended. It is done when there are no more.
type page func(ctx context.Context, limit int) (events []*Event, done bool, err error)

// ReadAll reads the log, at most count events. Forwards begins with the event at
// position, zero for the first; backwards with the one before it. Nothing follows
// a position past the end. Events come in batches; the next is read while one is
// used. The error wraps ErrInvalidPosition or ErrUnavailable.
func (l *Log) ReadAll(ctx context.Context, direction Direction, position int64, count uint64) iter.Seq2[[]*Event, error] {
	return func(yield func([]*Event, error) bool) {
		past, err := l.CheckPosition(ctx, position)
		if err == nil && past && direction == Backwards {
			err = ErrInvalidPosition
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if direction == Forwards {
			position--
		}
		l.batches(ctx, l.allPages(direction, position), count)(yield)
	}
}

// ReadAllAfter reads on after a position to the end of the log.
func (l *Log) ReadAllAfter(ctx context.Context, position int64) iter.Seq2[[]*Event, error] {
	return l.batches(ctx, l.allPages(Forwards, position), Unlimited)
}

func (l *Log) allPages(direction Direction, position int64) page {
	query := selectEvents + ` WHERE position > $1 ORDER BY position LIMIT $2`
	if direction == Backwards {
		query = selectEvents + ` WHERE position < $1 ORDER BY position DESC LIMIT $2`
	}
	return func(ctx context.Context, limit int) ([]*Event, bool, error) {
		events, done, err := readPage(ctx, l.pool, limit, query, position, limit)
		if err != nil {
			return nil, false, unavailable(ctx, err)
		}
		if len(events) > 0 {
			position = events[len(events)-1].Position
		}
		return events, done, nil
	}
}

// CheckPosition says whether a position lies past the last event. One before that
// must be of an event, or zero: else the error is ErrInvalidPosition. End is both.
func (l *Log) CheckPosition(ctx context.Context, position int64) (past bool, err error) {
	if position == 0 || position == End {
		return false, nil
	}
	var exists bool
	err = l.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM eventnode.events WHERE position = $1),
			NOT EXISTS (SELECT FROM eventnode.events WHERE position >= $1)`, position).Scan(&exists, &past)
	if err != nil {
		return false, unavailable(ctx, fmt.Errorf("look up a position: %w", err))
	}
	if !exists && !past {
		return false, ErrInvalidPosition
	}
	return past, nil
}

// ReadStream reads a stream as it is now from a revision on, at most count events,
// those that its metadata hides left out. Backwards, a revision past the end means the end.
// The error wraps ErrStreamNotFound, ErrStreamDeleted or ErrUnavailable.
func (l *Log) ReadStream(ctx context.Context, stream string, direction Direction, revision int64, count uint64) iter.Seq2[[]*Event, error] {
	return func(yield func([]*Event, error) bool) {
		view, err := l.view(ctx, stream)
		if err != nil {
			yield(nil, err)
			return
		}
		l.batches(ctx, l.streamPages(view, direction, revision), count)(yield)
	}
}

func (l *Log) streamPages(view view, direction Direction, from int64) page {
	low, high := max(from, view.first), view.last
	query := selectEvents + ` WHERE stream = $1 AND revision BETWEEN $2 AND $3 AND created >= $4 ORDER BY revision LIMIT $5`
	if direction == Backwards {
		low, high = view.first, min(from, view.last)
		query = selectEvents + ` WHERE stream = $1 AND revision BETWEEN $2 AND $3 AND created >= $4 ORDER BY revision DESC LIMIT $5`
	}
	return func(ctx context.Context, limit int) ([]*Event, bool, error) {
		events, done, err := readPage(ctx, l.pool, limit, query, view.stream, low, high, view.createdSince, limit)
		if err != nil {
			return nil, false, unavailable(ctx, err)
		}
		if len(events) > 0 && direction == Forwards {
			low = events[len(events)-1].Revision + 1
		} else if len(events) > 0 {
			high = events[len(events)-1].Revision - 1
		}
		return events, done || low > high, nil
	}
}

// batches reads pages up to count events, one ahead of its caller.
func (l *Log) batches(ctx context.Context, read page, count uint64) iter.Seq2[[]*Event, error] {
	type result struct {
		events []*Event
		done   bool
		err    error
	}
	return func(yield func([]*Event, error) bool) {
		limit := firstPage
		next := func(ctx context.Context) (r result) {
			limit = int(min(uint64(limit), count)) //nolint:gosec // at most largestPage
			r.events, r.done, r.err = read(ctx, limit)
			count -= uint64(len(r.events))
			r.done = r.done || count == 0
			limit = limitAfter(r.events, limit)
			return r
		}
		if count == 0 {
			return
		}
		r := next(ctx)
		for {
			if r.err == nil {
				r.err = ctx.Err() // The page may have been read before the caller ended.
			}
			if r.err != nil {
				yield(nil, r.err)
				return
			}
			if r.done {
				if len(r.events) > 0 {
					yield(r.events, nil)
				}
				return
			}
			ahead := make(chan result, 1)
			ctx, cancel := context.WithCancel(ctx)
			go func() { ahead <- next(ctx) }()
			goOn := yield(r.events, nil)
			if !goOn {
				cancel()
			}
			r = <-ahead
			cancel()
			if !goOn {
				return
			}
		}
	}
}

// limitAfter grows the page until it holds about pageBytes.
func limitAfter(events []*Event, limit int) int {
	if len(events) == 0 {
		return limit
	}
	average := size(events) / int64(len(events))
	return int(min(max(pageBytes/average, 1), largestPage, 8*int64(limit)))
}

func size(events []*Event) (bytes int64) {
	for _, e := range events {
		bytes += e.memory()
	}
	return bytes
}

// unavailable marks an error of Postgres. A caller's own end stays what it is.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
