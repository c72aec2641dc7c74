// Package view reads the rows of read models into structs. A struct names its
// columns by its `db` tags, once; the select list and the places to scan into
// follow from them.
package view

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// DB is a pool, a connection or a transaction.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Columns is the select list for rows of type R.
type Columns[R any] struct {
	sql  string
	what string
}

// Of returns the columns of R. Each field of R that is not an embedded struct
// has a `db` tag, which is the column's name in the table of this alias, unless
// computed gives another expression for that name. Where such an expression is
// null, a time reads as the zero time.
//
// It panics if a field has no tag, or if a computed expression has no field:
// both are mistakes in the program.
func Of[R any](alias string, computed map[string]string) Columns[R] {
	var list []string
	used := 0
	row := reflect.TypeFor[R]()
	for _, field := range reflect.VisibleFields(row) {
		if field.Anonymous {
			continue
		}
		name := field.Tag.Get("db")
		if name == "" {
			panic(fmt.Sprintf("view: %s.%s has no db tag", row, field.Name))
		}
		expression, ok := computed[name]
		if ok {
			used++
		} else {
			expression = alias + "." + name
		}
		if field.Type == reflect.TypeFor[time.Time]() {
			expression = "coalesce(" + expression + ", '0001-01-01T00:00:00Z'::timestamptz)"
		}
		list = append(list, expression+" AS "+name)
	}
	if used != len(computed) {
		panic(fmt.Sprintf("view: %s has no field for one of the computed columns", row))
	}
	return Columns[R]{sql: strings.Join(list, ", "), what: strings.ToLower(row.Name())}
}

// SQL returns the select list.
func (c Columns[R]) SQL() string { return c.sql }

// Scan reads the present row.
func (c Columns[R]) Scan(row pgx.CollectableRow) (R, error) { return pgx.RowToStructByName[R](row) }

// First returns the first row of a query, of which rest is the part from FROM
// on. If there is none, it returns the error missing.
func (c Columns[R]) First(ctx context.Context, db DB, missing error, rest string, args pgx.NamedArgs) (R, error) {
	var row R
	rows, err := db.Query(ctx, "SELECT "+c.sql+" "+rest, args)
	if err == nil {
		row, err = pgx.CollectOneRow(rows, c.Scan)
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return row, missing
	case err != nil:
		return row, fmt.Errorf("read a %s: %w", c.what, err)
	}
	return row, nil
}
