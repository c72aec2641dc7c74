package typeset

import (
	"slices"
	"unicode"

	"github.com/go-text/typesetting/language"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// Characters with a meaning in paragraphs.
const (
	objectMark = '\ufffc' // stands for a box in the line
	softHyphen = '\u00ad'
)

// paragraph is text with boxes in it, set in lines.
type paragraph struct {
	style *style.Style
	text  []rune
	spans []span
	// floats are taken out of the text and stand beside it.
	floats []*box

	// What shaping gives: glyphs by clusters in logical order, the advance of each character in points, where lines may
	// break before a character, and the levels of the bidirectional algorithm (nil if all text runs to the right).
	shaped   bool
	glyphs   []glyph
	starts   []int32 // of the glyphs of each character's cluster, -1 where no cluster begins
	advances []float32
	breaks   []bool
	levels   []uint8
}

// span is a stretch of text with the same style and the same place in the structure.
type span struct {
	end   int
	style *style.Style
	slot  *slot
	link  *link
	// object is the box that an objectMark stands for; gap is a distance in its place.
	object *box
	gap    float64
	// fill is the style of the inline element around whose background is painted, nil if there is none.
	fill   *style.Style
	anchor string
}

// link is a hyperlink: out of the document, or to an anchor.
type link struct {
	url, anchor string
	text        string
	element     *element
	// silent tells that nothing in the link says where it leads, or nothing has yet.
	silent bool
}

// maxParagraph bounds the characters of one paragraph, since it is shaped as a whole; longer ones are cut.
const maxParagraph = 100_000

func (p *paragraph) last() *span {
	if len(p.spans) == 0 {
		return nil
	}
	return &p.spans[len(p.spans)-1]
}

// add appends characters; they join the last span if nothing is different.
func (p *paragraph) add(text []rune, s span) {
	p.text = append(p.text, text...)
	if l := p.last(); l != nil && l.style == s.style && l.slot == s.slot && l.link == s.link && l.object == nil && s.object == nil &&
		l.gap == 0 && s.gap == 0 && l.fill == s.fill && s.anchor == "" {
		l.end = len(p.text)
		return
	}
	s.end = len(p.text)
	p.spans = append(p.spans, s)
}

// empty tells whether there is nothing to be seen.
func (p *paragraph) empty() bool { return len(p.text) == 0 && len(p.floats) == 0 }

// spanAt gives the number of the span of a character.
func (p *paragraph) spanAt(i int) int {
	n, _ := slices.BinarySearchFunc(p.spans, i, func(s span, i int) int {
		if s.end <= i {
			return -1
		}
		return 1
	})
	return n
}

// shape finds glyphs, advances and line breaks, once.
func (p *paragraph) shape(l *layouter) {
	if p.shaped {
		return
	}
	p.shaped = true
	n := len(p.text)
	p.starts = make([]int32, n)
	for i := range p.starts {
		p.starts[i] = -1
	}
	p.advances = make([]float32, n)
	p.findLevels()
	p.findBreaks(&l.segments)
	start := 0
	for i := range p.spans {
		s := &p.spans[i]
		if s.object == nil && s.gap == 0 {
			p.shapeSpan(l.fonts, start, s)
		} else if s.object == nil {
			p.advances[start] = float32(s.gap)
		}
		start = s.end
	}
}

// shapeSpan shapes the words of a span: stretches without spaces, of one face, script and direction.
func (p *paragraph) shapeSpan(f *fonts, start int, s *span) {
	size := float32(s.style.Size)
	for i := start; i < s.end; {
		r := p.text[i]
		if r == '\n' || r == '\u200b' || r == '\u2060' || r == '\u2028' || r == '\u2029' {
			i++
			continue
		}
		face := f.face(s.style, r)
		if face == nil {
			p.shapeMissing(f, i, size)
			i++
			continue
		}
		end := i + 1
		if r != ' ' {
			end = p.wordEnd(f, i, s, face)
		}
		p.place(f, i, end, face, s)
		i = end
	}
}

// wordEnd finds where a word that begins at a character ends.
func (p *paragraph) wordEnd(f *fonts, start int, s *span, face *embedfont.Face) int {
	script := language.LookupScript(p.text[start])
	for i := start + 1; i < s.end; i++ {
		r := p.text[i]
		if r == ' ' || r == '\n' || r == softHyphen || p.text[i-1] == softHyphen || r == '\u200b' || p.level(i) != p.level(start) {
			return i
		}
		mark := unicode.Is(unicode.M, r) || r == '\u200d' || r == '\u200c'
		if !mark && f.face(s.style, r) != face {
			return i
		}
		if mark {
			if _, ok := face.Glyph(r); !ok && f.face(s.style, r) == nil {
				return i
			}
		}
		if r >= 0x80 {
			switch own := language.LookupScript(r); {
			case own == script || own == language.Common || own == language.Inherited:
			case script == language.Common || script == language.Inherited:
				script = own
			default:
				return i
			}
		}
	}
	return s.end
}

func (p *paragraph) level(i int) uint8 {
	if p.levels == nil {
		return 0
	}
	return p.levels[i]
}

// place shapes a word and enters its glyphs.
func (p *paragraph) place(f *fonts, start, end int, face *embedfont.Face, s *span) {
	if p.text[start] == softHyphen && end == start+1 {
		return // it shows only where a line ends at it
	}
	rightToLeft := p.level(start)%2 == 1
	shaped := f.word(face, p.text[start:end], rightToLeft)
	scale := float32(s.style.Size) / emSize
	count := len(shaped)
	for k := range shaped {
		g := shaped[k]
		if rightToLeft {
			g = shaped[count-1-k]
		}
		g.first += int32(start) //nolint:gosec // within a paragraph
		at := int(g.first)
		if at >= end {
			continue
		}
		if p.starts[at] < 0 {
			p.starts[at] = int32(len(p.glyphs)) //nolint:gosec // within a paragraph
			p.advances[at] += float32(s.style.LetterSpacing)
		}
		p.advances[at] += g.advance * scale
		p.glyphs = append(p.glyphs, g)
	}
}

// shapeMissing enters a box for a sign that no font has.
func (p *paragraph) shapeMissing(f *fonts, i int, size float32) {
	face, id, ok := f.box(p.text[i])
	if !ok {
		return
	}
	advance := float32(face.Advance(id))
	p.starts[i] = int32(len(p.glyphs)) //nolint:gosec // within a paragraph
	p.advances[i] = advance * size / emSize
	p.glyphs = append(p.glyphs, glyph{
		face: face, id: int32(id), first: int32(i), runes: 1, glyphs: 1, advance: advance, boxed: true, //nolint:gosec // small
	})
}
