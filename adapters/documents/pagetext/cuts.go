package pagetext

import (
	"cmp"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// How far, in ems, a side of a link may be from the place where a string is divided for it. Areas of links are not exact,
// and nearly all links consist of whole words.
const (
	nearWord   = 0.25
	insideWord = 0.1
)

// text shows a string, the element of an operation, and divides the line where links begin and end in it.
func (l *line) text(element int, s string) {
	at := 0
	for _, cut := range l.cuts(s) {
		l.string(s[at:cut])
		l.divide(Split{element, cut})
		at = cut
	}
	l.string(s[at:])
}

// cut is the place in a string that is nearest to a side of a link.
type cut struct {
	at   int
	cost float64
}

// cuts gives the places inside of a string, in order, where links begin or end.
func (l *line) cuts(s string) []int {
	if len(l.edges) == 0 || l.table.vertical || len(s) < 2 {
		return nil
	}
	in, t := l.in, &l.in.state.text
	m := in.textMatrix.mul(in.state.ctm)
	if m.a <= 0 || m.b != 0 || t.size*t.scale <= 0 {
		return nil
	}
	em := t.size * l.table.em * m.a
	nearest := make([]cut, len(l.edges))
	for i := range nearest {
		nearest[i].cost = math.Inf(1)
	}
	x, _ := in.position()
	before, end := glyph{space: true}, x // the glyph before, and where it ends without what is added to it
	consider := func(at int, g glyph) {
		whole := !joinsWord(before) || !joinsWord(g)
		for k, e := range l.edges {
			edge := end
			if e.begins {
				edge = x
			}
			off := math.Abs(edge - e.x)
			switch {
			case e.begins && g.space, !e.begins && before.space:
				continue
			case whole && off > max(linkMargin, nearWord*em), !whole && off > insideWord*em:
				continue
			case !whole:
				off += nearWord * em
			}
			if off < nearest[k].cost {
				nearest[k] = cut{at, off}
			}
		}
	}
	for i := 0; i < len(s); {
		code, size := l.table.code(s[i:])
		if size == 0 {
			return nil
		}
		g := l.table.glyph(code)
		consider(i, g)
		extra := t.charSpace
		if size == 1 && s[i] == ' ' {
			extra += t.wordGap
		}
		end = x + g.width*l.table.unit*t.size*t.scale*m.a
		x = end + extra*t.scale*m.a
		before = g
		i += size
	}
	consider(len(s), glyph{space: true})
	return inside(nearest, len(s))
}

// inside gives the cuts that are not at an end of the string, in order.
func inside(cuts []cut, length int) []int {
	slices.SortFunc(cuts, func(a, b cut) int { return cmp.Compare(a.at, b.at) })
	var out []int
	for _, c := range cuts {
		if c.at > 0 && c.at < length && (len(out) == 0 || out[len(out)-1] != c.at) {
			out = append(out, c.at)
		}
	}
	return out
}

// joinsWord tells whether a glyph may be inside of a word.
func joinsWord(g glyph) bool {
	r, size := utf8.DecodeLastRuneInString(g.text)
	return size > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && !unicode.Is(unicode.Han, r)
}
