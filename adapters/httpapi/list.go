package httpapi

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/projections/list"
)

// ListInput is what every list can be asked. The filters differ: an operation's
// list.Spec declares them, and document adds them to the documentation.
type ListInput struct {
	Page   int    `query:"page" minimum:"1" maximum:"2147483647" doc:"Which page, from 1 to totalPages. Far into a long list the cursor is faster." example:"1"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" doc:"How many items a page has; 10 by default." example:"10"`
	Sort   string `query:"sort"`
	Cursor string `query:"cursor" doc:"The nextCursor of the page before, instead of a page. All other parameters stay as they were."`
	Search string `query:"search" maxLength:"100" doc:"A part of a text; case does not matter." example:"import"`
}

// request reads the list's filters from the query, where a value may hold
// several, separated by commas. An empty value is not passed over: a filter that
// a client failed to fill in would give the whole list.
func (in ListInput) request(x *exchange) list.Request {
	query, filters := x.http.URL.Query(), map[string][]string{}
	for _, f := range x.op.list.Filters {
		for _, value := range query[f.Name] {
			filters[f.Name] = append(filters[f.Name], strings.Split(value, ",")...)
		}
	}
	return list.Request{
		Page: in.Page, Limit: in.Limit, Sort: in.Sort, Cursor: in.Cursor, Search: in.Search, Filters: filters,
	}
}

// documentList completes the parameters of a list from its declaration.
func documentList(registered *huma.Operation, spec *list.Spec) {
	for _, p := range registered.Parameters {
		if p.Name == "sort" {
			p.Description = "What to sort by: " + spec.SortNames() + "; then `:asc` or `:desc`. By default `" + spec.DefaultSort + "`."
			p.Example = spec.DefaultSort
			p.Schema = &huma.Schema{Type: huma.TypeString, Pattern: spec.SortPattern()}
		}
	}
	if len(spec.Search) == 0 {
		registered.Parameters = slices.DeleteFunc(registered.Parameters, func(p *huma.Param) bool { return p.Name == "search" })
	}
	separated, one := false, 1
	for _, f := range spec.Filters {
		item := &huma.Schema{Type: huma.TypeString}
		for _, value := range f.Values {
			item.Enum = append(item.Enum, value)
		}
		if len(f.Values) == 0 {
			shortest, longest := 1, list.MaxText
			item.MinLength, item.MaxLength = &shortest, &longest
		}
		registered.Parameters = append(registered.Parameters, &huma.Param{
			Name: f.Name, In: "query", Description: f.Doc + " Several are separated by commas.",
			Schema: &huma.Schema{Type: huma.TypeArray, Items: item, MinItems: &one}, Explode: &separated,
		})
	}
}

// Page is a part of a list.
type Page[T any] struct {
	Items      []T        `json:"items"`
	Pagination Pagination `json:"pagination"`
}

// Pagination says where in a list a page is.
type Pagination struct {
	Page       int     `json:"page" example:"1"`
	Limit      int     `json:"limit" example:"10"`
	Total      int     `json:"total" doc:"How many items there are on all pages." example:"42"`
	TotalPages int     `json:"totalPages" example:"5"`
	NextCursor *string `json:"nextCursor" doc:"Leads to the next page; null on the last one." example:"eyJzIjoiY3JlYXRlZEF0OmRlc2MifQ"`
}

func pageOf[S, T any](p list.Page[S], item func(S) T) Page[T] {
	items := make([]T, len(p.Items))
	for i, s := range p.Items {
		items[i] = item(s)
	}
	return Page[T]{Items: items, Pagination: Pagination{
		Page: p.Page, Limit: p.Limit, Total: p.Total, TotalPages: p.TotalPages, NextCursor: optional(p.NextCursor),
	}}
}
