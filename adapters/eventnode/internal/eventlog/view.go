package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// view is what a reader may see of a stream.
type view struct {
	stream       string
	last         int64
	first        int64
	createdSince int64
}

// view reads the state of a stream.
func (l *Log) view(ctx context.Context, stream string) (view, error) {
	views, err := l.views(ctx, []string{stream})
	if err != nil {
		return view{}, err
	}
	return views[stream].view, views[stream].err
}

type viewOrError struct {
	view view
	err  error
}

// views reads the state of streams; each has its own error.
func (l *Log) views(ctx context.Context, streams []string) (map[string]viewOrError, error) {
	var names []string
	for _, stream := range streams {
		names = append(names, streamsOf(stream)...)
	}
	heads, err := readHeads(ctx, l.pool, names)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	now := time.Now()
	views := make(map[string]viewOrError, len(streams))
	for _, stream := range streams {
		views[stream] = viewOf(stream, heads, now)
	}
	return views, nil
}

func viewOf(stream string, heads map[string]head, now time.Time) viewOrError {
	h, exists := heads[stream]
	if origin, isMeta := originOf(stream); isMeta && heads[origin].revision == TombstoneRevision {
		return viewOrError{err: ErrStreamDeleted}
	}
	if exists && h.revision == TombstoneRevision {
		return viewOrError{err: ErrStreamDeleted}
	}
	metadata := metadataOf(stream, heads[Metastream(stream)].last)
	if !exists || metadata.softDeleted() {
		return viewOrError{err: ErrStreamNotFound}
	}
	return viewOrError{view: view{
		stream: stream, last: h.revision,
		first: metadata.firstRevision(h.revision), createdSince: metadata.createdSince(now),
	}}
}

// readHeads reads the last event of each stream that has one.
func readHeads(ctx context.Context, q querier, streams []string) (map[string]head, error) {
	rows, err := q.Query(ctx, `
		SELECT s.name, e.revision, e.is_json, CASE WHEN starts_with(s.name, '$$') THEN e.data END
		FROM unnest($1::text[]) s (name)
		CROSS JOIN LATERAL (
			SELECT revision, is_json, data FROM eventnode.events
			WHERE stream = s.name ORDER BY revision DESC LIMIT 1
		) e`, streams)
	if err != nil {
		return nil, fmt.Errorf("read the heads of streams: %w", err)
	}
	found := make(map[string]head, len(streams))
	var (
		name string
		h    head
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &h.revision, &h.last.json, &h.last.data}, func() error {
		found[name] = h
		h.last.data = nil // the next row must not write into the data of this one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the heads of streams: %w", err)
	}
	return found, nil
}
