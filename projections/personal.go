package projections

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Personal declares the columns of a table with data about a person or an
// organization. When the key of that subject is destroyed, the engine clears
// them in every generation: a text becomes empty, a list too, anything else
// null. That is what reducers must make of an erased personal.Text, so that a
// rebuild gives the same tables.
type Personal struct {
	Table string `json:"table"`
	// Subject is the column with the subject's id.
	Subject string `json:"subject"`
	// Columns are none of the primary key.
	Columns []string `json:"columns"`
}

// check makes sure that the columns exist and can be cleared.
func (p Personal) check(tables map[string]*table) error {
	t, ok := tables[p.Table]
	if !ok {
		return fmt.Errorf("there is no table %s", p.Table)
	}
	if i, ok := t.byName[p.Subject]; !ok || t.columns[i].kind != textKind {
		return fmt.Errorf("table %s: the subject %s is no text column", p.Table, p.Subject)
	}
	if len(p.Columns) == 0 {
		return fmt.Errorf("table %s: no personal columns are named", p.Table)
	}
	for _, name := range p.Columns {
		i, ok := t.byName[name]
		switch {
		case !ok:
			return fmt.Errorf("table %s has no column %s", p.Table, name)
		case t.key.has(i):
			return fmt.Errorf("table %s: column %s is of the primary key, and cannot be personal", p.Table, name)
		case t.columns[i].notNull && t.columns[i].cleared() == "NULL":
			return fmt.Errorf("table %s: column %s is personal, and can be neither empty nor null", p.Table, name)
		}
	}
	return nil
}

// cleared is what is left of a personal value, as SQL.
func (c column) cleared() string {
	switch c.kind {
	case textKind:
		return "''"
	case textsKind:
		return "'{}'"
	default:
		return "NULL"
	}
}

// clear clears the columns of subjects. Generations of other versions may lack
// some of them.
func (p Personal) clear(ctx context.Context, tx pgx.Tx, schema string, subjects []string) error {
	rows, err := tx.Query(ctx, `
		SELECT a.attname, t.typname FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) AND c.relname = $2`, schema, p.Table)
	if err != nil {
		return err
	}
	columns := map[string]column{}
	var name, typ string
	_, err = pgx.ForEachRow(rows, []any{&name, &typ}, func() error {
		columns[name] = column{ident: pgx.Identifier{name}.Sanitize(), kind: kinds[typ]}
		return nil
	})
	if err != nil {
		return err
	}
	var set, different []string
	for _, name := range p.Columns {
		if c, ok := columns[name]; ok {
			set = append(set, c.ident+" = "+c.cleared())
			different = append(different, c.ident+" IS DISTINCT FROM "+c.cleared())
		}
	}
	subject, ok := columns[p.Subject]
	if !ok || len(set) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE %s = ANY($1) AND (%s)", pgx.Identifier{schema, p.Table}.Sanitize(),
		strings.Join(set, ", "), subject.ident, strings.Join(different, " OR ")), subjects)
	return err
}
