package eventlog

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Links of a batch, resolved: what each link event points to, absent when the
// target may not be read.
type Links map[*Event]*Event

// ResolveLinks reads the targets of those of the events that are links.
func (l *Log) ResolveLinks(ctx context.Context, events []*Event) (Links, error) {
	targets := map[*Event]revisionOf{}
	var streams []string
	for _, e := range events {
		if e.Type != TypeLink {
			continue
		}
		if target, ok := parseLink(e.Data); ok {
			targets[e] = target
			streams = append(streams, target.stream)
		}
	}
	if len(targets) == 0 {
		return nil, nil
	}
	views, err := l.views(ctx, streams)
	if err != nil {
		return nil, err
	}
	wanted := map[revisionOf]*Event{}
	for _, target := range targets {
		if v := views[target.stream]; v.err == nil && target.revision >= v.view.first {
			wanted[target] = nil
		}
	}
	if err := l.readTargets(ctx, wanted); err != nil {
		return nil, err
	}
	links := Links{}
	for link, target := range targets {
		if e := wanted[target]; e != nil && e.Created >= views[target.stream].view.createdSince {
			links[link] = e
		}
	}
	return links, nil
}

func (l *Log) readTargets(ctx context.Context, wanted map[revisionOf]*Event) error {
	var (
		streams   []string
		revisions []int64
	)
	for target := range wanted {
		streams, revisions = append(streams, target.stream), append(revisions, target.revision)
	}
	rows, err := l.pool.Query(ctx, `
		SELECT e.position, e.revision, e.created, e.event_id, e.is_json, e.stream, e.type, e.metadata, e.data
		FROM unnest($1::text[], $2::bigint[]) t (stream, revision)
		JOIN eventnode.events e ON e.stream = t.stream AND e.revision = t.revision`, binaryRows, streams, revisions)
	if err != nil {
		return unavailable(ctx, fmt.Errorf("read the targets of links: %w", err))
	}
	events, err := collectEvents(rows, math.MaxInt64)
	if err != nil {
		return unavailable(ctx, fmt.Errorf("read the targets of links: %w", err))
	}
	for _, e := range events {
		wanted[revisionOf{e.Stream, e.Revision}] = e
	}
	return nil
}

// parseLink reads the content of a link event, REVISION@STREAM.
func parseLink(data []byte) (target revisionOf, ok bool) {
	number, stream, found := strings.Cut(string(data), "@")
	revision, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || revision < 0 || stream == "" {
		return revisionOf{}, false
	}
	return revisionOf{stream: stream, revision: revision}, true
}
