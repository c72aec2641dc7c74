package typeset

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// paintState is how shapes are painted: properties that groups hand down.
type paintState struct {
	fill, stroke             style.Color
	width                    float64
	dash                     []float64
	round, join              int
	evenOdd                  bool
	size                     float64
	family                   embedfont.Family
	bold                     bool
	anchor                   string
	opacity                  float64 // less than 1 of those around; 0 is none
	fillOpacity, strokeFaint float64
	hidden, unknown          bool
}

// with gives the state in an element, by its attributes and its style attribute.
func (s paintState) with(n *html.Node) paintState {
	for _, a := range n.Attr {
		s.set(a.Key, a.Val)
	}
	declarations, _ := attr(n, "style")
	for part := range strings.SplitSeq(declarations, ";") {
		if name, value, ok := strings.Cut(part, ":"); ok {
			s.set(strings.TrimSpace(name), value)
		}
	}
	return s
}

func (s *paintState) set(name, value string) {
	value = strings.TrimSpace(value)
	number := func() float64 {
		v, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
		if err != nil || math.IsNaN(v) {
			return 1
		}
		if strings.HasSuffix(value, "%") {
			v /= 100
		}
		return min(max(v, 0), 1)
	}
	switch name {
	case "fill":
		s.paint(&s.fill, value)
	case "stroke":
		s.paint(&s.stroke, value)
	case "stroke-width":
		s.width = max(svgLength(value), 0)
	case "stroke-dasharray":
		s.dash = nil
		for _, v := range coordinates(value) {
			if v < 0 || len(s.dash) >= 16 {
				s.dash = nil
				return
			}
			s.dash = append(s.dash, v)
		}
	case "stroke-linecap":
		s.round = map[string]int{"round": 1, "square": 2}[value]
	case "stroke-linejoin":
		s.join = map[string]int{"round": 1, "bevel": 2}[value]
	case "fill-rule":
		s.evenOdd = value == "evenodd"
	case "opacity":
		// Of a group the parts are made faint, each by itself, which differs only where they overlap.
		s.opacity = 1 - (1-s.opacity)*number()
	case "fill-opacity":
		s.fillOpacity = 1 - number()
	case "stroke-opacity":
		s.strokeFaint = 1 - number()
	case "font-size":
		if v := svgLength(value); v > 0 {
			s.size = v
		}
	case "font-weight":
		weight, _ := strconv.Atoi(value)
		s.bold = value == "bold" || value == "bolder" || weight >= 600
	case "font-family":
		lower := strings.ToLower(value)
		switch {
		case strings.Contains(lower, "mono") || strings.Contains(lower, "courier"):
			s.family = embedfont.Mono
		case strings.Contains(lower, "serif") && !strings.Contains(lower, "sans"), strings.Contains(lower, "times"):
			s.family = embedfont.Serif
		default:
			s.family = embedfont.Sans
		}
	case "text-anchor":
		s.anchor = value
	case "display":
		s.hidden = s.hidden || value == "none"
	case "visibility":
		s.hidden = s.hidden || value == "hidden"
	case "class", "filter", "mask", "clip-path", "marker-start", "marker-mid", "marker-end", "marker":
		// What a style sheet says of drawings is not known, nor are these effects.
		s.unknown = s.unknown || value != "" && value != "none" && name != "class"
	}
}

func (s *paintState) paint(c *style.Color, value string) {
	if value == "none" {
		*c = style.Color{}
		return
	}
	parsed, ok := style.ParseColor(value)
	if !ok {
		s.unknown = true
		return
	}
	*c = parsed
}

// state sets the colours, the opacity and the line of what follows.
func (d *drawing) state(s paintState) {
	set := func(c style.Color, operator string) {
		if c.Visible() {
			d.operator(operator, c[0], c[1], c[2])
		}
	}
	set(s.fill, "rg")
	set(s.stroke, "RG")
	fill, stroke := s.fill[3]*(1-s.opacity)*(1-s.fillOpacity), s.stroke[3]*(1-s.opacity)*(1-s.strokeFaint)
	if s.fill.Visible() && fill < 1 || s.stroke.Visible() && stroke < 1 {
		name := pdf.Name(fmt.Sprintf("G%d", len(d.states)+1))
		d.states[name] = pdf.Dict{"Type": pdf.Name("ExtGState"), "ca": thousandth(fill), "CA": thousandth(stroke)}
		d.out = append(pdf.AppendObject(d.out, name), " gs\n"...)
	}
	if s.stroke.Visible() {
		d.operator("w", s.width)
		d.operator("J", float64(s.round))
		d.operator("j", float64(s.join))
		if total(s.dash) > 0 {
			d.out = append(pdf.AppendObject(d.out, numbers(s.dash...)), " 0 d\n"...)
		}
	}
}

// finish paints the path that was made.
func (d *drawing) finish(s paintState) {
	fill, stroke := s.fill.Visible(), s.stroke.Visible() && s.width > 0
	star := ""
	if s.evenOdd && fill {
		star = "*"
	}
	switch {
	case fill && stroke:
		d.operator("B" + star)
	case fill:
		d.operator("f" + star)
	case stroke:
		d.operator("S")
	default:
		d.operator("n")
	}
}

// shape draws one shape.
func (d *drawing) shape(n *html.Node, s paintState) error {
	at := func(name string) float64 { return svgLength(value(n, name)) }
	d.state(s)
	switch n.Data {
	case "rect":
		if at("width") <= 0 || at("height") <= 0 {
			d.operator("n")
			return nil
		}
		rx, ry := at("rx"), at("ry")
		if rx <= 0 {
			rx = ry
		}
		if ry <= 0 {
			ry = rx
		}
		d.rect(at("x"), at("y"), at("width"), at("height"), min(rx, at("width")/2), min(ry, at("height")/2))
	case "circle":
		d.ellipse(at("cx"), at("cy"), at("r"), at("r"))
	case "ellipse":
		d.ellipse(at("cx"), at("cy"), at("rx"), at("ry"))
	case "line":
		d.operator("m", at("x1"), at("y1"))
		d.operator("l", at("x2"), at("y2"))
	case "polyline", "polygon":
		points := coordinates(value(n, "points"))
		for i := 0; i+1 < len(points); i += 2 {
			d.operator(map[bool]string{true: "m", false: "l"}[i == 0], points[i], points[i+1])
		}
		if len(points) > 1 && n.Data == "polygon" {
			d.operator("h")
		}
	case "path":
		if err := d.path(value(n, "d")); err != nil {
			return err
		}
	default:
		return errDrawing
	}
	d.finish(s)
	return nil
}

// kappa is the distance of the control points of a quarter of a circle.
const kappa = 0.5522847498

func (d *drawing) ellipse(x, y, rx, ry float64) {
	d.operator("m", x+rx, y)
	d.operator("c", x+rx, y+kappa*ry, x+kappa*rx, y+ry, x, y+ry)
	d.operator("c", x-kappa*rx, y+ry, x-rx, y+kappa*ry, x-rx, y)
	d.operator("c", x-rx, y-kappa*ry, x-kappa*rx, y-ry, x, y-ry)
	d.operator("c", x+kappa*rx, y-ry, x+rx, y-kappa*ry, x+rx, y)
	d.operator("h")
}

func (d *drawing) rect(x, y, w, h, rx, ry float64) {
	if rx <= 0 {
		d.operator("re", x, y, w, h)
		return
	}
	kx, ky := rx*(1-kappa), ry*(1-kappa)
	d.operator("m", x+rx, y)
	d.operator("l", x+w-rx, y)
	d.operator("c", x+w-kx, y, x+w, y+ky, x+w, y+ry)
	d.operator("l", x+w, y+h-ry)
	d.operator("c", x+w, y+h-ky, x+w-kx, y+h, x+w-rx, y+h)
	d.operator("l", x+rx, y+h)
	d.operator("c", x+kx, y+h, x, y+h-ky, x, y+h-ry)
	d.operator("l", x, y+ry)
	d.operator("c", x, y+ky, x+kx, y, x+rx, y)
	d.operator("h")
}
