package typeset

import (
	"fmt"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// linkArea is where a link can be followed.
type linkArea struct {
	link *link
	slot *slot
	rect [4]float64
}

// item paints text or a picture. Top is the height of the page that stands for 0 of the strip.
func (p *painter) item(it *item, top float64, repeated bool) {
	s, l := it.slot, it.link
	if repeated {
		s, l = nil, nil
	}
	p.begin(s)
	switch {
	case it.text != nil:
		p.text(it.text, it.x+p.left(), top-it.y)
	case it.picture != nil:
		name := pdf.Name(fmt.Sprintf("X%d", it.picture.ref.Number))
		p.images[name] = it.picture.ref
		p.op("q")
		p.op("cm", numbers(it.width, 0, 0, it.height, it.x+p.left(), top-it.y-it.height)...)
		p.op("Do", name)
		p.op("Q")
	}
	if l != nil && s != nil {
		p.area(l, s, [4]float64{it.x + p.left(), top - it.bottom, it.x + it.width + p.left(), top - it.top})
	}
}

func (p *painter) left() float64 { return p.o.doc.sheet.margin[style.Left] }

// area notes where a link can be followed; what follows on the same line is joined.
func (p *painter) area(l *link, s *slot, r [4]float64) {
	if n := len(p.links); n > 0 {
		last := &p.links[n-1]
		if last.link == l && last.slot.owner == s.owner && last.rect[1] == r[1] && last.rect[3] == r[3] && r[0] < last.rect[2]+1 && r[2] > last.rect[0]-1 {
			last.rect[0], last.rect[2] = min(last.rect[0], r[0]), max(last.rect[2], r[2])
			return
		}
	}
	p.links = append(p.links, linkArea{l, s, r})
}

func (p *painter) text(t *textRun, x, y float64) {
	p.fonts[t.font.name] = t.font.embedding.Ref
	if t.actual != "" {
		p.content = append(p.content, "/Span<</ActualText "...)
		p.content = append(pdf.AppendObject(p.content, pdf.TextString(t.actual)), ">>BDC\n"...)
	}
	p.color(t.style.Color, false)
	p.content = append(p.content, "BT "...)
	p.content = append(pdf.AppendObject(p.content, t.font.name), ' ')
	p.content = append(pdf.AppendObject(p.content, hundredth(t.style.Size)), " Tf "...)
	for _, v := range numbers(x, y) {
		p.content = append(pdf.AppendObject(p.content, v), ' ')
	}
	p.content = append(p.content, "Td "...)
	p.content = append(append(p.content, t.show...), "ET\n"...)
	if t.actual != "" {
		p.content = append(p.content, "EMC\n"...)
	}
}

// color sets the colour of fillings or strokes, with its opacity.
func (p *painter) color(c style.Color, stroke bool) {
	operator, state := "rg", "ca"
	if stroke {
		operator, state = "RG", "CA"
	}
	p.op(operator, thousandth(c[0]), thousandth(c[1]), thousandth(c[2]))
	if c[3] < 1 || len(p.states) > 0 {
		name := pdf.Name(fmt.Sprintf("G%s%d", state, int(c[3]*1000)))
		p.states[name] = pdf.Dict{"Type": pdf.Name("ExtGState"), pdf.Name(state): thousandth(c[3])}
		p.op("gs", name)
	}
}
