// Package list reads lists from read models the way the HTTP contract wants
// them: by page or by cursor, sorted, filtered and searched, with a total, and
// with ties broken by id so that no row is shown twice.
package list

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perfectworks/backend/projections/view"
)

// Limits of a request.
const (
	DefaultLimit = 10
	MaxLimit     = 100
	// MaxPage bounds the number of a page, so that it can be counted with. It is
	// beyond all lists: each page up to TotalPages can be asked for.
	MaxPage = 1<<31 - 1
	// MaxText bounds what is searched for, and the text of a filter, in characters.
	MaxText = 100
)

// Request is what a caller asks of a list, as it came in.
type Request struct {
	// Page counts from 1; 0 is the first, or that of the cursor.
	Page int
	// Limit is the number of items of a page, at most MaxLimit; 0 is DefaultLimit.
	Limit int
	// Sort is a name of the list's, with ":asc" or ":desc" or without; empty is
	// the list's own order.
	Sort string
	// Cursor is the NextCursor of an earlier answer, instead of a page.
	Cursor string
	// Search is a part of a text, whatever its case.
	Search string
	// Filters keep the items that have one of the values, for each name given.
	Filters map[string][]string
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Page  int
	Limit int
	// Total is the number of items on all pages.
	Total      int
	TotalPages int
	// NextCursor leads to the items that follow; empty when there are none.
	NextCursor string
}

// Spec declares what a list can be sorted by, filtered by and searched for. The
// documentation and the validation of requests follow from it. Its expressions
// are the program's own SQL.
type Spec struct {
	// Sorts stand in the order of the documentation. DefaultSort is a
	// Request.Sort.
	Sorts       []Sort
	DefaultSort string
	// Filters stand in the order of the documentation.
	Filters []Filter
	// Search lists the expressions to search in, Folded those whose text is
	// stored as Fold returns it, which is much quicker. If there are none, the
	// list cannot be searched.
	Search, Folded []string
}

// Kind is the type of an expression to sort by.
type Kind int

// The kinds.
const (
	Text Kind = iota + 1
	Time
	Integer
)

// Sort is an expression to sort by, which is never null.
type Sort struct {
	Name       string
	Expression string
	Kind       Kind
}

// Filter compares an expression with the values of a request.
type Filter struct {
	Name       string
	Expression string
	// Values are those allowed. If there are none, any text is.
	Values []string
	// Doc describes the filter for callers: a sentence in Markdown.
	Doc string
}

// Values returns texts of any string type as those of a Filter.
func Values[S ~string](all ...S) []string {
	values := make([]string, len(all))
	for i, v := range all {
		values[i] = string(v)
	}
	return values
}

// Source is a list as SQL. Its texts are the program's own; everything that a
// caller sends is in Args.
type Source[T any] struct {
	Spec
	// Columns are those of an item.
	Columns view.Columns[T]
	// From is the part of the query from the tables on, with the conditions that
	// always hold, which include what the caller may see. It has a WHERE.
	From string
	Args pgx.NamedArgs
	// ID is the expression of the items' unique id, a text.
	ID string
	// Total, when set, is a query for the number of all items, with Args. It is for
	// lists that take long to count.
	Total string
}

// DB is a pool, a connection or a transaction.
type DB interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Read answers a request. A request that breaks a rule gives a failure that
// names each field. Page and total are read in one round trip, not at one
// moment.
func (s Source[T]) Read(ctx context.Context, db DB, r Request) (Page[T], error) {
	q, err := s.plan(r)
	if err != nil {
		return Page[T]{}, err
	}
	page := Page[T]{Items: []T{}, Page: q.page, Limit: q.limit}
	batch := &pgx.Batch{}
	// How to search depends on what is searched: a plan for any text is a bad one.
	batch.Queue("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
	batch.Queue(q.count, q.args).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Total) })
	s.readItems(batch, q, &page)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return Page[T]{}, fmt.Errorf("read a list: %w", err)
	}
	page.TotalPages = (page.Total + q.limit - 1) / q.limit
	return page, nil
}

// readItems queues the reading of a page's items, and of where the next one
// begins.
func (s Source[T]) readItems(batch *pgx.Batch, q query, page *Page[T]) {
	batch.Queue(q.items, q.args).Query(func(rows pgx.Rows) error {
		more := false
		end := cursor{Sort: q.sort, Page: q.page + 1}
		for rows.Next() {
			if len(page.Items) == q.limit {
				more = true
				continue
			}
			last := lastColumns{CollectableRow: rows, key: q.kind.scanner()}
			item, err := s.Columns.Scan(&last)
			if err != nil {
				return err
			}
			end.Key, end.ID = q.kind.format(last.key), last.id
			page.Items = append(page.Items, item)
		}
		if more {
			page.NextCursor = end.encode()
		}
		return rows.Err()
	})
}

// lastColumns hides from the scan of an item the two columns that follow it: the
// key of the sort, and the id.
type lastColumns struct {
	pgx.CollectableRow
	key any
	id  string
}

// FieldDescriptions implements pgx.CollectableRow.
func (r *lastColumns) FieldDescriptions() []pgconn.FieldDescription {
	all := r.CollectableRow.FieldDescriptions()
	return all[:len(all)-2]
}

// Scan implements pgx.CollectableRow.
func (r *lastColumns) Scan(item ...any) error {
	return r.CollectableRow.Scan(append(item, r.key, &r.id)...)
}

// query is a request turned into SQL.
type query struct {
	page, limit  int
	sort         string
	kind         Kind
	count, items string
	args         pgx.NamedArgs
}

// conditions collects what to add to a WHERE.
type conditions struct {
	sql  strings.Builder
	args pgx.NamedArgs
}

func (c *conditions) and(format string, args ...any) {
	c.sql.WriteString(" AND (")
	fmt.Fprintf(&c.sql, format, args...)
	c.sql.WriteString(")")
}
