package pdfhtml

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// maxSketch bounds one path.
const maxSketch = 1 << 20

// point adds a point in user space to a path, as SVG counts: from the top of the page down.
func (d *drawer) point(s *sketch, now *pen, x, y float64) {
	m := now.matrix
	px, py := d.frame.Point(m[0]*x+m[2]*y+m[4], m[1]*x+m[3]*y+m[5])
	px, py = min(max(px, -1e5), 1e5), min(max(py, -1e5), 1e5)
	if !s.begun {
		s.box, s.begun = pagetext.Rect{Left: px, Bottom: py, Right: px, Top: py}, true
	}
	s.box = s.box.Union(pagetext.Rect{Left: px, Bottom: py, Right: px, Top: py})
	if len(s.d) > maxSketch {
		s.dropped = true
		return
	}
	s.d = append(append(append(append(s.d, short(px)...), ' '), short(d.page.Height-py)...), ' ')
}

// construct runs path construction operators (ISO 32000-1, 8.5.2). It is false for others.
func (d *drawer) construct(s *sketch, now *pen, op pdf.Operator, v []float64) bool {
	needs := map[pdf.Operator]int{"m": 2, "l": 2, "c": 6, "v": 4, "y": 4, "re": 4}[op]
	if needs > 0 && len(v) < needs {
		return true
	}
	switch op {
	case "m", "l":
		letter := byte('L')
		if op == "m" || !s.begun {
			letter = 'M'
		}
		s.d = append(s.d, letter)
		d.point(s, now, v[0], v[1])
		s.x, s.y = v[0], v[1]
	case "c", "v", "y":
		x1, y1, x2, y2, x3, y3 := v[0], v[1], v[2], v[3], v[2], v[3]
		switch op {
		case "c":
			x3, y3 = v[4], v[5]
		case "v":
			x1, y1, x2, y2 = s.x, s.y, v[0], v[1]
		}
		if !s.begun {
			s.d = append(s.d, 'M')
			d.point(s, now, x1, y1)
		}
		s.d = append(s.d, 'C')
		d.point(s, now, x1, y1)
		d.point(s, now, x2, y2)
		d.point(s, now, x3, y3)
		s.x, s.y = x3, y3
	case "h":
		if s.begun {
			s.d = append(s.d, 'Z')
		}
	case "re":
		x, y, w, h := v[0], v[1], v[2], v[3]
		for i, corner := range [4][2]float64{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}} {
			s.d = append(s.d, "MLLL"[i])
			d.point(s, now, corner[0], corner[1])
		}
		s.d = append(s.d, 'Z')
		s.x, s.y = x, y
	case "W", "W*":
		s.clip = true
	default:
		return false
	}
	return true
}

// paint runs path painting operators and keeps what is wanted.
func (d *drawer) paint(s *sketch, now *pen, op pdf.Operator, at operationAt) {
	fill, stroke := false, false
	switch op {
	case "f", "F", "f*":
		fill = true
	case "S", "s":
		stroke = true
	case "B", "B*", "b", "b*":
		fill, stroke = true, true
	case "n":
	default:
		return
	}
	if op == "s" || op == "b" || op == "b*" {
		s.d = append(s.d, 'Z')
	}
	if s.begun && !s.dropped && (fill || stroke) && d.wanted[at] && d.drawings.bytes+len(s.d) <= maxPathBytes {
		d.drawings.bytes += len(s.d)
		out := drawn{
			d: string(s.d), fill: "none", evenOdd: op == "f*" || op == "B*" || op == "b*", width: now.width * now.scale(),
			dash: now.dash, cap: now.cap, join: now.join, fillOpacity: now.fillOpacity, strokeOpacity: now.strokeOpacity,
			box: s.box, clip: now.clip,
		}
		if fill {
			out.fill = now.fill
		}
		if stroke {
			out.stroke = now.stroke
		}
		d.list[at] = out
	}
	if s.clip {
		now.clip = now.clip.Intersect(s.box)
	}
	*s = sketch{d: s.d[:0]}
}
