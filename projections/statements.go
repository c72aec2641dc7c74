package projections

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// queue adds the folded effects to a batch: for each table and segment one
// statement to delete rows, one for each set of columns to patch, one for each
// set of columns to put. The rows travel as one array for each column.
func (f *fold) queue(batch *pgx.Batch) {
	for _, tf := range f.order {
		for _, s := range tf.segments {
			s.queue(batch, tf.table)
		}
	}
}

func (s *segment) queue(batch *pgx.Batch, t *table) {
	type group struct {
		op  Op
		has columns
	}
	var order []group
	rows := map[group][]row{}
	for _, r := range s.rows {
		g := group{r.op, r.row.has}
		switch {
		case r.op == OpDelete:
			g.has = t.key
		case r.op == OpPatch && g.has == t.key:
			continue // It sets nothing.
		}
		if rows[g] == nil {
			order = append(order, g)
		}
		rows[g] = append(rows[g], r.row)
	}
	for _, op := range []Op{OpDelete, OpPatch, OpPut} {
		for _, g := range order {
			if g.op == op {
				batch.Queue(t.statement(op, g.has), t.arguments(g.has, rows[g])...)
			}
		}
	}
	if s.barrier != nil {
		s.barrier.queue(batch)
	}
}

func (e *effect) queue(batch *pgx.Batch) {
	t := e.table
	switch {
	case e.op == OpDeleteWhere:
		batch.Queue(fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s",
			t.ident, t.unnest("m", e.row.has, 1), t.matching(e.row)), t.arguments(e.row.has, []row{e.row})...)
	case e.set.has != 0:
		batch.Queue(fmt.Sprintf("UPDATE %s AS t SET %s FROM %s, %s WHERE %s",
			t.ident, t.assignments(e.set.has), t.unnest("m", e.row.has, 1), t.unnest("r", e.set.has, 1+e.row.has.len()),
			t.matching(e.row)),
			append(t.arguments(e.row.has, []row{e.row}), t.arguments(e.set.has, []row{e.set})...)...)
	}
}

// arguments are the columns of rows, each an array in its text form.
func (t *table) arguments(has columns, rows []row) []any {
	arguments := make([]any, 0, has.len())
	var array strings.Builder
	for i := range t.columns {
		if !has.has(i) {
			continue
		}
		array.Reset()
		for n, r := range rows {
			separator := byte(',')
			if n == 0 {
				separator = '{'
			}
			array.WriteByte(separator)
			array.Write(r.cells[i])
		}
		array.WriteByte('}')
		arguments = append(arguments, array.String())
	}
	return arguments
}

// unnest is the arguments, from the first on, as rows again.
func (t *table) unnest(alias string, has columns, first int) string {
	var arguments []string
	for i, c := range t.columns {
		if has.has(i) {
			arguments = append(arguments, fmt.Sprintf("$%d::%s", first+len(arguments), arrays[c.kind].array))
		}
	}
	return fmt.Sprintf("unnest(%s) AS %s (%s)", strings.Join(arguments, ", "), alias,
		t.list(has, ", ", func(c column) string { return c.ident }))
}

// value is a column of the rows that unnest gives, in its type.
func (c column) value(alias string) string { return alias + "." + c.ident + arrays[c.kind].cast }

func (t *table) assignments(set columns) string {
	return t.list(set, ", ", func(c column) string { return c.ident + " = " + c.value("r") })
}

// statement writes rows that all have the same columns.
func (t *table) statement(op Op, has columns) string {
	from := t.unnest("r", has, 1)
	sameKey := t.list(t.key, " AND ", func(c column) string { return "t." + c.ident + " = " + c.value("r") })
	ident := func(c column) string { return c.ident }
	switch op {
	case OpDelete:
		return fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s", t.ident, from, sameKey)
	case OpPatch:
		return fmt.Sprintf("UPDATE %s AS t SET %s FROM %s WHERE %s", t.ident, t.assignments(has&^t.key), from, sameKey)
	default:
		// A row that is there is replaced whole: the columns not given too.
		action := "NOTHING"
		if rest := t.all() &^ t.key &^ t.generated; rest != 0 {
			action = "UPDATE SET " + t.list(rest, ", ", func(c column) string { return c.ident + " = EXCLUDED." + c.ident })
		}
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s ON CONFLICT (%s) DO %s",
			t.ident, t.list(has, ", ", ident), t.list(has, ", ", func(c column) string { return c.value("r") }),
			from, t.list(t.key, ", ", ident), action)
	}
}

func (t *table) all() columns { return columns(1)<<len(t.columns) - 1 }

// matching compares so that indexes serve, also where null is meant.
func (t *table) matching(match row) string {
	return t.list(match.has, " AND ", func(c column) string {
		if match.null(t.byName[c.name]) {
			return "t." + c.ident + " IS NULL"
		}
		return "t." + c.ident + " = " + c.value("m")
	})
}
