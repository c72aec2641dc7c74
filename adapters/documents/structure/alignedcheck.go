package structure

import (
	"slices"
	"strings"
)

// keyed tells whether few rows of two columns have a bold head, or figures in a column.
func keyed(rows []*row, xs []float64) bool {
	bold := true
	for _, p := range rows[0].pieces {
		bold = bold && p.style.bold
	}
	figures := [2]int{}
	for _, r := range rows {
		for _, p := range r.pieces {
			if isFigure(p.text) {
				figures[slot(xs, p.box.Left+1.5)]++
			}
		}
	}
	return bold || max(figures[0], figures[1]) >= len(rows)-1
}

// isNamed tells whether rows of two columns have bold names on the left and something else on the right.
func isNamed(rows []*row, xs []float64) bool {
	for _, r := range rows {
		for _, p := range r.pieces {
			if p.style.bold != (slot(xs, p.box.Left+1.5) == 0) {
				return false
			}
		}
	}
	return len(rows) > 1
}

// isNumbered tells whether the first of two columns counts the rows, as the numbers of lines do.
func isNumbered(rows []textRow, xs []float64) bool {
	const least = 4
	if len(xs) != 3 {
		return false
	}
	counted, before := 0, 0
	for _, r := range rows {
		p := r.pieces[0]
		for _, other := range r.pieces {
			if other.box.Left < p.box.Left {
				p = other
			}
		}
		if slot(xs, p.box.Left+1.5) != 0 || !isDigits(p.text) {
			continue
		}
		if v := atoi(p.text); v == before+1 {
			counted++
		}
		before = atoi(p.text)
	}
	return counted >= least && counted*10 >= 7*len(rows)
}

// isListed tells whether the first of two columns holds the labels of list items and nothing else.
func isListed(rows []*row, xs []float64) bool {
	if len(xs) != 3 {
		return false
	}
	labels, all := 0, 0
	for _, r := range rows {
		for _, p := range r.pieces {
			if slot(xs, p.box.Left+1.5) == 0 {
				all++
				if _, ok := readLabel(p.text); ok {
					labels++
				}
			}
		}
	}
	return labels*10 >= 8*all
}

// areEntries tells whether most rows are entries of a table of contents.
func areEntries(rows []*row, right float64) bool {
	entries, falls, before := 0, 0, 0
	for _, r := range rows {
		if len(r.pieces) > 3 || !endsEntry(newLine(r.pieces), right) {
			continue
		}
		entries++
		text := r.pieces[len(r.pieces)-1].text
		v := readPageNumber(strings.TrimLeft(text[strings.LastIndexByte(text, ' ')+1:], ".")).value
		if v < before {
			falls++
		}
		before = v
	}
	return entries >= leastEntries && entries*2 > len(rows) && falls*5 <= entries
}

// isContents tells whether the last column holds the page numbers of a table of contents.
func isContents(rows []*row, xs []float64) bool {
	last, rising, all, before := len(xs)-2, 0, 0, 0
	for _, r := range rows {
		p := r.pieces[len(r.pieces)-1]
		if slot(xs, p.box.Right-1.5) != last || len(r.pieces) < 2 {
			continue
		}
		all++
		if v := readPageNumber(p.text).value; v > 0 && v >= before {
			rising++
			before = v
		}
	}
	const least = 4
	return all >= least && rising*10 >= 9*all && len(xs) <= 4
}

// aligned tells whether the cells of each column start, end or have their middles at one place.
func aligned(rows []*row, xs []float64) bool {
	columns := len(xs) - 1
	lefts, rights, middles := make([][]float64, columns), make([][]float64, columns), make([][]float64, columns)
	size := rows[0].pieces[0].size
	for _, r := range rows {
		for _, p := range r.pieces {
			if c := slot(xs, p.box.Left+1.5); c == slot(xs, p.box.Right-1.5) {
				lefts[c] = append(lefts[c], p.box.Left)
				rights[c] = append(rights[c], p.box.Right)
				middles[c] = append(middles[c], (p.box.Left+p.box.Right)/2)
			}
		}
	}
	for c := range columns {
		n := len(lefts[c])
		if n < 2 {
			if c > 0 {
				return false
			}
			continue
		}
		best := max(agreeing(lefts[c], sameEdge*size), agreeing(rights[c], sameEdge*size), agreeing(middles[c], sameEdge*size))
		if best*10 < 7*n {
			return false
		}
	}
	return true
}

// agreeing is how many values are near to each other at the most.
func agreeing(values []float64, tolerance float64) int {
	slices.Sort(values)
	best, from := 0, 0
	for i := range values {
		for values[i]-values[from] > 2*tolerance {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}
