package structure

import (
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// element is one step of the order of reading of a page: a line or an object.
type element struct {
	line   *line
	object *block
}

// span is an interval from left to right.
type span struct{ from, to float64 }

const (
	// minGutter is the least width of the gap between columns, in ems; a narrow one of a newspaper is 0.8.
	minGutter = 0.7
	// maxColumnDepth is how deep columns are looked for in columns.
	maxColumnDepth = 4
	// maxGutters is how many gaps of one row are followed.
	maxGutters = 40
)

// band are rows that follow each other and leave the same gaps free.
type band struct {
	rows []*row
	free []span
}

// flow puts rows into the order of reading.
func (d *document) flow(s *sheet, rows []*row, depth int) []element {
	if len(rows) == 0 {
		return nil
	}
	col := &column{}
	var out []element
	var plain []*row
	flush := func() {
		for _, r := range d.alignedTables(s, plain) {
			if r.object != nil {
				out = append(out, element{object: r.object})
				continue
			}
			l := newLine(r.pieces)
			l.column, l.bullet = col, s.bulletOf(l)
			out = append(out, element{line: l})
		}
		plain = nil
	}
	for _, b := range s.bands(rows) {
		var parts []columns
		if depth < maxColumnDepth {
			parts = s.columnsOf(b)
		} else {
			parts = []columns{{rows: b.rows}}
		}
		for _, part := range parts {
			if len(part.gutters) > 0 {
				n := part.lead(plain)
				plain, part.rows = append(plain, part.rows[:n]...), part.rows[n:]
				n = part.heads(plain)
				plain, part.rows = plain[:n:n], slices.Concat(plain[n:], part.rows)
			}
			if len(part.gutters) == 0 {
				plain = append(plain, part.rows...)
				continue
			}
			flush()
			for _, rows := range divide(part.rows, part.gutters) {
				out = append(out, d.flow(s, rows, depth+1)...)
			}
		}
	}
	flush()
	col.measure(out)
	col.margins(out)
	return out
}

// extent gives the area of rows and the least width of gaps between columns in it.
func extent(rows []*row) (area pagetext.Rect, least float64) {
	area = rows[0].box
	size := 0.0
	for _, r := range rows {
		area = area.Union(r.box)
		for _, p := range r.pieces {
			size = max(size, min(p.size, 12))
		}
	}
	return area, minGutter * max(size, 6)
}

// commonGaps gives the gaps that all rows leave free.
func commonGaps(rows []*row) []span {
	area, least := extent(rows)
	free := []span{{area.Left, area.Right}}
	for _, r := range rows {
		free = meet(free, r.free(area), least)
	}
	return free
}

// bands parts rows where the gaps that they leave free change.
func (s *sheet) bands(rows []*row) []band {
	area, least := extent(rows)
	var out []band
	current := band{free: []span{{area.Left, area.Right}}}
	for _, r := range rows {
		free := meet(current.free, r.free(area), least)
		if len(free) == 0 && len(current.rows) > 0 {
			out = append(out, current)
			current = band{free: []span{{area.Left, area.Right}}}
			free = meet(current.free, r.free(area), least)
		}
		current.rows, current.free = append(current.rows, r), free
		if len(free) == 0 {
			out = append(out, current)
			current = band{free: []span{{area.Left, area.Right}}}
		}
	}
	if len(current.rows) > 0 {
		out = append(out, current)
	}
	return out
}

// free gives the gaps of a row within an area.
func (r *row) free(area pagetext.Rect) []span {
	if r.object != nil {
		return []span{{area.Left, r.box.Left}, {r.box.Right, area.Right}}
	}
	var out []span
	at := area.Left
	for _, p := range r.pieces {
		if p.box.Left > at && len(out) < maxGutters {
			out = append(out, span{at, p.box.Left})
		}
		at = max(at, p.box.Right)
	}
	return append(out, span{at, area.Right})
}

// meet gives what two ordered lists of spans share, as far as it is wide enough.
func meet(a, b []span, least float64) []span {
	var out []span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.to-s.from >= least {
			out = append(out, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}
