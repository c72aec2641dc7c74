package list_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

type thing struct {
	ID    string    `db:"id"`
	Name  string    `db:"name"`
	Size  int64     `db:"size"`
	At    time.Time `db:"at"`
	Color string    `db:"color"`
}

func things() list.Source[thing] {
	return list.Source[thing]{
		From: "FROM things t WHERE t.owner = @owner", Args: pgx.NamedArgs{"owner": "me"},
		Columns: view.Of[thing]("t", nil),
		ID:      "t.id",
		Spec: list.Spec{
			Sorts: []list.Sort{
				{Name: "name", Expression: "lower(t.name)", Kind: list.Text},
				{Name: "size", Expression: "t.size", Kind: list.Integer},
				{Name: "at", Expression: "t.at", Kind: list.Time},
			},
			DefaultSort: "at:desc",
			Filters: []list.Filter{
				{Name: "color", Expression: "t.color", Values: []string{"red", "blue"}},
				{Name: "name", Expression: "t.name"},
			},
			Search: []string{"t.name"}, Folded: []string{"t.color"},
		},
	}
}

// newThings makes n things with few distinct values, so that ties are many.
func newThings(t *testing.T, n int) *pgxpool.Pool {
	t.Helper()
	pool := postgrestest.New(t)
	if _, err := pool.Exec(context.Background(), `
		CREATE TABLE things (id text PRIMARY KEY, owner text, name text, size bigint, at timestamptz, color text)`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(context.Background(), `
		INSERT INTO things SELECT 'thing_' || i, 'me', substr('aBcDäö%_\', 1 + i % 9, 1), i % 4 - 2,
			'2026-01-01T00:00:00.000001Z'::timestamptz + make_interval(secs => i % 5 * 0.000001), CASE WHEN i % 2 = 0 THEN 'red' ELSE 'blue' END
		FROM generate_series(1, $1) i`, n); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(context.Background(), `INSERT INTO things VALUES ('foreign', 'another', 'a', 1, now(), 'red')`); err != nil {
		t.Fatal(err)
	}
	return pool
}

// However the pages are cut, and by whichever way, they are the whole list in
// one order, each item once.
func TestPagesAndCursorsShowEachItemOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newThings(t, 57)
	rapid.Check(t, func(t *rapid.T) {
		r := list.Request{
			Limit: rapid.SampledFrom([]int{1, 2, 7, 10, 57, 58, 100}).Draw(t, "limit"),
			Sort:  rapid.SampledFrom([]string{"", "name", "name:desc", "size:asc", "size:desc", "at", "at:desc"}).Draw(t, "sort"),
		}
		if rapid.Bool().Draw(t, "filtered") {
			r.Filters = map[string][]string{"color": {"red"}}
		}
		var byPage, byCursor []thing
		next := r
		for number := 1; ; number++ {
			r.Page = number
			page, err := things().Read(ctx, pool, r)
			if err != nil {
				t.Fatal(err)
			}
			byPage = append(byPage, page.Items...)
			again, err := things().Read(ctx, pool, next)
			if err != nil {
				t.Fatal(err)
			}
			byCursor = append(byCursor, again.Items...)
			if diff := cmp.Diff(page, again); diff != "" {
				t.Fatalf("page %d differs by cursor (-page +cursor):\n%s", number, diff)
			}
			if (page.NextCursor == "") != (number >= page.TotalPages) {
				t.Fatalf("page %d of %d has the cursor %q", number, page.TotalPages, page.NextCursor)
			}
			if next.Cursor = again.NextCursor; next.Cursor == "" {
				if page.Total != len(byPage) {
					t.Fatalf("the total is %d, and %d items were shown", page.Total, len(byPage))
				}
				break
			}
		}
		if diff := cmp.Diff(byPage, byCursor); diff != "" {
			t.Fatal(diff)
		}
		seen := map[string]bool{}
		for _, item := range byPage {
			if seen[item.ID] || item.ID == "foreign" {
				t.Fatalf("%s is shown again, or should not be", item.ID)
			}
			seen[item.ID] = true
		}
	})
}

// Items that come or go meanwhile move the pages, but not the cursor.
func TestACursorIsNotMovedByOtherItems(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newThings(t, 10)
	first, err := things().Read(ctx, pool, list.Request{Sort: "size", Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "INSERT INTO things VALUES ('new', 'me', 'n', -9, now(), 'red')"); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "DELETE FROM things WHERE id = $1", first.Items[3].ID); err != nil {
		t.Fatal(err)
	}
	second, err := things().Read(ctx, pool, list.Request{Sort: "size", Limit: 100, Cursor: first.NextCursor})
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Items) != 6 || second.Page != 2 || second.NextCursor != "" {
		t.Errorf("%d items on page %d, want the 6 that were not shown", len(second.Items), second.Page)
	}
}

func TestEmptyLists(t *testing.T) {
	t.Parallel()
	pool := newThings(t, 3)
	for _, r := range []list.Request{
		{Page: 2}, {Search: "no such thing"}, {Filters: map[string][]string{"name": {"no such name"}}}, {Page: 1000},
	} {
		page, err := things().Read(context.Background(), pool, r)
		if err != nil || page.Items == nil || len(page.Items) != 0 || page.NextCursor != "" {
			t.Errorf("%+v: %+v, %v", r, page, err)
		}
	}
	page, err := things().Read(context.Background(), pool, list.Request{Filters: map[string][]string{"color": {}}})
	if err != nil || page.Total != 3 {
		t.Errorf("a filter without values: %+v, %v", page, err)
	}
}

// A list that knows its total need not be counted, unless only a part is asked for.
func TestTotals(t *testing.T) {
	t.Parallel()
	pool := newThings(t, 9)
	source := things()
	source.Total = "SELECT 70 + length(@owner)"
	for _, c := range []struct {
		r    list.Request
		want int
	}{
		{list.Request{}, 72},
		{list.Request{Limit: 2, Page: 3, Sort: "size"}, 72},
		{list.Request{Search: "b"}, 5},
		{list.Request{Filters: map[string][]string{"color": {"red"}}}, 4},
	} {
		page, err := source.Read(context.Background(), pool, c.r)
		if err != nil || page.Total != c.want {
			t.Errorf("%+v: %d, %v, want %d", c.r, page.Total, err, c.want)
		}
	}
}

func TestSearchTakesWildcardsLiterally(t *testing.T) {
	t.Parallel()
	pool := newThings(t, 9)
	for text, want := range map[string]int{"%": 1, "_": 1, `\`: 1, "b": 5, "Ä": 1, "RED": 4, " b ": 5, "": 9} {
		page, err := things().Read(context.Background(), pool, list.Request{Search: text})
		if err != nil || page.Total != want {
			t.Errorf("%q: %d, %v, want %d", text, page.Total, err, want)
		}
	}
}

func TestBadRequestsNameEachField(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := newThings(t, 30)
	first, err := things().Read(ctx, pool, list.Request{Sort: "at"})
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for what, c := range map[string]struct {
		r      list.Request
		fields []string
	}{
		"page below one":         {list.Request{Page: -1}, []string{"page"}},
		"page too great":         {list.Request{Page: list.MaxPage + 1}, []string{"page"}},
		"page far too deep":      {list.Request{Page: 1<<63 - 1, Limit: 100}, []string{"page"}},
		"limit below one":        {list.Request{Limit: -5}, []string{"limit"}},
		"limit too great":        {list.Request{Limit: 101}, []string{"limit"}},
		"unknown sort":           {list.Request{Sort: "owner"}, []string{"sort"}},
		"SQL as sort":            {list.Request{Sort: "at; DROP TABLE things"}, []string{"sort"}},
		"unknown direction":      {list.Request{Sort: "at:up"}, []string{"sort"}},
		"no direction":           {list.Request{Sort: "at:"}, []string{"sort"}},
		"unknown filter":         {list.Request{Filters: map[string][]string{"owner": {"another"}}}, []string{"owner"}},
		"unknown value":          {list.Request{Filters: map[string][]string{"color": {"red", "green"}}}, []string{"color[1]"}},
		"control character":      {list.Request{Filters: map[string][]string{"name": {"a\x00"}}}, []string{"name[0]"}},
		"search too long":        {list.Request{Search: strings.Repeat("x", 101)}, []string{"search"}},
		"search with control":    {list.Request{Search: "a\x00b"}, []string{"search"}},
		"cursor is no base64":    {list.Request{Cursor: "!"}, []string{"cursor"}},
		"cursor is no JSON":      {list.Request{Cursor: encoded("x")}, []string{"cursor"}},
		"cursor is too long":     {list.Request{Cursor: strings.Repeat("x", 5000)}, []string{"cursor"}},
		"cursor of another sort": {list.Request{Sort: "size", Cursor: first.NextCursor}, []string{"cursor"}},
		"cursor of other order":  {list.Request{Sort: "at:desc", Cursor: first.NextCursor}, []string{"cursor"}},
		"cursor's key misfits":   {list.Request{Sort: "at", Cursor: encoded(`{"s":"at:asc","k":"1","i":"x","p":2}`)}, []string{"cursor"}},
		"cursor's page misfits":  {list.Request{Sort: "at", Cursor: encoded(`{"s":"at:asc","k":"2026-01-01T00:00:00Z","i":"x","p":0}`)}, []string{"cursor"}},
		"cursor with zero byte":  {list.Request{Sort: "at", Cursor: encoded(`{"s":"at:asc","k":"2026-01-01T00:00:00Z","i":"\u0000","p":2}`)}, []string{"cursor"}},
		"cursor and page":        {list.Request{Sort: "at", Page: 2, Cursor: first.NextCursor}, []string{"cursor"}},
		"all at once":            {list.Request{Page: -1, Limit: 999, Sort: "x", Search: "\x07", Filters: map[string][]string{"x": {"y"}}}, []string{"limit", "x", "search", "sort", "page"}},
	} {
		_, err := things().Read(ctx, pool, c.r)
		f := failure.Of(err)
		if f == nil || f.Kind != failure.Invalid {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var fields []string
		for _, d := range f.Details {
			fields = append(fields, d.Field)
			if d.Code == "" || d.Message == "" {
				t.Errorf("%s: %+v says too little", what, d)
			}
		}
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: %v, want %v", what, fields, c.fields)
		}
	}
	unsearchable := things()
	unsearchable.Search, unsearchable.Folded = nil, nil
	if _, err := unsearchable.Read(ctx, pool, list.Request{Search: "x"}); failure.Of(err) == nil {
		t.Errorf("search without being able to: %v", err)
	}
}

// Whatever a caller makes up for a cursor is refused or leads into the list, but
// never breaks a query.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "e30", "bnVsbA", fmt.Sprint(1 << 20)} {
		f.Add(s, "", "")
	}
	f.Add("", "2026-01-01T00:00:00Z", "thing_1")
	f.Add("", "0000-01-01T00:00:00Z", "\xff")
	f.Fuzz(func(t *testing.T, raw, key, id string) {
		cursors := []string{raw, base64.RawURLEncoding.EncodeToString(
			fmt.Appendf(nil, `{"s":"at:asc","k":%q,"i":%q,"p":2}`, key, id))}
		for _, c := range cursors {
			_, err := things().Read(context.Background(), refuser{t}, list.Request{Sort: "at", Cursor: c})
			if err != nil && failure.Of(err) == nil && !strings.Contains(err.Error(), errReached.Error()) {
				t.Errorf("%q: %v", c, err)
			}
		}
	})
}

var errReached = errors.New("the query reached the database")

// refuser checks that arguments can be stored, and goes no further.
type refuser struct{ t *testing.T }

func (r refuser) SendBatch(_ context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		if len(q.Arguments) == 0 {
			continue
		}
		args, _ := q.Arguments[0].(pgx.NamedArgs)
		for name, arg := range args {
			if s, ok := arg.(string); ok && (strings.Contains(s, "\x00") || !utf8.ValidString(s)) {
				r.t.Errorf("%s is %q", name, s)
			}
		}
	}
	return refusal{}
}

type refusal struct{ pgx.BatchResults }

func (refusal) Close() error { return errReached }
