package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// separator writes a space where the line ended at one or was broken, so that words do not run together where the text
// is read. It is not to be seen.
func (w *lineWriter) separator() {
	span := w.p.spanAt(w.line.shown)
	if w.run != nil {
		span = w.span
	}
	s := &w.p.spans[min(span, len(w.p.spans)-1)]
	face := embedfont.Liberation(s.style.Family, s.style.Face())
	if s.slot == nil || s.object != nil || s.gap != 0 {
		return
	}
	if id, ok := face.Glyph(' '); ok {
		g := glyph{face: face, id: int32(id), first: int32(w.line.shown), runes: 1, glyphs: 1, advance: float32(face.Advance(id))} //nolint:gosec // small
		w.glyph(&g, " ", span)
	}
}

// fill paints the background of an inline element.
func (w *lineWriter) fill(s *span, x, width float64) {
	if s.fill == nil || width <= 0 {
		return
	}
	face := embedfont.Liberation(s.style.Family, s.style.Face())
	w.l.strip.decos = append(w.l.strip.decos, deco{
		x: x, width: width, fill: s.fill.Background,
		top:    w.baseline - s.style.Rise - face.Ascent*s.style.Size/emSize,
		bottom: w.baseline - s.style.Rise - face.Descent*s.style.Size/emSize,
	})
}

// strokes draws the lines along a run.
func (w *lineWriter) strokes(s *style.Style, width float64) {
	if !s.Underline && !s.Overline && !s.Through || width <= 0 {
		return
	}
	face := embedfont.Liberation(s.Family, s.Face())
	scale := s.Size / emSize
	thick := face.UnderlineThickness * scale
	stroke := func(height float64) {
		top := w.baseline - s.Rise - height*scale
		w.l.strip.decos = append(w.l.strip.decos, deco{x: w.from, width: width, top: top, bottom: top + thick, fill: s.Color})
	}
	if s.Underline {
		stroke(face.UnderlinePosition + face.UnderlineThickness/2)
	}
	if s.Overline {
		stroke(face.Ascent)
	}
	if s.Through {
		stroke(face.XHeight/2 + face.UnderlineThickness/2)
	}
}

// object moves a box of the line to its place.
func (w *lineWriter) object(span int, advance float64) {
	o := w.objects[span]
	if o == nil {
		return
	}
	f := frameOf(w.p.spans[span].object.style, advance)
	dx := w.x + f.margin[style.Left]
	dy := max(w.baseline-o.above+f.margin[style.Top], w.top)
	w.l.strip.move(o.from, o.to, dx, dy)
	from := w.l.strip.point()
	w.l.strip.items = append(w.l.strip.items, o.items...)
	placed := from
	placed.items = len(w.l.strip.items)
	w.l.strip.move(from, placed, dx, dy)
}

// hyphen ends a line at a soft hyphen, which is the text that the sign stands for.
func (w *lineWriter) hyphen() {
	i := w.line.shown - 1
	span := w.p.spanAt(i)
	s := w.p.spans[span].style
	face := embedfont.Liberation(s.Family, s.Face())
	if id, ok := face.Glyph('-'); ok {
		g := glyph{face: face, id: int32(id), first: int32(i), runes: 1, glyphs: 1, advance: float32(face.Advance(id))} //nolint:gosec // small
		w.glyph(&g, string(softHyphen), span)
		w.x += float64(g.advance) * s.Size / emSize
	}
}
