package list

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// The names of parameters that a request can have beside a list's filters.
const (
	fieldPage   = "page"
	fieldLimit  = "limit"
	fieldSort   = "sort"
	fieldCursor = "cursor"
	fieldSearch = "search"
)

// plan checks a request and makes its two queries.
func (s Source[T]) plan(r Request) (query, error) {
	var wrong failure.Fields
	where := conditions{args: pgx.NamedArgs{}}
	maps.Copy(where.args, s.Args)
	q := query{limit: limit(&wrong, r.Limit), args: where.args}
	s.filter(&wrong, &where, r.Filters)
	s.search(&wrong, &where, r.Search)
	q.count = "SELECT count(*) " + s.From + where.sql.String()
	if s.Total != "" && where.sql.Len() == 0 {
		q.count = s.Total
	}

	sort, name, descending := s.sort(&wrong, r.Sort)
	q.sort, q.kind = name, sort.Kind
	offset := s.seek(&wrong, &where, &q, r, sort.Expression, descending)
	if err := wrong.Err(); err != nil {
		return query{}, err
	}
	direction := "ASC"
	if descending {
		direction = "DESC"
	}
	order := fmt.Sprintf("ORDER BY %s %s, %s %s", sort.Expression, direction, s.ID, direction)
	// The page is found first, for which an index may do, and only its rows are read.
	q.items = fmt.Sprintf("SELECT %s, %s, %s %s AND %s = ANY (ARRAY(SELECT %s %s%s %s LIMIT %d OFFSET %d)) %s",
		s.Columns.SQL(), sort.Expression, s.ID, s.From, s.ID,
		s.ID, s.From, where.sql.String(), order, q.limit+1, offset, order)
	return q, nil
}

// Where returns the conditions of a request's filters and search, to follow From,
// with all arguments. It is for those who read the whole list in their own way.
func (s Source[T]) Where(r Request) (string, pgx.NamedArgs, error) {
	var wrong failure.Fields
	where := conditions{args: pgx.NamedArgs{}}
	maps.Copy(where.args, s.Args)
	s.filter(&wrong, &where, r.Filters)
	s.search(&wrong, &where, r.Search)
	return where.sql.String(), where.args, wrong.Err()
}

func limit(wrong *failure.Fields, given int) int {
	switch {
	case given == 0:
		return DefaultLimit
	case given < 1 || given > MaxLimit:
		wrong.Add(fieldLimit, input.CodeRange, fmt.Sprintf("must be from 1 to %d", MaxLimit))
		return DefaultLimit
	}
	return given
}

// seek finds where the page begins: after the cursor's row, or by an offset.
func (s Source[T]) seek(wrong *failure.Fields, where *conditions, q *query, r Request, expression string, descending bool) (offset int) {
	if r.Cursor == "" {
		q.page = max(r.Page, 1)
		switch {
		case r.Page < 0:
			wrong.Add(fieldPage, input.CodeRange, "must be at least 1")
		case q.page > MaxPage:
			wrong.Add(fieldPage, input.CodeRange, fmt.Sprintf("must be at most %d", MaxPage))
			return 0
		}
		return (q.page - 1) * q.limit
	}
	c, ok := decodeCursor(r.Cursor)
	key, fits := q.kind.parse(c.Key)
	switch {
	case r.Page != 0:
		wrong.Add(fieldCursor, input.CodeFormat, "must not come with a page: a cursor says where to go on")
	case !ok || !fits:
		wrong.Add(fieldCursor, input.CodeFormat, "must be the nextCursor of an earlier answer")
	case c.Sort != q.sort:
		wrong.Add(fieldCursor, input.CodeFormat, "must come with the sort with which it was given")
	default:
		comparison := ">"
		if descending {
			comparison = "<"
		}
		q.page = c.Page
		where.args["list_key"], where.args["list_id"] = key, c.ID
		where.and("(%s, %s) %s (@list_key, @list_id)", expression, s.ID, comparison)
	}
	return 0
}

// sort finds what to sort by, and its full name.
func (s Source[T]) sort(wrong *failure.Fields, given string) (sort Sort, name string, descending bool) {
	if given == "" {
		given = s.DefaultSort
	}
	column, direction, directed := strings.Cut(given, ":")
	i := slices.IndexFunc(s.Sorts, func(sort Sort) bool { return sort.Name == column })
	if i < 0 || directed && direction != "asc" && direction != "desc" {
		wrong.Add(fieldSort, input.CodeUnknown, "must be one of "+s.SortNames()+", with :asc or :desc")
		return Sort{}, "", false
	}
	if !directed {
		direction = "asc"
	}
	return s.Sorts[i], column + ":" + direction, direction == "desc"
}

// SortPattern returns a regular expression for the sorts that a request may
// name.
func (s Spec) SortPattern() string {
	names := make([]string, len(s.Sorts))
	for i, sort := range s.Sorts {
		names[i] = regexp.QuoteMeta(sort.Name)
	}
	return "^(" + strings.Join(names, "|") + ")(:(asc|desc))?$"
}

// SortNames returns the names of all sorts, as a text lists them.
func (s Spec) SortNames() string {
	names := make([]string, len(s.Sorts))
	for i, sort := range s.Sorts {
		names[i] = sort.Name
	}
	return strings.Join(names, ", ")
}

func (s Source[T]) filter(wrong *failure.Fields, where *conditions, given map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		values := given[name]
		at := slices.IndexFunc(s.Filters, func(f Filter) bool { return f.Name == name })
		if at < 0 {
			wrong.Add(name, input.CodeUnknown, "is not a filter of this list")
			continue
		}
		f := s.Filters[at]
		for i, value := range values {
			field := name + "[" + strconv.Itoa(i) + "]"
			if f.Values == nil {
				input.Line(wrong, field, value, 1, MaxText)
			} else if !slices.Contains(f.Values, value) {
				wrong.Add(field, input.CodeUnknown, "must be one of "+strings.Join(f.Values, ", "))
			}
		}
		if len(values) > 0 {
			parameter := "filter_" + name
			where.args[parameter] = values
			where.and("%s = ANY(@%s)", f.Expression, parameter)
		}
	}
}

// likeEscapes keep the wildcards of LIKE from being such.
var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (s Source[T]) search(wrong *failure.Fields, where *conditions, given string) {
	text := input.Line(wrong, fieldSearch, given, 0, MaxText)
	if text == "" {
		return
	}
	var matches []string
	for _, expression := range s.Search {
		matches = append(matches, expression+" ILIKE @list_search")
	}
	for _, expression := range s.Folded {
		matches = append(matches, expression+" LIKE @list_folded")
	}
	if len(matches) == 0 {
		wrong.Add(fieldSearch, input.CodeUnknown, "this list cannot be searched")
		return
	}
	where.args["list_search"] = "%" + likeEscapes.Replace(text) + "%"
	where.args["list_folded"] = "%" + likeEscapes.Replace(Fold(text)) + "%"
	where.and("%s", strings.Join(matches, " OR "))
}

// Fold returns a text in the form in which the case of letters does not matter.
func Fold(text string) string { return norm.NFKC.String(strings.ToLower(norm.NFKC.String(text))) }
