package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// strip is the document laid out, one endless page: y grows downwards from 0, x from the left margin.
type strip struct {
	items []item
	decos []deco
	// atoms must not be cut, keeps should not, forced are where a page must end.
	atoms, keeps []extent
	forced       []float64
	repeats      []repeat
	// targets are the places that anchors name, bookmarks the entries of the outline in their order.
	targets   []*target
	bookmarks []*bookmark
	height    float64
}

// target is a place that an anchor names.
type target struct {
	name string
	at   destination
}

// extent is a range of heights.
type extent struct{ top, bottom float64 }

// item is something of the document: text or a picture.
type item struct {
	// y is the baseline of text and the top of a picture.
	x, y        float64
	top, bottom float64
	width       float64
	slot        *slot
	link        *link
	text        *textRun
	picture     *picture
	height      float64
}

// textRun is glyphs of one font and size, as the operand of TJ with what goes around it.
type textRun struct {
	font *fontUse
	// style gives size and colour.
	style *style.Style
	// show is the operator with its operand.
	show []byte
	// actual is the text where the codes do not tell it.
	actual string
}

// deco is a rectangle that only adorns: a background with borders, or a rule.
type deco struct {
	x, top, width, bottom float64
	fill                  style.Color
	border                [4]style.Edge
	bordered              bool
}

// repeat is the head of a table that is shown again on each page that the table goes on.
type repeat struct {
	body         extent
	top, bottom  float64
	items, decos [2]int
}

// point is how far a strip has come.
type point struct {
	items, decos, atoms, keeps, forced, repeats, bookmarks, targets int
}

func (s *strip) point() point {
	return point{
		len(s.items), len(s.decos), len(s.atoms), len(s.keeps), len(s.forced), len(s.repeats), len(s.bookmarks),
		len(s.targets),
	}
}

// move shifts what came between two points.
func (s *strip) move(from, to point, dx, dy float64) {
	for i := range s.items[from.items:to.items] {
		it := &s.items[from.items+i]
		it.x, it.y, it.top, it.bottom = it.x+dx, it.y+dy, it.top+dy, it.bottom+dy
	}
	for i := range s.decos[from.decos:to.decos] {
		d := &s.decos[from.decos+i]
		d.x, d.top, d.bottom = d.x+dx, d.top+dy, d.bottom+dy
	}
	for _, list := range [][]extent{s.atoms[from.atoms:to.atoms], s.keeps[from.keeps:to.keeps]} {
		for i := range list {
			list[i].top, list[i].bottom = list[i].top+dy, list[i].bottom+dy
		}
	}
	for i := range s.forced[from.forced:to.forced] {
		s.forced[from.forced+i] += dy
	}
	for i := range s.repeats[from.repeats:to.repeats] {
		r := &s.repeats[from.repeats+i]
		r.body.top, r.body.bottom, r.top, r.bottom = r.body.top+dy, r.body.bottom+dy, r.top+dy, r.bottom+dy
	}
	for _, b := range s.bookmarks[from.bookmarks:to.bookmarks] {
		b.at.x, b.at.y = b.at.x+dx, b.at.y+dy
	}
	for _, t := range s.targets[from.targets:to.targets] {
		t.at.x, t.at.y = t.at.x+dx, t.at.y+dy
	}
}

// showText writes codes and the distances between them as operand of TJ.
type showText struct {
	out    []byte
	inside bool // of a hexadecimal string
	rise   float64
	open   bool
}

const hexDigits = "0123456789ABCDEF"

func (t *showText) code(c uint16) {
	t.begin()
	if !t.inside {
		t.out = append(t.out, '<')
		t.inside = true
	}
	t.out = append(t.out, hexDigits[c>>12], hexDigits[c>>8&15], hexDigits[c>>4&15], hexDigits[c&15])
}

func (t *showText) begin() {
	if !t.open {
		t.out = append(t.out, '[')
		t.open = true
	}
}

// gap moves the next glyph to the right, in thousandths of an em.
func (t *showText) gap(v float64) {
	if v > -0.5 && v < 0.5 {
		return
	}
	t.begin()
	t.endString()
	t.out = pdf.AppendObject(t.out, whole(-v))
}

func (t *showText) endString() {
	if t.inside {
		t.out = append(t.out, '>')
		t.inside = false
	}
}

// lift sets the rise of what follows, in points.
func (t *showText) lift(rise float64) {
	if rise == t.rise {
		return
	}
	t.end()
	t.rise = rise
	t.out = append(pdf.AppendObject(t.out, hundredth(rise)), " Ts "...)
}

func (t *showText) end() {
	if t.open {
		t.endString()
		t.out = append(t.out, "]TJ "...)
		t.open = false
	}
}
