package typeset

// column is what the cells of a column ask for.
type column struct {
	narrow, wide float64
	// fixed is a width that was asked for in points, share one in parts of the table.
	fixed, share float64
}

// gaps is the room that does not belong to columns.
func (l *layouter) gaps(b *box, columns int) float64 {
	s := b.style
	switch {
	case b.table.flexible:
		return s.Gap[1] * float64(max(columns-1, 0))
	case s.Collapse:
		return 0
	}
	return s.Spacing[0] * float64(columns+1)
}

// measureColumns measures the cells of a table; those that span columns share what they need among them.
func (l *layouter) measureColumns(t *table) []column {
	columns := make([]column, t.columns)
	for i, w := range t.widths {
		if i < len(columns) && !w.Auto {
			columns[i].fixed, columns[i].share = w.Points, w.Share
		}
	}
	var spanning []*cell
	for _, r := range t.rows {
		for _, c := range r.cells {
			if c.columns > 1 {
				spanning = append(spanning, c)
				continue
			}
			narrow, wide := l.measure(c.box)
			col := &columns[c.column]
			col.narrow, col.wide = max(col.narrow, narrow), max(col.wide, wide)
			if w := c.box.style.Width; !w.Auto {
				col.share = max(col.share, w.Share)
				if w.Share == 0 {
					col.fixed = max(col.fixed, wide)
				}
			}
		}
	}
	for _, c := range spanning {
		narrow, wide := l.measure(c.box)
		span := columns[c.column : c.column+c.columns]
		hasNarrow, hasWide := 0.0, 0.0
		for _, col := range span {
			hasNarrow, hasWide = hasNarrow+col.narrow, hasWide+col.wide
		}
		for i := range span {
			part := 1 / float64(len(span))
			if hasWide > 0 {
				part = span[i].wide / hasWide
			}
			span[i].narrow += max(narrow-hasNarrow, 0) * part
			span[i].wide += max(wide-hasWide, 0) * part
		}
	}
	for i := range columns {
		columns[i].wide = max(columns[i].wide, columns[i].narrow, columns[i].fixed)
	}
	return columns
}

// distribute gives the columns of a table the room there is (CSS 2.2, 17.5.2.2). Where not even the least widths fit,
// all columns are narrowed, and words are torn.
func distribute(columns []column, room float64) []float64 {
	widths := make([]float64, len(columns))
	narrow, wanted := 0.0, 0.0
	for i, c := range columns {
		want := c.wide
		if c.fixed > 0 {
			want = max(c.fixed, c.narrow)
		}
		if c.share > 0 {
			want = max(c.share*room, c.narrow)
		}
		widths[i] = want
		narrow, wanted = narrow+c.narrow, wanted+want
	}
	switch {
	case wanted <= room:
		grow(columns, widths, room-wanted)
	case narrow <= room:
		factor := (room - narrow) / max(wanted-narrow, 0.001)
		for i, c := range columns {
			widths[i] = c.narrow + (widths[i]-c.narrow)*factor
		}
	case narrow > 0:
		for i, c := range columns {
			widths[i] = room * c.narrow / narrow
		}
	}
	return widths
}

// grow spreads rest over the columns without a width of their own, or over all.
func grow(columns []column, widths []float64, rest float64) {
	free, total := 0.0, 0.0
	for i, c := range columns {
		total += widths[i]
		if c.fixed == 0 && c.share == 0 {
			free += widths[i]
		}
	}
	if total == 0 {
		for i := range widths {
			widths[i] += rest / float64(len(widths))
		}
		return
	}
	for i, c := range columns {
		switch {
		case free == 0:
			widths[i] += rest * widths[i] / total
		case c.fixed == 0 && c.share == 0:
			widths[i] += rest * widths[i] / free
		}
	}
}
