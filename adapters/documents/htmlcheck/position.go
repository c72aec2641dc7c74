package htmlcheck

import (
	"slices"
	"unicode/utf8"
)

// stride is how far the places lie apart at which characters are counted ahead: a page may be one long line, and then
// no finding should count it anew.
const stride = 1024

// Position turns an offset into line and column, which count from 1, in characters.
func (d *Document) Position(offset int) (line, column int) {
	i, found := slices.BinarySearch(d.lines, offset)
	if !found {
		i--
	}
	return i + 1, d.characters(offset) - d.characters(d.lines[i]) + 1
}

// characters counts those that begin before an offset.
func (d *Document) characters(offset int) int {
	if d.counted == nil {
		d.counted = make([]int, 1, len(d.Source)/stride+1)
		for at := stride; at <= len(d.Source); at += stride {
			d.counted = append(d.counted, d.counted[len(d.counted)-1]+starts(d.Source[at-stride:at]))
		}
	}
	return d.counted[offset/stride] + starts(d.Source[offset/stride*stride:offset])
}

func starts(part []byte) int {
	n := 0
	for _, c := range part {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}
