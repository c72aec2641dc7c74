package structure

// rowText is the folded text of a row, by which it is known again.
func rowText(r *row) string { return fold(joinPieces(r.pieces)) }

// continueTables lays pages out anew on which a row stands that begins a table on another page: too few rows may be left
// of a table to be known as one by themselves.
func (d *document) continueTables(flows [][]element) {
	d.heads = map[string]bool{}
	for _, flow := range flows {
		for _, e := range flow {
			if e.object == nil || e.object.grid == nil {
				continue
			}
			var pieces []*piece
			for c, one := range e.object.grid.cells[0] {
				if one.column == c {
					pieces = append(pieces, one.pieces...)
				}
			}
			const least = 4 // letters of a head that is known again
			if text := fold(joinPieces(pieces)); len(text) >= least && len(pieces) > 1 {
				d.heads[text] = true
			}
		}
	}
	if len(d.heads) == 0 {
		return
	}
	for i, flow := range flows {
		for _, e := range flow {
			if e.line != nil && len(e.line.pieces) > 1 && d.heads[fold(e.line.text)] {
				flows[i] = d.flow(d.sheets[i], d.sheets[i].rows, 0)
				break
			}
		}
	}
}
