package htmlfix

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// tables makes header cells of those that are headers by all that they show. Where that is not certain nothing is done.
func (p *plan) tables() {
	for _, f := range p.findings("table-headers") {
		rows := htmlcheck.Rows(f.Node)
		if !isGrid(rows) {
			continue
		}
		top := p.headsColumns(rows)
		side := p.headsRows(rows, top)
		if !top && !side {
			continue
		}
		r := p.start(f.Rule, f.Node, "header cells marked in the first row")
		if top {
			for _, cell := range rows[0] {
				r.header(cell, "col")
			}
		}
		if side {
			r.detail = "header cells marked in the first column"
			for i, row := range rows {
				if i > 0 || !top {
					r.header(row[0], "row")
				}
			}
		}
		if top && side {
			r.detail = "header cells marked in the first row and column"
		}
		r.review = "Header cells were told from the look and the numbers of the table: are they those?"
		p.add(r)
	}
}

// header makes a cell a header cell. An empty corner stays what it is.
func (r *repair) header(cell *html.Node, scope string) {
	if cell.Data == "td" && htmlcheck.Text(cell) != "" {
		r.rename(cell, "th").set(cell, "scope", scope)
	}
}

// isGrid tells of tables of equal rows without merged cells.
func isGrid(rows [][]*html.Node) bool {
	if len(rows) < 2 || len(rows[0]) < 2 {
		return false
	}
	for _, row := range rows {
		if len(row) != len(rows[0]) {
			return false
		}
		for _, cell := range row {
			if span := htmlcheck.Attr(cell, "colspan") + htmlcheck.Attr(cell, "rowspan"); span != "" && strings.Trim(span, "1") != "" ||
				htmlcheck.Has(cell, "role") {
				return false
			}
		}
	}
	return true
}

// headsColumns reports whether the first row is one of headers: it lies in a thead, looks different from all others, or
// has words over columns of numbers.
func (p *plan) headsColumns(rows [][]*html.Node) bool {
	for i, cell := range rows[0] {
		if htmlcheck.Text(cell) == "" && i > 0 || len(htmlcheck.Text(cell)) > maxLabel {
			return false
		}
	}
	if parent := rows[0][0].Parent.Parent; parent != nil && parent.Data == "thead" {
		return true
	}
	if p.stressedRow(rows[0]) {
		for _, row := range rows[1:] {
			if p.stressedRow(row) {
				return false
			}
		}
		return true
	}
	numbers := false
	for column, cell := range rows[0] {
		if isNumber(htmlcheck.Text(cell)) {
			return false
		}
		numbers = numbers || column > 0 && numbersBelow(rows, column)
	}
	return numbers
}

// headsRows reports whether the first column is one of headers: all its cells are stressed and no others are, or all
// others are numbers under a row of headers.
func (p *plan) headsRows(rows [][]*html.Node, top bool) bool {
	from := 0
	if top {
		from = 1
	}
	stressed, others, numbers := true, false, top && len(rows) > 2
	for _, row := range rows[from:] {
		text := htmlcheck.Text(row[0])
		if text == "" || len(text) > maxLabel || isNumber(text) {
			return false
		}
		stressed = stressed && p.stressed(row[0])
		for _, cell := range row[1:] {
			others = others || p.stressed(cell)
			numbers = numbers && (isNumber(htmlcheck.Text(cell)) || htmlcheck.Text(cell) == "")
		}
	}
	return stressed && !others || numbers
}

func numbersBelow(rows [][]*html.Node, column int) bool {
	found := 0
	for _, row := range rows[1:] {
		switch text := htmlcheck.Text(row[column]); {
		case isNumber(text):
			found++
		case text != "":
			return false
		}
	}
	return found > 0
}

// isNumber recognizes numbers, amounts, dates and times.
func isNumber(text string) bool {
	digits, letters := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits > 0 && letters <= 3
}

func (p *plan) stressedRow(row []*html.Node) bool {
	ground := htmlcheck.Attr(row[0].Parent, "bgcolor") != "" || p.Style(row[0].Parent, "background-color") != "" || p.Style(row[0].Parent, "background") != ""
	for _, cell := range row {
		if htmlcheck.Text(cell) != "" && !ground && !p.stressed(cell) {
			return false
		}
	}
	return true
}

// stressed reports whether all text of a cell is bold, or the cell has a colour of its own.
func (p *plan) stressed(cell *html.Node) bool {
	if weight := p.Style(cell, "font-weight"); weight == "bold" || weight == "700" || weight == "bolder" {
		return true
	}
	if htmlcheck.Attr(cell, "bgcolor") != "" || p.Style(cell, "background-color") != "" || p.Style(cell, "background") != "" {
		return true
	}
	for n := cell; ; {
		var only *html.Node
		for kid := n.FirstChild; kid != nil; kid = kid.NextSibling {
			if !isContent(kid) {
				continue
			}
			if only != nil || kid.Type != html.ElementNode {
				return false
			}
			only = kid
		}
		if only == nil {
			return false
		}
		if only.Data == "b" || only.Data == "strong" {
			return true
		}
		n = only
	}
}
