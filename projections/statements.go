package projections

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// script is what writes a fold: statements, and rows to copy in between, in
// this order.
type script struct {
	steps []step
	// least is from how many rows on they are copied.
	least int
}

// step is statements, then rows to copy.
type step struct {
	statements pgx.Batch
	copied     *copied
}

func (s *script) queue(sql string, arguments ...any) {
	last := len(s.steps) - 1
	if last < 0 || s.steps[last].copied != nil {
		s.steps = append(s.steps, step{})
		last++
	}
	s.steps[last].statements.Queue(sql, arguments...)
}

// send runs a script as one transaction: without rows to copy in one round
// trip, for the statements of a pgx.Batch are an implicit transaction.
func (s *script) send(ctx context.Context, pool *pgxpool.Pool) error {
	if len(s.steps) == 1 && s.steps[0].copied == nil {
		return pool.SendBatch(ctx, &s.steps[0].statements).Close()
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return s.sendIn(ctx, tx) })
}

// sendIn runs a script within a transaction.
func (s *script) sendIn(ctx context.Context, tx pgx.Tx) error {
	for i := range s.steps {
		step := &s.steps[i]
		if step.statements.Len() > 0 {
			if err := tx.SendBatch(ctx, &step.statements).Close(); err != nil {
				return err
			}
		}
		if step.copied == nil {
			continue
		}
		if err := step.copied.send(ctx, tx.Conn().PgConn()); err != nil {
			return err
		}
	}
	return nil
}

// write adds what writes the folded effects: for each table and segment one
// statement to delete rows, one for each set of columns to patch, and so on.
// The rows travel as one array for each column. Rows that cannot be there yet
// are copied.
func (f *fold) write(s *script, known map[string]*keys) {
	for _, tf := range f.order {
		for i := range tf.segments {
			tf.segments[i].write(s, tf.table, known[tf.table.name])
		}
	}
}

// form is a kind of statement.
type form int

// The forms, in the order of their statements.
const (
	deleteRows form = iota
	updateRows
	insertMissing
	putRows
)

// shape is what rows of one statement have in common.
type shape struct {
	form form
	// has are the columns whose value is given, added those to which is added.
	has, added columns
	// unfit are those of has of which some value does not fit.
	unfit columns
	// winding says that intermediate results must be looked at.
	winding bool
}

func (s *segment) write(to *script, t *table, known *keys) {
	var order []shape
	rows := map[shape][]values{}
	add := func(of shape, v values) {
		if rows[of] == nil {
			order = append(order, of)
		}
		rows[of] = append(rows[of], v)
	}
	var fresh []row
	for i := range s.rows {
		r := &s.rows[i]
		isNew := known.add(r.id, r.absent != nil)
		switch {
		case isNew && r.absent == nil: // There is nothing to change.
		case isNew || r.settled && r.absent != nil:
			v, unfit := r.absent.resolve(t)
			if isNew && unfit == 0 {
				fresh = append(fresh, v.row)
			} else {
				add(shape{form: putRows, has: t.all(), unfit: unfit}, v)
			}
		case r.settled:
			add(shape{form: deleteRows, has: t.key}, r.present)
		default:
			if v, unfit := r.present.resolve(t); v.has != t.key || v.summed() != 0 {
				add(shape{updateRows, v.has, v.summed(), unfit, v.winding()}, v)
			}
			if r.absent != nil {
				v, unfit := r.absent.resolve(t)
				add(shape{form: insertMissing, has: t.all(), unfit: unfit}, v)
			}
		}
	}
	if len(fresh) < to.least {
		for _, r := range fresh {
			add(shape{form: putRows, has: t.all()}, values{row: r})
		}
		fresh = nil
	}
	for form := deleteRows; form <= putRows; form++ {
		for _, of := range order {
			if of.form == form {
				t.queue(to, of, rows[of])
			}
		}
	}
	if len(fresh) > 0 {
		to.copy(t, fresh)
	}
	if s.barrier != nil {
		s.barrier.queue(to)
	}
}

func (v *values) winding() bool {
	if v.sums == nil {
		return false
	}
	for _, s := range v.sums.all {
		if s.winding() {
			return true
		}
	}
	return false
}

// maxStatement is about how many bytes of rows a statement carries; what
// Postgres takes in is limited.
const maxStatement = 16 << 20

// queue adds the statements that write rows of one shape.
func (t *table) queue(to *script, of shape, rows []values) {
	sql := t.statement(of)
	for len(rows) > 0 {
		n, size := 0, 0
		for n < len(rows) && (n == 0 || size < maxStatement) {
			for _, cell := range rows[n].cells {
				size += len(cell)
			}
			n++
		}
		to.queue(sql, t.arguments(of, rows[:n])...)
		rows = rows[n:]
	}
}

// parameter is a column of the rows that travel.
type parameter struct {
	name string // quoted
	// array is the type in which it travels; a value is cast from it if needed.
	array string
	cell  func(values) []byte
}

// parameters are the columns that a shape needs.
func (t *table) parameters(of shape) []parameter {
	var all []parameter
	for i, c := range t.columns {
		if of.has.has(i) {
			all = append(all, parameter{c.ident, c.array(of.unfit.has(i)), func(v values) []byte { return v.cells[i] }})
		}
		if !of.added.has(i) {
			continue
		}
		all = append(all, parameter{c.ident, "numeric[]", func(v values) []byte { return v.sums.sum(i).total.append(nil) }})
		if of.winding {
			all = append(all,
				parameter{c.extreme("least"), "numeric[]", func(v values) []byte { return v.sums.sum(i).least.append(nil) }},
				parameter{c.extreme("greatest"), "numeric[]", func(v values) []byte { return v.sums.sum(i).greatest.append(nil) }})
		}
	}
	return all
}

// array is the type in which the values of many rows travel. Those of which
// there is no array that unnest would leave alone travel as text, numbers that
// do not fit as numerics; they are cast.
func (c column) array(unfit bool) string {
	switch {
	case unfit:
		return "numeric[]"
	case c.kind == textsKind, c.kind == jsonKind:
		return "text[]"
	}
	return types[c.kind] + "[]"
}

func (c column) extreme(which string) string {
	return pgx.Identifier{c.name + "/" + which}.Sanitize()
}

// arguments are the columns of rows, each an array in its text form.
func (t *table) arguments(of shape, rows []values) []any {
	parameters := t.parameters(of)
	arguments := make([]any, len(parameters))
	var array []byte
	for i, p := range parameters {
		array = append(array[:0], '{')
		for n, r := range rows {
			if n > 0 {
				array = append(array, ',')
			}
			array = appendElement(array, p.cell(r))
		}
		arguments[i] = string(append(array, '}'))
	}
	return arguments
}

// unnest is the arguments, from the first on, as rows again.
func unnest(alias string, parameters []parameter, first int) string {
	var arguments, names strings.Builder
	for i, p := range parameters {
		if i > 0 {
			arguments.WriteString(", ")
			names.WriteString(", ")
		}
		fmt.Fprintf(&arguments, "$%d::%s", first+i, p.array)
		names.WriteString(p.name)
	}
	return fmt.Sprintf("unnest(%s) AS %s (%s)", arguments.String(), alias, names.String())
}

// value is a column of the rows that unnest gives, in its type.
func (c column) value(alias string) string { return alias + "." + c.ident + "::" + types[c.kind] }

// sum is a column with what is added to it.
func (c column) sum(winding bool) string {
	plus := func(what string) string {
		return fmt.Sprintf("(coalesce(t.%s, 0) + r.%s)::%s", c.ident, what, types[c.kind])
	}
	if !winding || c.kind == numericKind {
		return plus(c.ident)
	}
	// Always true, unless it fails.
	return fmt.Sprintf("CASE WHEN %s <= %s THEN %s END", plus(c.extreme("least")), plus(c.extreme("greatest")), plus(c.ident))
}

func (t *table) assignments(set columns) string {
	return t.list(set, ", ", func(c column) string { return c.ident + " = " + c.value("r") })
}

// statement writes rows of one shape.
func (t *table) statement(of shape) string {
	from := unnest("r", t.parameters(of), 1)
	sameKey := t.list(t.key, " AND ", func(c column) string { return "t." + c.ident + " = " + c.value("r") })
	ident := func(c column) string { return c.ident }
	insert := fmt.Sprintf("INSERT INTO %s AS t (%s) SELECT %s FROM %s", t.ident, t.list(of.has, ", ", ident),
		t.list(of.has, ", ", func(c column) string { return c.value("r") }), from)
	switch of.form {
	case deleteRows:
		return fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s", t.ident, from, sameKey)
	case updateRows:
		set := t.list(of.has&^t.key|of.added, ", ", func(c column) string {
			if of.added.has(t.byName[c.name]) {
				return c.ident + " = " + c.sum(of.winding)
			}
			return c.ident + " = " + c.value("r")
		})
		return fmt.Sprintf("UPDATE %s AS t SET %s FROM %s WHERE %s", t.ident, set, from, sameKey)
	case insertMissing: // Values are cast only for the rows that are missing.
		return fmt.Sprintf("%s WHERE NOT EXISTS (SELECT FROM %s t WHERE %s)", insert, t.ident, sameKey)
	default:
		action := "NOTHING"
		if rest := t.all() &^ t.key; rest != 0 {
			action = "UPDATE SET " + t.list(rest, ", ", func(c column) string { return c.ident + " = EXCLUDED." + c.ident })
		}
		return fmt.Sprintf("%s ON CONFLICT (%s) DO %s", insert, t.list(t.key, ", ", ident), action)
	}
}

// queue adds the statement of a change of many rows.
func (e *effect) queue(to *script) {
	t := e.table
	match := shape{has: e.row.has}
	parameters := t.parameters(match)
	from := unnest("m", parameters, 1)
	arguments := t.arguments(match, []values{{row: e.row}})
	switch {
	case e.op == OpDeleteWhere:
		to.queue(fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s", t.ident, from, t.matching(e.row)), arguments...)
	case e.set.has != 0:
		set := shape{has: e.set.has}
		to.queue(fmt.Sprintf("UPDATE %s AS t SET %s FROM %s, %s WHERE %s", t.ident, t.assignments(e.set.has),
			from, unnest("r", t.parameters(set), 1+len(parameters)), t.matching(e.row)),
			append(arguments, t.arguments(set, []values{{row: e.set}})...)...)
	}
}

// matching compares so that indexes serve, also where null is meant.
func (t *table) matching(match row) string {
	return t.list(match.has, " AND ", func(c column) string {
		if match.null(t.byName[c.name]) {
			return "t." + c.ident + " IS NULL"
		}
		return "t." + c.ident + " = " + c.value("m")
	})
}
