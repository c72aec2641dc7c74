package pagetext

import (
	"encoding/binary"
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdffont"
)

// unpackedRuns is how many runs of a document are kept as they are used. Those of other pages are packed: a document may
// have millions of runs, and is mostly looked at page by page.
const unpackedRuns = 1 << 16

// shelf keeps the runs of the pages of a document. Those of the pages that were asked for last are unpacked.
type shelf struct {
	open  []*Page // in the order in which they were unpacked
	runs  int     // of the open pages
	looks []look
	index map[look]uint64
}

// look is what runs share with many others.
type look struct {
	font               *pdffont.Font
	bold, italic, mono bool
	color              uint32
}

// packedRuns are the runs of a page in as few bytes as they fit in, without pointers for the garbage collector to follow.
type packedRuns struct {
	shelf *shelf
	count int
	data  []byte
	// text is that of all runs together.
	text string
}

// Runs is the text that a page shows. It must not be changed.
func (p *Page) Runs() []Run {
	if p.runs == nil && p.packed != nil {
		p.runs = p.packed.unpack()
		p.packed.shelf.keep(p)
	}
	return p.runs
}

// SetRuns sets what [Page.Runs] gives.
func (p *Page) SetRuns(runs []Run) { p.runs, p.packed = runs, nil }

// keep adds a page with unpacked runs, and packs those of the pages that were added first if there are too many.
func (s *shelf) keep(p *Page) {
	s.open = append(s.open, p)
	s.runs += len(p.runs)
	for s.runs > unpackedRuns && len(s.open) > 1 {
		first := s.open[0]
		s.open[0], s.open = nil, s.open[1:]
		s.runs -= len(first.runs)
		if first.packed == nil {
			first.packed = s.pack(first.runs)
		}
		first.runs = nil
	}
}

// What a packed run has beside its text, its look and its place in the order of painting.
const (
	packedInvisible = 1 << iota
	packedHidden
	packedArtifact
	// packedStream, packedMark and packedSplit have the rest of the place where that is not what most runs have.
	packedStream
	packedMark
	packedSplit
	// packedBaseline and packedSize have numbers that differ from those of the run before.
	packedBaseline
	packedSize
	packedAngle
	// packedBox has the lower and the upper side of a box that are not those of upright text.
	packedBox
)

func (s *shelf) pack(runs []Run) *packedRuns {
	out := &packedRuns{shelf: s, count: len(runs)}
	var b, text []byte
	var before Run
	for i := range runs {
		r := &runs[i]
		text = append(text, r.Text...)
		b = binary.AppendUvarint(b, uint64(len(r.Text)))
		b = binary.AppendUvarint(b, s.lookOf(r))
		b = binary.AppendVarint(b, int64(r.Place.Operation)-int64(before.Place.Operation))
		flags := r.flags(&before)
		b = binary.AppendUvarint(b, flags)
		if flags&packedStream != 0 {
			b = binary.AppendVarint(b, int64(r.Place.Stream))
		}
		if flags&packedMark != 0 {
			b = binary.AppendVarint(b, int64(r.Place.Mark))
			b = binary.AppendVarint(b, int64(r.Place.MarkStream))
		}
		if flags&packedSplit != 0 {
			for _, n := range [...]int{r.Place.From.Element, r.Place.From.Byte, r.Place.To.Element, r.Place.To.Byte} {
				b = binary.AppendVarint(b, int64(n))
			}
		}
		b = appendFloats(b, r.Box.Left, r.Box.Right)
		if flags&packedBaseline != 0 {
			b = appendFloats(b, r.Baseline)
		}
		if flags&packedSize != 0 {
			b = appendFloats(b, r.Size)
		}
		if flags&packedAngle != 0 {
			b = appendFloats(b, r.Angle)
		}
		if flags&packedBox != 0 {
			b = appendFloats(b, r.Box.Bottom, r.Box.Top)
		}
		before = *r
	}
	out.data, out.text = exact(b), string(text)
	return out
}

// flags tells what is written of a run that comes after another.
func (r *Run) flags(before *Run) uint64 {
	flags := uint64(0)
	bottom, top := uprightBox(r.Baseline, r.Size)
	for _, f := range [...]struct {
		flag uint64
		set  bool
	}{
		{packedInvisible, r.Invisible},
		{packedHidden, r.Hidden},
		{packedArtifact, r.Place.Artifact},
		{packedStream, r.Place.Stream != 0},
		{packedMark, r.Place.Mark != -1 || r.Place.MarkStream != 0},
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

func (p *packedRuns) unpack() []Run {
	out := make([]Run, p.count)
	u := unpacker{p.data}
	text := p.text
	var before Run
	for i := range out {
		r := &out[i]
		n := u.unsigned()
		r.Text, text = text[:n], text[n:]
		l := &p.shelf.looks[u.unsigned()]
		r.Font, r.Bold, r.Italic, r.Mono, r.Color = l.font, l.bold, l.italic, l.mono, l.color
		r.Place = Place{Operation: before.Place.Operation + u.signed(), Mark: -1}
		flags := u.unsigned()
		r.Invisible, r.Hidden = flags&packedInvisible != 0, flags&packedHidden != 0
		r.Place.Artifact = flags&packedArtifact != 0
		if flags&packedStream != 0 {
			r.Place.Stream = u.signed()
		}
		if flags&packedMark != 0 {
			r.Place.Mark, r.Place.MarkStream = u.signed(), u.signed()
		}
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

func appendFloats(b []byte, values ...float64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// unpacker reads what [shelf.pack] wrote.
type unpacker struct{ data []byte }

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
