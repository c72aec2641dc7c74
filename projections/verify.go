package projections

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// MaxDifferences is how many differences a verification tells one by one.
const MaxDifferences = 1000

// Difference is a row of the live tables that is not what a rebuild gives.
type Difference struct {
	Table string
	// Key is the primary key, in the order of its columns.
	Key []string
	// Live is the row as it is, Rebuilt as a rebuild makes it, as JSON objects; nil
	// where there is none. Columns with data about people are hidden.
	Live, Rebuilt json.RawMessage
	// Cause is the likely reason.
	Cause string
}

// Verification is what a comparison with a rebuild has found.
type Verification struct {
	Projection string
	Version    int
	Generation int64
	// Against is the generation that the live one was compared with: see Diff.
	Against int64
	// NotCompared names tables and columns that only one of both has.
	NotCompared []string
	// Position is that of the live tables that were compared.
	Position event.Position
	// Events is how many events the rebuild has taken in, Rows how many rows were
	// compared.
	Events, Rows int64
	// Different is how many rows differ; Differences are the first of them.
	Different   int64
	Differences []Difference
	// Repaired is how many rows were written anew.
	Repaired int64
}

// VerifyOptions say how to verify.
type VerifyOptions struct {
	// Sample bounds the rows of each table that are compared to about so many,
	// chosen by their keys; all of them when zero.
	Sample int64
	// Repair writes the rows that differ as the rebuild has them.
	Repair bool
	// Progress is told how far the rebuild has got; it may be nil.
	Progress func(position, upTo event.Position, events int64)
}

// Verify builds a projection anew in scratch tables and compares them row by row
// with the live ones, which are served and projected meanwhile. It sees the live
// tables as they are at one position. No generation is built meanwhile: the error
// wraps ErrBuilding if one is.
//
// The error wraps ErrNoReducers when this program cannot project the live tables,
// and event.ErrLogWentBack when they show what the log does not hold.
func (e *Engine) Verify(ctx context.Context, projection string, o VerifyOptions) (v Verification, err error) {
	definition, err := e.definition(projection)
	if err != nil {
		return v, err
	}
	if o.Progress == nil {
		o.Progress = func(event.Position, event.Position, int64) {}
	}
	err = e.building(ctx, projection, operatorPatience, func() (err error) {
		v, err = e.verifyBy(ctx, definition, o)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("verify projection %s: %w", projection, plain(err))
	}
	return v, nil
}

func (e *Engine) verifyBy(ctx context.Context, definition Definition, o VerifyOptions) (v Verification, err error) {
	live, err := ensureLive(ctx, e.config.Pool, definition)
	if err != nil {
		return v, err
	}
	d, ok := definition.reducing(live)
	switch {
	case !ok:
		return v, ErrNoReducers
	case !live.LogWentBackAt.IsZero():
		return v, event.ErrLogWentBack
	}
	shadow, err := e.openScratch(ctx, d)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, e.dropScratch(ctx, shadow.generation)) }()
	if shadow.unreadable, err = unreadableEvents(ctx, e.config.Pool, live.ID); err != nil {
		return v, err
	}
	fill := func(upTo event.Position) error {
		return shadow.fill(ctx, e.config.Read, upTo, func(p event.Position, n int64) { o.Progress(p, upTo, n) })
	}
	// Most of the log first, without a transaction that is open for so long.
	if err := fill(live.Position); err != nil {
		return v, err
	}
	err = pgx.BeginTxFunc(ctx, e.config.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if live, err = liveGeneration(ctx, tx, d.Name); err != nil {
			return err
		}
		if err := fill(live.Position); err != nil {
			return err
		}
		v = Verification{Projection: d.Name, Version: live.Version, Generation: live.ID, Position: live.Position, Events: shadow.generation.Events}
		return shadow.compare(ctx, tx, live, o.Sample, &v)
	})
	if err != nil || v.Different == 0 {
		return v, err
	}
	if err := e.explain(ctx, shadow, &v); err != nil {
		return v, fmt.Errorf("look for the causes: %w", err)
	}
	if o.Repair {
		err = e.repair(ctx, shadow, live, &v)
	}
	shadow.hide(&v)
	return v, err
}

// unreadableEvents are those that a generation has parked because they could not be
// read.
func unreadableEvents(ctx context.Context, db querier, generation int64) (map[event.ID]bool, error) {
	rows, err := db.Query(ctx, "SELECT event_id FROM projection.parked WHERE generation_id = $1 AND NOT decoded AND failure IS NOT NULL", generation)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	set := make(map[event.ID]bool, len(ids))
	for _, id := range ids {
		set[event.ID(id)] = true
	}
	return set, err
}

// compare compares all tables of the live generation, as a transaction sees them,
// with the scratch ones.
func (p *projector) compare(ctx context.Context, tx pgx.Tx, live Generation, sample int64, v *Verification) error {
	theirs, err := tablesOf(ctx, tx, live.Schema())
	if err != nil {
		return err
	}
	for _, name := range theirs {
		if _, ok := p.tables[name]; !ok {
			v.NotCompared = append(v.NotCompared, name)
		}
	}
	for _, t := range sorted(p.tables) {
		both, others, err := t.common(ctx, tx, live.Schema())
		if err != nil {
			return err
		}
		if len(both) == 0 {
			v.NotCompared = append(v.NotCompared, t.name)
			continue
		}
		for _, name := range others {
			v.NotCompared = append(v.NotCompared, t.name+"."+name)
		}
		among := int64(1)
		if sample > 0 {
			var rows int64
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+t.ident).Scan(&rows); err != nil {
				return err
			}
			among = max(rows/sample, 1)
		}
		if err := p.compareTable(ctx, tx, live, t, among, others, v); err != nil {
			return fmt.Errorf("compare table %s: %w", t.name, err)
		}
	}
	return nil
}

func (p *projector) compareTable(ctx context.Context, tx pgx.Tx, live Generation, t *table, among int64, without []string, v *Verification) error {
	ours, err := openRows(ctx, tx, t, live.Schema(), among, without)
	if err != nil {
		return err
	}
	defer ours.close()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	theirs, err := openRows(ctx, conn, t, p.generation.Schema(), among, without)
	if err != nil {
		return err
	}
	defer theirs.close()
	for {
		if !ours.ok && !theirs.ok {
			return errors.Join(ours.rows.Err(), theirs.rows.Err())
		}
		order := -1
		switch {
		case !ours.ok:
			order = 1
		case theirs.ok:
			order = slices.Compare(ours.key, theirs.key)
		}
		v.Rows++
		d := Difference{Table: t.name}
		if order <= 0 {
			d.Key, d.Live = ours.key, ours.row
		}
		if order >= 0 {
			d.Key, d.Rebuilt = theirs.key, theirs.row
		}
		if !bytes.Equal(d.Live, d.Rebuilt) {
			if v.Different++; v.Different <= MaxDifferences {
				v.Differences = append(v.Differences, d)
			}
		}
		if order <= 0 {
			if err := ours.next(); err != nil {
				return err
			}
		}
		if order >= 0 {
			if err := theirs.next(); err != nil {
				return err
			}
		}
	}
}

// rowReader reads the rows of a table in the order of their keys.
type rowReader struct {
	rows pgx.Rows
	ok   bool
	key  []string
	row  json.RawMessage
}

// openRows reads one of so many rows, chosen by their keys, without some columns: all
// of them for 1.
func openRows(ctx context.Context, db querier, t *table, schema string, among int64, without []string) (*rowReader, error) {
	rows, err := db.Query(ctx, fmt.Sprintf(`SELECT k, (to_jsonb(t) - $2::text[])::text FROM %s t, LATERAL (SELECT %s AS k) key
		WHERE abs(hashtextextended(array_to_string(k, E'\x01'), 0) %% $1) = 0 ORDER BY k COLLATE "C"`,
		pgx.Identifier{schema, t.name}.Sanitize(), t.keyTexts()), among, append([]string{}, without...))
	if err != nil {
		return nil, err
	}
	r := &rowReader{rows: rows}
	if err := r.next(); err != nil {
		rows.Close()
		return nil, err
	}
	return r, nil
}

func (r *rowReader) close() { r.rows.Close() }

func (r *rowReader) next() error {
	if r.ok = r.rows.Next(); !r.ok {
		return r.rows.Err()
	}
	var row string
	r.key = nil
	err := r.rows.Scan(&r.key, &row)
	r.row = json.RawMessage(row)
	return err
}

// keyTexts is the primary key of the row t as an array of texts, as SQL.
func (t *table) keyTexts() string {
	parts := make([]string, len(t.primary))
	for n, i := range t.primary {
		c := t.columns[i]
		parts[n] = "t." + c.ident + "::text"
		if c.kind == timeKind {
			parts[n] = "to_char(t." + c.ident + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
		}
	}
	return "ARRAY[" + strings.Join(parts, ", ") + "]"
}

// idOf is the id of an effect on the row with a key: see table.id.
func (t *table) idOf(key []string) string {
	cells := slices.Clone(key)
	for n, i := range t.primary {
		if t.columns[i].kind == timeKind {
			if at, err := time.Parse(time.RFC3339Nano, key[n]); err == nil {
				cells[n] = at.UTC().Format(time.RFC3339Nano)
			}
		}
	}
	return strings.Join(cells, "\x00")
}

// repair writes the rows that differ as the rebuild has them. The live projector
// waits, and then finds that it has to begin again.
func (e *Engine) repair(ctx context.Context, shadow *projector, live Generation, v *Verification) error {
	return pgx.BeginFunc(ctx, e.config.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM projection.generations WHERE id = $1 FOR UPDATE", live.ID); err != nil {
			return err
		}
		now, err := liveGeneration(ctx, tx, live.Projection)
		if err != nil {
			return err
		}
		if now.ID != live.ID || !now.LogWentBackAt.IsZero() {
			return errFenced
		}
		if err := shadow.fill(ctx, e.config.Read, now.Position, func(event.Position, int64) {}); err != nil {
			return err
		}
		for _, d := range v.Differences {
			t := shadow.tables[d.Table]
			liveTable := pgx.Identifier{now.Schema(), t.name}.Sanitize()
			if _, err := tx.Exec(ctx, "DELETE FROM "+liveTable+" t WHERE "+t.keyTexts()+" = $1", d.Key); err != nil {
				return err
			}
			columns := t.list(t.all(), ", ", func(c column) string { return c.ident })
			if _, err := tx.Exec(ctx, "INSERT INTO "+liveTable+" ("+columns+") SELECT "+columns+" FROM "+t.ident+" t WHERE "+t.keyTexts()+" = $1", d.Key); err != nil {
				return err
			}
			v.Repaired++
		}
		if _, err := tx.Exec(ctx, `INSERT INTO projection.decisions (decision, projection, version, generation_id, failure)
			VALUES ('repair', $1, $2, $3, $4)`, now.Projection, now.Version, now.ID, fmt.Sprintf("%d rows differed", v.Different)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE projection.generations SET epoch = epoch + 1 WHERE id = $1", now.ID)
		return err
	})
}

// hide takes data about people out of the differences.
func (p *projector) hide(v *Verification) {
	for i := range v.Differences {
		d := &v.Differences[i]
		d.Live, d.Rebuilt = p.definition.hidden(d.Table, d.Live, d.Rebuilt)
	}
}

// hidden are two states of a row without data about people. Where it differs, that
// shows.
func (d Definition) hidden(table string, before, after json.RawMessage) (json.RawMessage, json.RawMessage) {
	was, is := objectOf(before), objectOf(after)
	for _, p := range d.Personal {
		for _, column := range p.Columns {
			if p.Table != table {
				continue
			}
			old, had := was[column]
			value, has := is[column]
			if had {
				was[column] = json.RawMessage(`"[personal]"`)
			}
			if has {
				is[column] = json.RawMessage(`"[personal]"`)
				if had && !bytes.Equal(old, value) {
					is[column] = json.RawMessage(`"[personal, another]"`)
				}
			}
		}
	}
	return textOfObject(was), textOfObject(is)
}

func objectOf(row json.RawMessage) (fields map[string]json.RawMessage) {
	if row != nil {
		_ = json.Unmarshal(row, &fields) // Postgres wrote it.
	}
	return fields
}

func textOfObject(fields map[string]json.RawMessage) json.RawMessage {
	if fields == nil {
		return nil
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}
