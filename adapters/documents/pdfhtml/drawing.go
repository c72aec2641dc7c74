package pdfhtml

import (
	"fmt"
	"math"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

const (
	// maxPathBytes bounds the paths of all drawings of a document.
	maxPathBytes = 24 << 20
	// maxDrawnOperations bounds the content looked at for drawings, in all.
	maxDrawnOperations = 20_000_000
	// maxDrawnDepth and maxDrawnStates bound nested forms and saved states.
	maxDrawnDepth, maxDrawnStates = 32, 256
)

// operationAt is an operation of one of the streams of a page.
type operationAt struct{ stream, operation int }

// drawings are the paths of the figures of a document.
type drawings struct {
	// wanted are the operations that paint them, by page.
	wanted     map[int]map[operationAt]bool
	drawn      map[int]map[operationAt]drawn
	bytes      int
	operations int
}

// drawn is a painted path, as SVG has it.
type drawn struct {
	d            string
	fill, stroke string
	evenOdd      bool
	// width is that of strokes in points; opacities are 1 for opaque paint.
	width                      float64
	dash                       string
	cap, join                  int
	fillOpacity, strokeOpacity float64
	box, clip                  pagetext.Rect
}

// findDrawings notes which paths the figures need.
func (b *builder) findDrawings(root *structure.Node) {
	b.drawings = drawings{wanted: map[int]map[operationAt]bool{}, drawn: map[int]map[operationAt]drawn{}}
	var walk func(n *structure.Node)
	walk = func(n *structure.Node) {
		p := b.pageOf(n.Content.Page)
		for _, i := range n.Content.Shapes {
			if p == nil || i < 0 || i >= len(p.Shapes()) {
				continue
			}
			if b.drawings.wanted[p.Number] == nil {
				b.drawings.wanted[p.Number] = map[operationAt]bool{}
			}
			at := p.Shapes()[i].Place
			b.drawings.wanted[p.Number][operationAt{at.Stream, at.Operation}] = true
		}
		for _, kid := range n.Kids {
			walk(kid)
		}
	}
	walk(root)
}

// drawnOn gives the paths of the figures of a page.
func (b *builder) drawnOn(number int) map[operationAt]drawn {
	if list, done := b.drawings.drawn[number]; done {
		return list
	}
	list := map[operationAt]drawn{}
	b.drawings.drawn[number] = list
	p, pages := b.pageOf(number), b.openPlaces().pages
	if p == nil || number > len(pages) {
		return list
	}
	d := drawer{builder: b, page: p, wanted: b.drawings.wanted[number], list: list, forms: map[operationAt]int{}}
	d.frame = pagetext.NewFrame(b.file, pages[number-1])
	for i, s := range p.Streams {
		if s.Outer >= 0 {
			d.forms[operationAt{s.Outer, s.Operation}] = i
		}
	}
	data, _ := b.file.Content(pages[number-1])
	const everywhere = 1e6
	all := pagetext.Rect{Left: -everywhere, Bottom: -everywhere, Right: everywhere, Top: everywhere}
	d.stream(data, pages[number-1].Resources, 0, pen{
		matrix: [6]float64{1, 0, 0, 1, 0, 0}, fill: "#000", stroke: "#000", width: 1, fillOpacity: 1, strokeOpacity: 1,
		clip: all,
	}, 0)
	return list
}

// pen is the graphics state that paths are painted in.
type pen struct {
	matrix                     [6]float64
	fill, stroke               string
	width                      float64
	dash                       string
	cap, join                  int
	fillOpacity, strokeOpacity float64
	clip                       pagetext.Rect
}

// drawer follows the content of a page and keeps the paths that are wanted. It counts streams and operations as
// pagetext does.
type drawer struct {
	*builder
	page   *pagetext.Page
	frame  pagetext.Frame
	wanted map[operationAt]bool
	list   map[operationAt]drawn
	// forms are the streams painted by operations.
	forms map[operationAt]int
}

// sketch is the path under construction.
type sketch struct {
	d       []byte
	x, y    float64 // in user space
	box     pagetext.Rect
	begun   bool
	clip    bool
	dropped bool
}

func (d *drawer) stream(data []byte, resources pdf.Dict, index int, now pen, depth int) {
	scanner := pdf.NewScanner(data, pdf.Limits{})
	var saved []pen
	var path sketch
	for operation := 0; ; operation++ {
		op, ok := scanner.Next()
		if d.drawings.operations++; !ok || d.drawings.operations > maxDrawnOperations {
			return
		}
		v := numbersOf(op.Operands)
		switch op.Operator {
		case "q":
			if len(saved) < maxDrawnStates {
				saved = append(saved, now)
			}
		case "Q":
			if n := len(saved); n > 0 {
				now, saved = saved[n-1], saved[:n-1]
			}
		case "cm":
			if len(v) == 6 {
				now.matrix = multiply([6]float64(v), now.matrix)
			}
		case "Do":
			d.form(op, resources, operationAt{index, operation}, now, depth)
		case "gs":
			d.state(op, resources, &now)
		default:
			if !now.set(op.Operator, v, op.Operands) && !d.construct(&path, &now, op.Operator, v) {
				d.paint(&path, &now, op.Operator, operationAt{index, operation})
			}
		}
	}
}

func numbersOf(operands []pdf.Object) []float64 {
	out := make([]float64, 0, 6)
	for _, o := range operands {
		if n, ok := pdf.Number(o); ok {
			out = append(out, min(max(n, -1e9), 1e9))
		}
	}
	return out
}

func multiply(m, n [6]float64) [6]float64 {
	return [6]float64{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3], m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func (d *drawer) form(op pdf.Operation, resources pdf.Dict, at operationAt, now pen, depth int) {
	index, known := d.forms[at]
	if !known || depth >= maxDrawnDepth || len(op.Operands) == 0 {
		return
	}
	name, _ := op.Operands[len(op.Operands)-1].(pdf.Name)
	objects, _ := d.file.Dict(resources["XObject"])
	s, ok := d.file.Stream(objects[name])
	if !ok || d.file.Name(s.Dict["Subtype"]) != "Form" {
		return
	}
	if list, ok := d.file.Array(s.Dict["Matrix"]); ok && len(list) == 6 {
		var m [6]float64
		for i, o := range list {
			m[i], _ = d.file.Number(o)
		}
		now.matrix = multiply(m, now.matrix)
	}
	if inner, ok := d.file.Dict(s.Dict["Resources"]); ok {
		resources = inner
	}
	data, _ := d.file.Decode(s)
	d.stream(data, resources, index, now, depth+1)
}

func (d *drawer) state(op pdf.Operation, resources pdf.Dict, now *pen) {
	if len(op.Operands) == 0 {
		return
	}
	name, _ := op.Operands[0].(pdf.Name)
	all, _ := d.file.Dict(resources["ExtGState"])
	gs, _ := d.file.Dict(all[name])
	for key, to := range map[pdf.Name]*float64{"ca": &now.fillOpacity, "CA": &now.strokeOpacity, "LW": &now.width} {
		if v, ok := d.file.Number(gs[key]); ok {
			*to = v
		}
	}
}

// set runs the operators that change the pen. It is false for others.
func (p *pen) set(op pdf.Operator, v []float64, operands []pdf.Object) bool {
	switch op {
	case "w":
		if len(v) > 0 {
			p.width = v[0]
		}
	case "J":
		if len(v) > 0 {
			p.cap = int(v[0])
		}
	case "j":
		if len(v) > 0 {
			p.join = int(v[0])
		}
	case "d":
		p.dash = ""
		if list, ok := firstOf(operands).(pdf.Array); ok && len(list) < 16 {
			for _, n := range numbersOf(list) {
				p.dash += " " + short(max(n, 0)*p.scale())
			}
		}
	case "g", "rg", "k", "sc", "scn":
		p.fill = colorOf(v)
	case "G", "RG", "K", "SC", "SCN":
		p.stroke = colorOf(v)
	case "cs":
		p.fill = "#000"
	case "CS":
		p.stroke = "#000"
	default:
		return false
	}
	return true
}

func (p *pen) scale() float64 {
	return math.Sqrt(math.Abs(p.matrix[0]*p.matrix[3] - p.matrix[1]*p.matrix[2]))
}

// colorOf gives a color by the number of its components; what is none, as of patterns, is gray.
func colorOf(v []float64) string {
	byteOf := func(f float64) int { return int(math.Round(min(max(f, 0), 1) * 255)) }
	switch len(v) {
	case 1:
		return fmt.Sprintf("#%02x%02x%02x", byteOf(v[0]), byteOf(v[0]), byteOf(v[0]))
	case 3:
		return fmt.Sprintf("#%02x%02x%02x", byteOf(v[0]), byteOf(v[1]), byteOf(v[2]))
	case 4:
		return fmt.Sprintf("#%02x%02x%02x", byteOf((1-v[0])*(1-v[3])), byteOf((1-v[1])*(1-v[3])), byteOf((1-v[2])*(1-v[3])))
	}
	return "#808080"
}

// short writes a number with two decimals at the most.
func short(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

func firstOf(operands []pdf.Object) pdf.Object {
	if len(operands) == 0 {
		return nil
	}
	return operands[0]
}
