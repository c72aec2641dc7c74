package style

import (
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// Page is the size of the paper and its margins in points; a zero size and auto margins are not said.
type Page struct {
	Size   [2]float64
	Margin [4]Length
}

// paper gives the sizes of sheets in points (CSS Paged Media Level 3, 7.1).
var paper = map[string][2]float64{
	"a3": {841.89, 1190.55}, "a4": {595.276, 841.89}, "a5": {419.528, 595.276}, "b4": {708.66, 1000.63}, "b5": {498.9, 708.66},
	"letter": {612, 792}, "legal": {612, 1008}, "ledger": {792, 1224},
}

// page reads the declarations of @page.
func (r *reader) page() {
	p := &r.sheet.Page
	for _, d := range r.block {
		switch {
		case d.name == "size":
			p.readSize(d.value)
		case d.name == "margin" || strings.HasPrefix(d.name, "margin-"):
			s := Root()
			s.apply(d, s, s.Size, nil)
			for side := range p.Margin {
				if d.name == "margin" || d.name == "margin-"+sides[side] {
					p.Margin[side] = s.Margin[side]
				}
			}
		}
	}
	r.block = nil
}

func (p *Page) readSize(value []token) {
	var lengths []float64
	size, landscape := p.Size, false
	for _, t := range value {
		if named, ok := paper[t.text]; ok && t.kind == css.IdentToken {
			size = named
		} else if t.text == "landscape" {
			landscape = true
		} else if l, ok := t.length(rootSize, rootSize); ok && l.Points > 0 {
			lengths = append(lengths, l.Points)
		}
	}
	switch len(lengths) {
	case 1:
		size = [2]float64{lengths[0], lengths[0]}
	case 2:
		size = [2]float64{lengths[0], lengths[1]}
	}
	if landscape && len(lengths) == 0 {
		if size == [2]float64{} {
			size = paper["a4"]
		}
		size = [2]float64{max(size[0], size[1]), min(size[0], size[1])}
	}
	p.Size = size
}
