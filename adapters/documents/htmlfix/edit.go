package htmlfix

import (
	"bytes"
	"cmp"
	"slices"
)

// edit replaces the bytes from start to end of a source by a text.
type edit struct {
	start, end int
	text       string
	// partner is the other end of a wrapping, by which edits at the same place are nested: -1 for none.
	partner int
	// whole is set if the text is an element with its content, not only a tag around what is there.
	whole bool
	// first puts the edit before all others at its place.
	first bool
}

// sortEdits puts edits in order. At one place what closes stands before what opens, the inner before the outer when
// closing and the outer before the inner when opening.
func sortEdits(edits []edit) {
	rank := func(e edit) int {
		switch {
		case e.first:
			return -1
		case e.partner >= 0 && e.partner < e.start:
			return 0
		case e.partner < 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(rank(a), rank(b)), cmp.Compare(b.partner, a.partner))
	})
}

// overlap reports whether two of the edits, in order, touch the same bytes.
func overlap(edits []edit) bool {
	for i := 1; i < len(edits); i++ {
		if edits[i].start < edits[i-1].end {
			return true
		}
	}
	return false
}

// applied is a source after edits, with the way back.
type applied struct {
	source []byte
	edits  []edit
	// at are the places of the edits' texts in the new source.
	at []int
}

// apply makes the edits, which must be in order.
func apply(source []byte, edits []edit) applied {
	var out bytes.Buffer
	out.Grow(len(source) + 32*len(edits))
	a := applied{edits: edits, at: make([]int, len(edits))}
	from := 0
	for i, e := range edits {
		out.Write(source[from:e.start])
		a.at[i] = out.Len()
		out.WriteString(e.text)
		from = e.end
	}
	out.Write(source[from:])
	a.source = out.Bytes()
	return a
}

// before returns the offset in the old source that an offset in the new one had, and the edit whose text it lies in, -1
// if it was there before.
func (a applied) before(offset int) (at, inside int) {
	i, found := slices.BinarySearch(a.at, offset)
	for found && i+1 < len(a.at) && a.at[i+1] == offset { // of edits without a text, the last counts
		i++
	}
	if !found {
		i--
	}
	if i < 0 {
		return offset, -1
	}
	e := a.edits[i]
	if offset < a.at[i]+len(e.text) {
		return e.start, i
	}
	return e.end + offset - a.at[i] - len(e.text), -1
}
