package typeset

import (
	"math"
	"strconv"
)

// coordinates reads numbers that white space, commas or signs separate.
func coordinates(text string) []float64 {
	p := pathReader{text: text}
	var out []float64
	for len(out) < maxCoordinates {
		v, ok := p.number()
		if !ok {
			break
		}
		out = append(out, v)
	}
	return out
}

const maxCoordinates = 200_000

// pathReader reads path data (SVG 2, 9.3).
type pathReader struct {
	text string
	at   int
}

func (p *pathReader) skip() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r', '\f', ',':
			p.at++
		default:
			return
		}
	}
}

func (p *pathReader) number() (float64, bool) {
	p.skip()
	start := p.at
	digits, point, exponent := false, false, false
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case (c == '-' || c == '+') && (p.at == start || p.text[p.at-1]|32 == 'e'):
		case c == '.' && !point && !exponent:
			point = true
		case c|32 == 'e' && digits && !exponent && p.at+1 < len(p.text):
			exponent = true
		default:
			goto end
		}
	}
end:
	v, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil || !digits || math.IsNaN(v) || math.IsInf(v, 0) {
		p.at = max(p.at, start)
		return 0, false
	}
	return v, true
}

// flag reads a flag of an arc, which nothing need separate from what follows.
func (p *pathReader) flag() (bool, bool) {
	p.skip()
	if p.at < len(p.text) && (p.text[p.at] == '0' || p.text[p.at] == '1') {
		p.at++
		return p.text[p.at-1] == '1', true
	}
	return false, false
}

// pathNumbers is how many numbers each command takes.
var pathNumbers = map[byte]int{'m': 2, 'l': 2, 'h': 1, 'v': 1, 'c': 6, 's': 4, 'q': 4, 't': 2, 'a': 7, 'z': 0}

// pathPen is where a path has come.
type pathPen struct {
	x, y, startX, startY float64
	// The last control points, from which smooth curves go on.
	cubicX, cubicY, quadX, quadY float64
	last                         byte
}

// path draws path data. What comes after an error is not drawn, as the standard demands, but the drawing is given up,
// since its author saw something else.
func (d *drawing) path(text string) error {
	p := pathReader{text: text}
	var pen pathPen
	command := byte(0)
	for steps := 0; ; steps++ {
		p.skip()
		if p.at >= len(p.text) {
			return nil
		}
		if steps > maxCoordinates {
			return errDrawing
		}
		if c := p.text[p.at]; c >= 'A' && c <= 'z' {
			if _, known := pathNumbers[c|32]; !known {
				return errDrawing
			}
			command = c
			p.at++
		} else if command == 0 || command|32 == 'z' {
			return errDrawing
		}
		if pen.last == 0 && command|32 != 'm' {
			return errDrawing
		}
		var v [7]float64
		for i := range pathNumbers[command|32] {
			var ok bool
			if command|32 == 'a' && (i == 3 || i == 4) {
				var set bool
				if set, ok = p.flag(); set {
					v[i] = 1
				}
			} else {
				v[i], ok = p.number()
			}
			if !ok {
				return errDrawing
			}
		}
		d.segment(&pen, command, v)
		pen.last = command | 32
		// Further pairs after a move are lines.
		switch command {
		case 'm':
			command = 'l'
		case 'M':
			command = 'L'
		}
	}
}

func (d *drawing) segment(pen *pathPen, command byte, v [7]float64) {
	dx, dy := 0.0, 0.0
	if command >= 'a' {
		dx, dy = pen.x, pen.y
	}
	line := func(x, y float64) {
		d.operator("l", x, y)
		pen.x, pen.y = x, y
	}
	curve := func(x1, y1, x2, y2, x, y float64) {
		d.operator("c", x1, y1, x2, y2, x, y)
		pen.cubicX, pen.cubicY, pen.x, pen.y = x2, y2, x, y
	}
	quad := func(x1, y1, x, y float64) {
		x0, y0 := pen.x, pen.y
		curve(x0+(x1-x0)*2/3, y0+(y1-y0)*2/3, x+(x1-x)*2/3, y+(y1-y)*2/3, x, y)
		pen.quadX, pen.quadY = x1, y1
	}
	switch command | 32 {
	case 'm':
		pen.x, pen.y = v[0]+dx, v[1]+dy
		pen.startX, pen.startY = pen.x, pen.y
		d.operator("m", pen.x, pen.y)
	case 'l':
		line(v[0]+dx, v[1]+dy)
	case 'h':
		line(v[0]+dx, pen.y)
	case 'v':
		line(pen.x, v[0]+dy)
	case 'c':
		curve(v[0]+dx, v[1]+dy, v[2]+dx, v[3]+dy, v[4]+dx, v[5]+dy)
	case 's':
		x1, y1 := pen.x, pen.y
		if pen.last == 'c' || pen.last == 's' {
			x1, y1 = 2*pen.x-pen.cubicX, 2*pen.y-pen.cubicY
		}
		curve(x1, y1, v[0]+dx, v[1]+dy, v[2]+dx, v[3]+dy)
	case 'q':
		quad(v[0]+dx, v[1]+dy, v[2]+dx, v[3]+dy)
	case 't':
		x1, y1 := pen.x, pen.y
		if pen.last == 'q' || pen.last == 't' {
			x1, y1 = 2*pen.x-pen.quadX, 2*pen.y-pen.quadY
		}
		quad(x1, y1, v[0]+dx, v[1]+dy)
	case 'a':
		d.arc(pen, v, v[5]+dx, v[6]+dy)
	case 'z':
		d.operator("h")
		pen.x, pen.y = pen.startX, pen.startY
	}
}

// arc draws an elliptical arc as curves (SVG 2, 9.5.1 and B.2.4).
func (d *drawing) arc(pen *pathPen, v [7]float64, x, y float64) {
	rx, ry := math.Abs(v[0]), math.Abs(v[1])
	if rx < 1e-9 || ry < 1e-9 || x == pen.x && y == pen.y {
		d.operator("l", x, y)
		pen.x, pen.y = x, y
		return
	}
	sin, cos := math.Sincos(v[2] * math.Pi / 180)
	hx, hy := (pen.x-x)/2, (pen.y-y)/2
	x1, y1 := cos*hx+sin*hy, -sin*hx+cos*hy
	if grow := x1*x1/(rx*rx) + y1*y1/(ry*ry); grow > 1 {
		rx, ry = rx*math.Sqrt(grow), ry*math.Sqrt(grow)
	}
	root := (rx*rx*ry*ry - rx*rx*y1*y1 - ry*ry*x1*x1) / (rx*rx*y1*y1 + ry*ry*x1*x1)
	factor := math.Sqrt(max(root, 0))
	if (v[3] != 0) == (v[4] != 0) {
		factor = -factor
	}
	cx1, cy1 := factor*rx*y1/ry, -factor*ry*x1/rx
	cx, cy := cos*cx1-sin*cy1+(pen.x+x)/2, sin*cx1+cos*cy1+(pen.y+y)/2
	from := math.Atan2((y1-cy1)/ry, (x1-cx1)/rx)
	sweep := math.Atan2((-y1-cy1)/ry, (-x1-cx1)/rx) - from
	if v[4] != 0 && sweep < 0 {
		sweep += 2 * math.Pi
	} else if v[4] == 0 && sweep > 0 {
		sweep -= 2 * math.Pi
	}
	parts := int(math.Ceil(math.Abs(sweep)/(math.Pi/2) - 1e-9))
	parts = min(max(parts, 1), 4)
	step := sweep / float64(parts)
	reach := 4.0 / 3 * math.Tan(step/4)
	point := func(px, py float64) (float64, float64) {
		return cx + cos*rx*px - sin*ry*py, cy + sin*rx*px + cos*ry*py
	}
	for i := range parts {
		s0, c0 := math.Sincos(from + step*float64(i))
		s1, c1 := math.Sincos(from + step*float64(i+1))
		ax, ay := point(c0-reach*s0, s0+reach*c0)
		bx, by := point(c1+reach*s1, s1-reach*c1)
		ex, ey := point(c1, s1)
		if i == parts-1 {
			ex, ey = x, y
		}
		d.operator("c", ax, ay, bx, by, ex, ey)
	}
	pen.x, pen.y = x, y
}
