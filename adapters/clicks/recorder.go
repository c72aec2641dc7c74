package clicks

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/click"
)

// Recorder judges segments and has them recorded.
type Recorder struct {
	Spool    *Spool
	Visitors *Visitors
	Agents   Agents
	// Record appends a segment, once: repeating it changes nothing.
	Record func(ctx context.Context, segment click.Recorded) error
	Logger *slog.Logger
	// After is how long after a click HEAD requests are waited for; headsWithin when
	// zero.
	After time.Duration
	// Every is how often it is looked for segments; a second when zero.
	Every time.Duration

	// heads are the HEAD requests of segments that were looked into, by file.
	heads map[string][]record
	// failures counts the attempts to record a segment, by file.
	failures map[string]int
}

const (
	// recordTimeout bounds the work on one segment.
	recordTimeout = 30 * time.Second
	saltsEvery    = time.Minute
)

// Run works until ctx ends. What fails is tried again.
func (r *Recorder) Run(ctx context.Context) {
	every := r.Every
	if every <= 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed, salted := false, time.Time{}
	for {
		var err error
		if time.Since(salted) >= saltsEvery {
			if err = r.Visitors.Refresh(ctx, time.Now()); err == nil {
				salted = time.Now()
			}
		}
		if err == nil {
			err = r.Work(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil && !failed {
			r.Logger.WarnContext(ctx, "clicks could not be recorded: they wait in the spool", slog.Any("error", err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Work records the segments that are old enough at a time: oldest first, but those
// that failed before come last, so that none keeps the others.
func (r *Recorder) Work(ctx context.Context, now time.Time) error {
	after := r.After
	if after <= 0 {
		after = headsWithin
	}
	// A HEAD request that comes so long after the click may be in the next segment.
	after += r.Spool.options.SegmentAge
	all, err := r.Spool.waiting()
	if err != nil {
		return fmt.Errorf("look for segments of clicks: %w", err)
	}
	slices.SortFunc(all, func(a, b sealed) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.number, b.number))
	})
	r.forget(all)
	type task struct {
		sealed
		later []sealed
	}
	var due []task
	for i, at := range all {
		if now.Sub(at.at) >= after {
			due = append(due, task{at, all[i+1:]})
		}
	}
	slices.SortStableFunc(due, func(a, b task) int { return cmp.Compare(r.failures[a.file], r.failures[b.file]) })
	for _, t := range due {
		if err := r.recordOne(ctx, t.sealed, t.later); err != nil {
			r.failures[t.file]++
			return err
		}
	}
	return nil
}

// forget drops what is known of segments that are gone.
func (r *Recorder) forget(left []sealed) {
	there := make(map[string]bool, len(left))
	for _, at := range left {
		there[at.file] = true
	}
	gone := func(file string) bool { return !there[file] }
	if r.heads == nil {
		r.heads, r.failures = map[string][]record{}, map[string]int{}
	}
	maps.DeleteFunc(r.heads, func(file string, _ []record) bool { return gone(file) })
	maps.DeleteFunc(r.failures, func(file string, _ int) bool { return gone(file) })
}

// recordOne judges and records a segment. Those that follow may hold HEAD requests
// that belong to its clicks. A segment that is gone was recorded by another process.
func (r *Recorder) recordOne(ctx context.Context, at sealed, later []sealed) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	records, damaged, err := at.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read a segment of clicks: %w", err)
	}
	heads := headsOf(records)
	for _, next := range later {
		if next.at.Sub(at.at) > 2*headsWithin {
			break
		}
		if next.writer != at.writer {
			continue
		}
		more, err := r.headsIn(next)
		if err != nil {
			return fmt.Errorf("read a segment of clicks: %w", err)
		}
		for key, times := range headsOf(more) {
			heads[key] = append(heads[key], times...)
		}
	}
	lost := r.Spool.takeLost()
	segment, err := r.judge(ctx, at, records, heads, lost)
	if err == nil && (len(segment.Clicks) > 0 || lost > 0) {
		err = r.Record(ctx, segment)
	}
	if err != nil {
		r.Spool.giveBackLost(lost)
		return err
	}
	if damaged > 0 {
		r.Logger.WarnContext(ctx, "lines in the spool of clicks are damaged: a process died while it wrote, or the disk is damaged",
			slog.Int("lines", damaged), slog.Int("clicks", len(segment.Clicks)))
	}
	return r.Spool.done(at)
}

// headsIn are the HEAD requests of a segment. They are read once.
func (r *Recorder) headsIn(at sealed) ([]record, error) {
	if heads, known := r.heads[at.file]; known {
		return heads, nil
	}
	heads, err := at.heads()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		r.heads[at.file] = heads
	}
	return heads, err
}

// headsOf are the times of HEAD requests, by address.
func headsOf(records []record) map[string][]int64 {
	heads := map[string][]int64{}
	for _, rec := range records {
		if rec.Head {
			heads[rec.Address] = append(heads[rec.Address], rec.At)
		}
	}
	return heads
}

func beside(times []int64, at int64) (n int) {
	for _, t := range times {
		if d := t - at; d <= headsWithin.Milliseconds() && -d <= headsWithin.Milliseconds() {
			n++
		}
	}
	return n
}

// judge returns the event of a segment.
func (r *Recorder) judge(ctx context.Context, at sealed, records []record, heads map[string][]int64, lost int64) (click.Recorded, error) {
	e := click.Recorded{
		Writer: at.writer, Segment: at.number, Lost: lost, Links: []click.Link{}, Agents: []string{}, Sources: []string{}, Clicks: []click.Click{},
		OccurredAt: at.at.UTC().Truncate(time.Millisecond),
	}
	links, agents, sources := map[click.Link]int{}, map[string]int{}, map[string]int{}
	var writer [8]byte
	if b, err := hex.DecodeString(at.writer); err == nil && len(b) == len(writer) {
		writer = [8]byte(b)
	}
	var visits []visit
	var visiting []int
	for _, rec := range records {
		if rec.Head {
			continue
		}
		c := click.Click{
			Index: rec.index, At: time.UnixMilli(rec.At).UTC(), Visitor: rec.Visitor, Country: rec.Country, Device: deviceOf(rec.Agent),
			Link: placeIn(links, &e.Links, rec.Link), Agent: placeIn(agents, &e.Agents, rec.Agent), Source: placeIn(sources, &e.Sources, rec.Source),
			Prefetch: rec.Prefetch, Heads: beside(heads[rec.Address], rec.At), Rule: rec.Rule,
		}
		c.Verdict, c.Reason = r.Agents.Judge(rec.Agent, rec.Prefetch, c.Heads)
		if c.Verdict == click.Human {
			visits = append(visits, visit{
				click: Place{Writer: writer, Segment: at.number, Index: rec.index}.String(), at: c.At, link: nameOf(rec.Link), visitor: rec.Visitor,
			})
			visiting = append(visiting, len(e.Clicks))
		}
		e.Clicks = append(e.Clicks, c)
		e.OccurredAt = c.At
	}
	if len(visits) == 0 {
		return e, nil
	}
	known, err := r.Visitors.note(ctx, visits)
	if err != nil {
		return click.Recorded{}, err
	}
	for i, n := range visiting {
		e.Clicks[n].First = known[i].first
		if !known[i].counted {
			e.Clicks[n].Verdict, e.Clicks[n].Reason = click.Duplicate, click.ReasonRepeated
		}
	}
	return e, nil
}

// placeIn is the place of a value in a list, to which it is added if it is new.
func placeIn[V comparable](places map[V]int, list *[]V, value V) int {
	at, known := places[value]
	if !known {
		at = len(*list)
		places[value] = at
		*list = append(*list, value)
	}
	return at
}

// nameOf names what was clicked on.
func nameOf(l click.Link) string {
	if l.CampaignID != "" {
		return string(l.CampaignID)
	}
	return strings.TrimSpace(string(l.ReferrerID))
}
