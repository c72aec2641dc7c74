package pagetext

import (
	"encoding/binary"
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// openMarks is how many runs and shapes of a document are kept as they are used. Those of other pages are packed: a document
// may have millions, and is mostly looked at page by page.
const openMarks = 1 << 14

// shelf keeps the runs and shapes of the pages of a document. Those of the pages that were asked for last are unpacked.
type shelf struct {
	open  []*Page // in the order in which they were unpacked
	marks int     // of the open pages
	looks []look
	index map[look]uint64
}

// look is what runs share with many others.
type look struct {
	font               *pdffont.Font
	bold, italic, mono bool
	color              uint32
}

// packed are the runs and shapes of a page in few bytes, without pointers for the garbage collector to follow.
type packed struct {
	shelf        *shelf
	runs, shapes int
	data         []byte
	// text is that of all runs together.
	text string
}

// Runs is the text that a page shows. It must not be changed.
func (p *Page) Runs() []Run {
	if p.packed != nil {
		p.unpack()
	}
	return p.runs
}

// Shapes are all painted paths and shadings, of which drawings consist; those of rules and fills as well. They must not be
// changed.
func (p *Page) Shapes() []Shape {
	if p.packed != nil {
		p.unpack()
	}
	return p.shapes
}

// SetRuns sets what [Page.Runs] gives, for a page that is made and not read.
func (p *Page) SetRuns(runs []Run) { p.runs = runs }

// SetShapes sets what [Page.Shapes] gives, for a page that is made and not read.
func (p *Page) SetShapes(shapes []Shape) { p.shapes = shapes }

func (p *Page) unpack() {
	if p.runs != nil || p.shapes != nil {
		return
	}
	u := unpacker{p.packed.data}
	p.runs, p.shapes = u.runs(p.packed), u.shapes(p.packed.shapes)
	p.packed.shelf.keep(p)
}

// keep adds a page that is not packed, and packs those that were added first if there is too much on the open ones.
func (s *shelf) keep(p *Page) {
	s.open = append(s.open, p)
	s.marks += len(p.runs) + len(p.shapes)
	for s.marks > openMarks && len(s.open) > 1 {
		first := s.open[0]
		s.open[0], s.open = nil, s.open[1:]
		marks := len(first.runs) + len(first.shapes)
		if s.marks -= marks; marks > 0 && first.packed == nil {
			first.packed = s.pack(first)
		}
		first.runs, first.shapes = nil, nil
	}
}

func (s *shelf) pack(p *Page) *packed {
	out := &packed{shelf: s, runs: len(p.runs), shapes: len(p.shapes)}
	var pk packer
	pk.runs(s, p.runs)
	pk.shapes(p.shapes)
	out.data, out.text = exact(pk.data), string(pk.text)
	return out
}

// packer writes what a page shows.
type packer struct{ data, text []byte }

// What the place of a run or a shape has beside the number of its operation, which are flags of the run or the shape.
const (
	packedArtifact = 1 << iota
	packedStream
	packedMark
	packedPlace
)

// What a packed run has beside its place, its text and its look.
const (
	packedInvisible = packedPlace << iota
	packedHidden
	// packedSplit has the part of the operation.
	packedSplit
	// packedBaseline and packedSize have numbers that differ from those of the run before.
	packedBaseline
	packedSize
	packedAngle
	// packedBox has the lower and the upper side of a box that are not those of upright text.
	packedBox
)

// What a packed shape is.
const (
	packedFilled = packedPlace << iota
	packedPlain
)

func (pk *packer) runs(s *shelf, runs []Run) {
	var before Run
	for i := range runs {
		r := &runs[i]
		flags := r.flags(&before)
		pk.place(&r.Place, &before.Place, flags)
		pk.text = append(pk.text, r.Text...)
		pk.unsigned(uint64(len(r.Text)))
		pk.unsigned(s.lookOf(r))
		if flags&packedSplit != 0 {
			pk.signed(r.Place.From.Element, r.Place.From.Byte, r.Place.To.Element, r.Place.To.Byte)
		}
		pk.floats(r.Box.Left, r.Box.Right)
		if flags&packedBaseline != 0 {
			pk.floats(r.Baseline)
		}
		if flags&packedSize != 0 {
			pk.floats(r.Size)
		}
		if flags&packedAngle != 0 {
			pk.floats(r.Angle)
		}
		if flags&packedBox != 0 {
			pk.floats(r.Box.Bottom, r.Box.Top)
		}
		before = *r
	}
}

func (pk *packer) shapes(shapes []Shape) {
	var before Place
	for i := range shapes {
		s := &shapes[i]
		flags := s.Place.flags()
		if s.Filled {
			flags |= packedFilled
		}
		if s.Plain {
			flags |= packedPlain
		}
		pk.place(&s.Place, &before, flags)
		pk.floats(s.Box.Left, s.Box.Bottom, s.Box.Right, s.Box.Top)
		before = s.Place
	}
}

// place writes flags and a place; the part of the operation is left to the caller.
func (pk *packer) place(p, before *Place, flags uint64) {
	pk.unsigned(flags)
	pk.signed(p.Operation - before.Operation)
	if flags&packedStream != 0 {
		pk.signed(p.Stream)
	}
	if flags&packedMark != 0 {
		pk.signed(p.Mark, p.MarkStream)
	}
}

func (p *Place) flags() uint64 {
	flags := uint64(0)
	if p.Artifact {
		flags |= packedArtifact
	}
	if p.Stream != 0 {
		flags |= packedStream
	}
	if p.Mark != -1 || p.MarkStream != 0 {
		flags |= packedMark
	}
	return flags
}

func (pk *packer) unsigned(v uint64) { pk.data = binary.AppendUvarint(pk.data, v) }

func (pk *packer) signed(values ...int) {
	for _, v := range values {
		pk.data = binary.AppendVarint(pk.data, int64(v))
	}
}

func (pk *packer) floats(values ...float64) {
	for _, v := range values {
		pk.data = binary.LittleEndian.AppendUint64(pk.data, math.Float64bits(v))
	}
}

// flags tells what is written of a run that comes after another.
func (r *Run) flags(before *Run) uint64 {
	flags := r.Place.flags()
	bottom, top := uprightBox(r.Baseline, r.Size)
	for _, f := range [...]struct {
		flag uint64
		set  bool
	}{
		{packedInvisible, r.Invisible},
		{packedHidden, r.Hidden},
		{packedSplit, r.Place.From != Split{} || r.Place.To != Split{}},
		{packedBaseline, !same(r.Baseline, before.Baseline)},
		{packedSize, !same(r.Size, before.Size)},
		{packedAngle, !same(r.Angle, 0)},
		{packedBox, !same(r.Box.Bottom, bottom) || !same(r.Box.Top, top)},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	return flags
}

// same tells whether two numbers have the same bits.
func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// uprightBox gives the lower and the upper side of ordinary text, as [line.measure] does.
func uprightBox(baseline, size float64) (bottom, top float64) {
	return baseline + -descent*size, baseline + ascent*size
}

func (s *shelf) lookOf(r *Run) uint64 {
	l := look{font: r.Font, bold: r.Bold, italic: r.Italic, mono: r.Mono, color: r.Color}
	i, known := s.index[l]
	if !known {
		i = uint64(len(s.looks))
		s.looks = append(s.looks, l)
		if s.index == nil {
			s.index = map[look]uint64{}
		}
		s.index[l] = i
	}
	return i
}

// unpacker reads what a packer wrote.
type unpacker struct{ data []byte }

func (u *unpacker) runs(p *packed) []Run {
	if p.runs == 0 {
		return nil
	}
	out := make([]Run, p.runs)
	text := p.text
	var before Run
	for i := range out {
		r := &out[i]
		var flags uint64
		r.Place, flags = u.place(&before.Place)
		n := u.unsigned()
		r.Text, text = text[:n], text[n:]
		l := &p.shelf.looks[u.unsigned()]
		r.Font, r.Bold, r.Italic, r.Mono, r.Color = l.font, l.bold, l.italic, l.mono, l.color
		r.Invisible, r.Hidden = flags&packedInvisible != 0, flags&packedHidden != 0
		if flags&packedSplit != 0 {
			r.Place.From = Split{u.signed(), u.signed()}
			r.Place.To = Split{u.signed(), u.signed()}
		}
		r.Box.Left, r.Box.Right = u.float(), u.float()
		r.Baseline, r.Size = before.Baseline, before.Size
		if flags&packedBaseline != 0 {
			r.Baseline = u.float()
		}
		if flags&packedSize != 0 {
			r.Size = u.float()
		}
		if flags&packedAngle != 0 {
			r.Angle = u.float()
		}
		if flags&packedBox != 0 {
			r.Box.Bottom, r.Box.Top = u.float(), u.float()
		} else {
			r.Box.Bottom, r.Box.Top = uprightBox(r.Baseline, r.Size)
		}
		before = *r
	}
	return out
}

func (u *unpacker) shapes(n int) []Shape {
	if n == 0 {
		return nil
	}
	out := make([]Shape, n)
	var before Place
	for i := range out {
		s := &out[i]
		var flags uint64
		s.Place, flags = u.place(&before)
		s.Filled, s.Plain = flags&packedFilled != 0, flags&packedPlain != 0
		s.Box = Rect{Left: u.float(), Bottom: u.float(), Right: u.float(), Top: u.float()}
		before = s.Place
	}
	return out
}

func (u *unpacker) place(before *Place) (Place, uint64) {
	flags := u.unsigned()
	p := Place{Operation: before.Operation + u.signed(), Mark: -1, Artifact: flags&packedArtifact != 0}
	if flags&packedStream != 0 {
		p.Stream = u.signed()
	}
	if flags&packedMark != 0 {
		p.Mark, p.MarkStream = u.signed(), u.signed()
	}
	return p, flags
}

func (u *unpacker) unsigned() uint64 {
	v, n := binary.Uvarint(u.data)
	u.data = u.data[n:]
	return v
}

func (u *unpacker) signed() int {
	v, n := binary.Varint(u.data)
	u.data = u.data[n:]
	return int(v)
}

func (u *unpacker) float() float64 {
	v := math.Float64frombits(binary.LittleEndian.Uint64(u.data))
	u.data = u.data[8:]
	return v
}
