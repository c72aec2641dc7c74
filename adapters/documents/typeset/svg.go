package typeset

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// errDrawing says that a drawing has parts that are not known: then it is not drawn at all, since half a drawing says
// something else than the whole.
var errDrawing = errors.New("the drawing has parts that are not supported")

// The limits of a drawing.
const (
	maxDrawingBytes = 8 << 20
	maxDrawingDepth = 64
)

// looksLikeSVG tells whether data is a drawing rather than an image.
func looksLikeSVG(data []byte) bool {
	head := bytes.TrimLeft(data[:min(len(data), 1024)], "\xef\xbb\xbf \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<svg"))
}

// drawing turns SVG into a form XObject that fills the unit square, as images do.
func (m *images) drawing(data []byte) (*loaded, error) {
	if len(data) > maxDrawingBytes {
		return nil, errDrawing
	}
	root, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, errDrawing
	}
	var svg *html.Node
	each(root, func(n *html.Node) bool {
		if svg == nil && n.Data == "svg" && n.Namespace == "svg" {
			svg = n
		}
		return svg == nil
	})
	if svg == nil {
		return nil, errDrawing
	}
	d := &drawing{fonts: m.fonts, resources: pdf.Dict{}, states: pdf.Dict{}, used: pdf.Dict{}}
	width, height, box := d.size(svg)
	if width <= 0 || height <= 0 || box[2] <= 0 || box[3] <= 0 {
		return nil, errDrawing
	}
	// The picture keeps its proportions and is centred (SVG 2, 8.6).
	scale := min(width/box[2], height/box[3])
	d.operator("cm", 1, 0, 0, -1, 0, height)
	d.operator("cm", scale, 0, 0, scale, (width-box[2]*scale)/2-box[0]*scale, (height-box[3]*scale)/2-box[1]*scale)
	if err := d.children(svg, paintState{fill: style.Color{0, 0, 0, 1}, width: 1, size: 16}.with(svg), 0); err != nil {
		return nil, err
	}
	for key, entries := range map[pdf.Name]pdf.Dict{"ExtGState": d.states, "Font": d.used} {
		if len(entries) > 0 {
			d.resources[key] = entries
		}
	}
	form := pdf.NewStream(pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "BBox": numbers(0, 0, width, height), "Resources": d.resources,
		"Matrix": pdf.Array{pdf.Real(1 / width), pdf.Integer(0), pdf.Integer(0), pdf.Real(1 / height), pdf.Integer(0), pdf.Integer(0)},
	}, d.out)
	return &loaded{ref: m.file.Add(form), width: width, height: height}, nil
}

// drawing writes the operators of one.
type drawing struct {
	out               []byte
	fonts             *fonts
	resources, states pdf.Dict
	used              pdf.Dict
}

// size gives the natural size in points and the view box in units of the drawing.
func (d *drawing) size(svg *html.Node) (width, height float64, box [4]float64) {
	values := coordinates(value(svg, "viewBox"))
	width, height = svgLength(value(svg, "width"))*0.75, svgLength(value(svg, "height"))*0.75
	if len(values) == 4 {
		box = [4]float64(values)
		switch {
		case width <= 0 && height <= 0:
			width, height = box[2]*0.75, box[3]*0.75
		case width <= 0:
			width = height * box[2] / max(box[3], 0.001)
		case height <= 0:
			height = width * box[3] / max(box[2], 0.001)
		}
	} else {
		if width <= 0 || height <= 0 {
			width, height = 225, 112.5 // 300 by 150 pixels, as for all replaced elements (CSS 2.2, 10.3.2)
		}
		box = [4]float64{0, 0, width / 0.75, height / 0.75}
	}
	return min(width, 14_400), min(height, 14_400), box
}

// value is the value of an attribute, "" without one.
func value(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

// svgLength reads a length in user units; percentages are left to the view box.
func svgLength(text string) float64 {
	text = strings.TrimSpace(text)
	factor := 1.0
	for unit, f := range map[string]float64{"px": 1, "pt": 4.0 / 3, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96, "em": 16} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			text, factor = rest, f
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) {
		return 0
	}
	return min(max(v*factor, -1e6), 1e6)
}

func (d *drawing) operator(name string, operands ...float64) {
	for _, v := range operands {
		d.out = append(pdf.AppendObject(d.out, svgNumber(v)), ' ')
	}
	d.out = append(append(d.out, name...), '\n')
}

// svgNumber writes a number in units of the drawing, which may be scaled up.
func svgNumber(v float64) pdf.Object {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return pdf.Integer(0)
	}
	return pdf.Real(math.Round(min(max(v, -1e7), 1e7)*1e5) / 1e5)
}

// children draws what is in a group.
func (d *drawing) children(n *html.Node, s paintState, depth int) error {
	if depth > maxDrawingDepth {
		return errDrawing
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		if k.Type != html.ElementNode {
			continue
		}
		switch k.Data {
		case "title", "desc", "metadata", "defs":
			continue
		}
		own := s.with(k)
		if own.hidden {
			continue
		}
		if own.unknown {
			return errDrawing
		}
		d.operator("q")
		if err := d.transform(value(k, "transform")); err != nil {
			return err
		}
		var err error
		switch k.Data {
		case "g", "a", "switch":
			err = d.children(k, own, depth+1)
		case "text":
			err = d.text(k, own)
		default:
			err = d.shape(k, own)
		}
		if err != nil {
			return err
		}
		d.operator("Q")
	}
	return nil
}

// transform applies a list of transformations (CSS Transforms Level 1, 8).
func (d *drawing) transform(list string) error {
	for list = strings.TrimSpace(list); list != ""; {
		name, rest, ok := strings.Cut(list, "(")
		arguments, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			return errDrawing
		}
		v := coordinates(arguments)
		at := func(i int, otherwise float64) float64 {
			if i < len(v) {
				return v[i]
			}
			return otherwise
		}
		switch strings.Trim(name, " \t\r\n,") {
		case "translate":
			d.operator("cm", 1, 0, 0, 1, at(0, 0), at(1, 0))
		case "scale":
			d.operator("cm", at(0, 1), 0, 0, at(1, at(0, 1)), 0, 0)
		case "rotate":
			sin, cos := math.Sincos(at(0, 0) * math.Pi / 180)
			d.operator("cm", 1, 0, 0, 1, at(1, 0), at(2, 0))
			d.operator("cm", cos, sin, -sin, cos, 0, 0)
			d.operator("cm", 1, 0, 0, 1, -at(1, 0), -at(2, 0))
		case "skewX":
			d.operator("cm", 1, 0, math.Tan(at(0, 0)*math.Pi/180), 1, 0, 0)
		case "skewY":
			d.operator("cm", 1, math.Tan(at(0, 0)*math.Pi/180), 0, 1, 0, 0)
		case "matrix":
			if len(v) != 6 {
				return errDrawing
			}
			d.operator("cm", v...)
		default:
			return errDrawing
		}
		list = strings.TrimSpace(after)
	}
	return nil
}

// text draws a line of text at its place.
func (d *drawing) text(n *html.Node, s paintState) error {
	content := squeeze(textOf(n))
	if content == "" || !s.fill.Visible() {
		return nil
	}
	look := style.Root()
	look.Family, look.Bold, look.Size = s.family, s.bold, s.size
	var show showText
	var font *fontUse
	width := 0.0
	for _, r := range content {
		face := embedfont.Liberation(look.Family, look.Face())
		glyph, ok := face.Glyph(r)
		if !ok {
			return errDrawing
		}
		u, code, ok := d.fonts.use(face, glyph, string(r))
		if !ok || font != nil && u != font {
			return errDrawing
		}
		font = u
		show.code(code)
		width += face.Advance(glyph) * s.size / emSize
	}
	show.end()
	x, y := svgLength(value(n, "x")), svgLength(value(n, "y"))
	switch s.anchor {
	case "middle":
		x -= width / 2
	case "end":
		x -= width
	}
	d.used[font.name] = font.embedding.Ref
	d.state(s)
	d.out = fmt.Appendf(d.out, "BT /%s ", font.name)
	d.operator("Tf", s.size)
	d.operator("Tm", 1, 0, 0, -1, x, y)
	d.out = append(append(d.out, show.out...), "ET\n"...)
	return nil
}
