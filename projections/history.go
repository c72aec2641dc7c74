package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

const (
	// maxExplained bounds the rows whose causes are looked for, maxOccurrences the
	// events of each that are kept, and maxTried those that are tried without and
	// twice.
	maxExplained   = 100
	maxOccurrences = 1000
	maxTried       = 50
)

// Step is what an event made of a row.
type Step struct {
	Stream    string
	Revision  event.Revision
	Position  event.Position
	EventID   event.ID
	EventType string
	Time      time.Time
	// Before and After are the row as a JSON object, nil where there is none. Columns
	// with data about people are hidden.
	Before, After json.RawMessage
}

// occurrence is an event that has to do with a row, and what it changes.
type occurrence struct {
	recorded event.Recorded
	effects  []effect
}

// rowHistory is the events that have to do with a row, in their order.
type rowHistory struct {
	table       *table
	key         []string
	occurrences []occurrence
	// more says that there are too many.
	more bool
}

// ErrNoSuchTable says that a projection has no table of a name, or that a key does
// not fit it.
var ErrNoSuchTable = errors.New("the projection has no such table and key")

// ErrLongHistory says that too many events have to do with a row.
var ErrLongHistory = fmt.Errorf("more than %d events have to do with the row", maxOccurrences)

// Steps returns what each event has made of a row, in their order, by the reducers of
// this program. The table may be empty if the projection has only one. It reads the
// whole log up to its present end, and touches nothing.
func (e *Engine) Steps(ctx context.Context, projection, table string, key []string) (steps []Step, err error) {
	d, err := e.definition(projection)
	if err != nil {
		return nil, err
	}
	head, err := e.config.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("step through projection %s: %w", projection, err)
	}
	err = e.inPassing(ctx, d, func(p *projector, tx pgx.Tx) error {
		t, ok := p.tables[table]
		if tables := sorted(p.tables); table == "" && len(tables) == 1 {
			t, ok = tables[0], true
		}
		if !ok || len(key) != len(t.primary) {
			return ErrNoSuchTable
		}
		histories, err := p.histories(ctx, e.config.Read, head, []Difference{{Table: t.name, Key: key}})
		if err != nil {
			return err
		}
		if histories[0].more {
			return ErrLongHistory
		}
		states, err := histories[0].replayed(ctx, tx)
		for i, o := range histories[0].occurrences {
			if err == nil && !bytes.Equal(states[i], states[i+1]) {
				r := o.recorded
				before, after := d.hidden(t.name, states[i], states[i+1])
				steps = append(steps, Step{
					Stream: r.Stream, Revision: r.Revision, Position: r.Position, EventID: r.ID, EventType: r.Event.EventType(), Time: r.Time,
					Before: before, After: after,
				})
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("step through projection %s: %w", projection, plain(err))
	}
	return steps, nil
}

// inPassing hands out empty tables of a definition that are taken back at the end.
func (e *Engine) inPassing(ctx context.Context, d Definition, use func(*projector, pgx.Tx) error) error {
	l, err := readLayout(ctx, e.config.Pool, d)
	if err != nil {
		return err
	}
	var used error
	taken := errors.New("taken back")
	err = pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+l.schema); err != nil {
			return err
		}
		if err := runIn(ctx, tx, l.schema, d.Tables); err != nil {
			return err
		}
		p := &projector{definition: d, layout: l, tables: in(l.schema, l.tables)}
		var err error
		if p.skipped, err = skippedEvents(ctx, tx, Generation{Projection: d.Name, Version: d.Version}); err != nil {
			return err
		}
		used = use(p, tx)
		return taken
	})
	if errors.Is(err, taken) {
		return used
	}
	return err
}

// histories reads the log up to a position for what has to do with some rows.
func (p *projector) histories(ctx context.Context, read Read, upTo event.Position, of []Difference) ([]rowHistory, error) {
	all := make([]rowHistory, len(of))
	byRow, byTable := map[*table]map[string]int{}, map[*table][]int{}
	for i, d := range of {
		t := p.tables[d.Table]
		all[i] = rowHistory{table: t, key: d.Key}
		if byRow[t] == nil {
			byRow[t] = map[string]int{}
		}
		byRow[t][t.idOf(d.Key)] = i
		byTable[t] = append(byTable[t], i)
	}
	err := read(ctx, event.Position{}, upTo, func(r event.Recorded, err error) error {
		if err != nil {
			if errors.Is(err, ErrUndecodable) {
				return nil
			}
			return err
		}
		entry, err := p.weigh(r, nil)
		if err != nil || entry == nil {
			return err
		}
		concerned := map[int][]effect{}
		for _, e := range entry.effects {
			if e.matches() {
				for _, i := range byTable[e.table] {
					concerned[i] = append(concerned[i], e)
				}
			} else if i, ok := byRow[e.table][e.id]; ok {
				concerned[i] = append(concerned[i], e)
			}
		}
		for i, effects := range concerned {
			if len(all[i].occurrences) == maxOccurrences {
				all[i].more = true
				continue
			}
			all[i].occurrences = append(all[i].occurrences, occurrence{r, effects})
		}
		return nil
	})
	return all, err
}

// replayed returns what the row was before the first event, and after each.
func (h rowHistory) replayed(ctx context.Context, tx pgx.Tx) ([]json.RawMessage, error) {
	states := make([]json.RawMessage, 1, len(h.occurrences)+1)
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		for _, o := range h.occurrences {
			state, err := h.after(ctx, tx, o)
			if err != nil {
				return err
			}
			states = append(states, state)
		}
		_, err := tx.Exec(ctx, "DELETE FROM "+h.table.ident)
		return err
	})
	return states, err
}

// after applies events, and reads the row.
func (h rowHistory) after(ctx context.Context, tx pgx.Tx, events ...occurrence) (json.RawMessage, error) {
	s, folded := &script{least: leastCopied}, newFold()
	for _, o := range events {
		for _, e := range o.effects {
			folded.add(e)
		}
	}
	folded.write(s, nil)
	if err := s.sendIn(ctx, tx); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, "SELECT to_jsonb(t)::text FROM "+h.table.ident+" t WHERE "+h.table.keyTexts()+" = $1", h.key)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return json.RawMessage(found[0]), nil
}

// explain looks for the likely causes of differences.
func (e *Engine) explain(ctx context.Context, shadow *projector, v *Verification) error {
	some := v.Differences[:min(len(v.Differences), maxExplained)]
	for i := range v.Differences[len(some):] {
		v.Differences[len(some)+i].Cause = "not looked for: too many rows differ"
	}
	return e.inPassing(ctx, shadow.definition, func(p *projector, tx pgx.Tx) error {
		histories, err := p.histories(ctx, e.config.Read, v.Position, some)
		if err != nil {
			return err
		}
		for i := range some {
			if some[i].Cause, err = histories[i].cause(ctx, tx, some[i].Live); err != nil {
				return err
			}
		}
		return nil
	})
}

// cause tells why a row may be as it is.
func (h rowHistory) cause(ctx context.Context, tx pgx.Tx, live json.RawMessage) (string, error) {
	switch {
	case h.more:
		return "not looked for: " + ErrLongHistory.Error(), nil
	case len(h.occurrences) == 0:
		return "changed by hand: no event has to do with this row", nil
	}
	states, err := h.replayed(ctx, tx)
	if err != nil {
		return "", err
	}
	for i := len(h.occurrences) - 1; i >= 0; i-- {
		if bytes.Equal(states[i], live) && !bytes.Equal(states[i+1], live) {
			cause := "missed event"
			if live == nil && i > 0 {
				cause = "deleted by hand, or missed event"
			}
			return cause + ": " + h.occurrences[i].name(), nil
		}
	}
	for i := max(0, len(h.occurrences)-maxTried); i < len(h.occurrences); i++ {
		for what, events := range map[string][]occurrence{
			"missed event":  slices.Delete(slices.Clone(h.occurrences), i, i+1),
			"applied twice": slices.Insert(slices.Clone(h.occurrences), i, h.occurrences[i]),
		} {
			state, err := h.instead(ctx, tx, events)
			if err != nil {
				return "", err
			}
			if bytes.Equal(state, live) {
				return what + ": " + h.occurrences[i].name(), nil
			}
		}
	}
	return "changed by hand, or by reducers that were changed without a new version", nil
}

// instead is the row when other events had been applied.
func (h rowHistory) instead(ctx context.Context, tx pgx.Tx, events []occurrence) (state json.RawMessage, err error) {
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		if state, err = h.after(ctx, tx, events...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM "+h.table.ident)
		return err
	})
	return state, err
}

// name names the event.
func (o occurrence) name() string {
	return fmt.Sprintf("%s, %s@%d", o.recorded.Event.EventType(), o.recorded.Stream, o.recorded.Revision)
}
