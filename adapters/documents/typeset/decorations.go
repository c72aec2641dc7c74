package typeset

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// decorations paints backgrounds and borders within a part of the strip.
func (p *painter) decorations(list []int32, top, start, end float64, repeated bool) {
	for _, i := range list {
		d := p.o.strip.decos[i]
		if d.width <= 0 || d.bottom <= d.top {
			continue
		}
		// Where a page cuts a box, the box has no border there.
		if d.top < start-0.01-d.border[style.Top].Width && !repeated {
			d.top = start
			d.border[style.Top] = style.Edge{Line: "none"}
		}
		if d.bottom > end+0.01+d.border[style.Bottom].Width && !repeated {
			d.bottom = end
			d.border[style.Bottom] = style.Edge{Line: "none"}
		}
		if d.bottom <= d.top {
			continue
		}
		p.decoration(&d, d.x+p.left(), top)
	}
}

func (p *painter) decoration(d *deco, x, top float64) {
	if d.fill.Visible() {
		p.begin(nil)
		p.color(d.fill, false)
		p.op("re", numbers(x, top-d.bottom, d.width, d.bottom-d.top)...)
		p.op("f")
	}
	if !d.bordered {
		return
	}
	for side, e := range d.border {
		if !e.Visible() || !e.Color.Visible() {
			continue
		}
		p.begin(nil)
		p.edge(d, side, e, x, top)
	}
}

// edge draws one side of a border along its middle.
func (p *painter) edge(d *deco, side int, e style.Edge, x, top float64) {
	half := e.Width / 2
	left, right, upper, lower := x, x+d.width, top-d.top, top-d.bottom
	line := [4]float64{left, upper - half, right, upper - half}
	switch side {
	case style.Right:
		line = [4]float64{right - half, upper, right - half, lower}
	case style.Bottom:
		line = [4]float64{left, lower + half, right, lower + half}
	case style.Left:
		line = [4]float64{left + half, upper, left + half, lower}
	}
	p.color(e.Color, true)
	dash := pdf.Array{}
	width := e.Width
	switch e.Line {
	case "dashed":
		dash = numbers(3*e.Width, 2*e.Width)
	case "dotted":
		dash = numbers(e.Width, e.Width)
	case "double":
		width = e.Width / 3
	}
	p.op("d", dash, pdf.Integer(0))
	p.op("w", hundredth(width))
	draw := func(shift float64) {
		across, along := 0.0, shift
		if side == style.Left || side == style.Right {
			across, along = shift, 0
		}
		p.op("m", numbers(line[0]+across, line[1]+along)...)
		p.op("l", numbers(line[2]+across, line[3]+along)...)
		p.op("S")
	}
	if e.Line == "double" {
		draw(-width)
		draw(width)
		return
	}
	draw(0)
}
