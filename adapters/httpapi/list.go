package httpapi

import (
	"github.com/perfectworks/backend/projections/list"
)

// ListInput is what every list can be asked.
type ListInput struct {
	Page   int    `query:"page" minimum:"1" doc:"Which page, from 1. Pages reach 10,000 items far; beyond that, use the cursor." example:"1"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" doc:"How many items a page has; 10 if left out." example:"10"`
	Cursor string `query:"cursor" doc:"The nextCursor of the page before, instead of a page. Everything else stays as it was."`
	Search string `query:"search" maxLength:"100" doc:"A part of a text, whatever its case." example:"import"`
}

func (in ListInput) request(sort string, filters map[string][]string) list.Request {
	for name, values := range filters {
		if len(values) == 0 {
			delete(filters, name)
		}
	}
	return list.Request{
		Page: in.Page, Limit: in.Limit, Sort: sort, Cursor: in.Cursor, Search: in.Search, Filters: filters,
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
