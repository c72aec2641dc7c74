package clicks

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/click"
)

// Recorder judges segments and has them recorded.
type Recorder struct {
	Spool    *Spool
	Visitors *Visitors
	// Record appends a segment, once: repeating it changes nothing.
	Record func(ctx context.Context, segment click.Recorded) error
	Logger *slog.Logger
	// After is how long after its end a segment is judged; headsWithin when zero.
	After time.Duration
	// Every is how often it is looked for segments; a second when zero.
	Every time.Duration
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

// Work records the segments that are old enough at a time.
func (r *Recorder) Work(ctx context.Context, now time.Time) error {
	after := r.After
	if after <= 0 {
		after = headsWithin
	}
	all, err := r.Spool.waiting()
	if err != nil {
		return fmt.Errorf("look for segments of clicks: %w", err)
	}
	slices.SortFunc(all, func(a, b sealed) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(a.number - b.number)
	})
	for i, at := range all {
		if now.Sub(at.at) < after {
			continue
		}
		if err := r.recordOne(ctx, at, all[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

// recordOne judges and records a segment. Those that follow may hold HEAD requests
// that belong to its clicks.
func (r *Recorder) recordOne(ctx context.Context, at sealed, later []sealed) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	records, err := at.read()
	if err != nil {
		return fmt.Errorf("read a segment of clicks: %w", err)
	}
	heads := headsOf(records)
	for _, next := range later {
		if next.writer != at.writer || next.at.Sub(at.at) > 2*headsWithin {
			continue
		}
		if more, err := next.read(); err == nil {
			for key, times := range headsOf(more) {
				heads[key] = append(heads[key], times...)
			}
		} else if !os.IsNotExist(err) {
			return fmt.Errorf("read a segment of clicks: %w", err)
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
	return r.Spool.done(at)
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

// judge makes the event of a segment.
func (r *Recorder) judge(ctx context.Context, at sealed, records []record, heads map[string][]int64, lost int64) (click.Recorded, error) {
	e := click.Recorded{
		Writer: at.writer, Segment: at.number, Lost: lost, Links: []click.Link{}, Agents: []string{}, Sources: []string{}, Clicks: []click.Click{},
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
		index := len(e.Clicks)
		c := click.Click{
			Index: index, At: time.UnixMilli(rec.At).UTC(), Visitor: rec.Visitor, Country: rec.Country, Device: deviceOf(rec.Agent),
			Link: placeIn(links, &e.Links, rec.Link), Agent: placeIn(agents, &e.Agents, rec.Agent), Source: placeIn(sources, &e.Sources, rec.Source),
			Prefetch: rec.Prefetch, Heads: beside(heads[rec.Address], rec.At), Rule: rec.Rule,
		}
		c.Verdict, c.Reason = Judge(rec.Agent, rec.Prefetch, c.Heads)
		if c.Verdict == click.Human {
			visits = append(visits, visit{
				click: Place{Writer: writer, Segment: at.number, Index: index}.String(), at: c.At, link: nameOf(rec.Link), visitor: rec.Visitor,
			})
			visiting = append(visiting, index)
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
	for i, index := range visiting {
		e.Clicks[index].First = known[i].first
		if !known[i].counted {
			e.Clicks[index].Verdict, e.Clicks[index].Reason = click.Duplicate, click.ReasonRepeated
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
