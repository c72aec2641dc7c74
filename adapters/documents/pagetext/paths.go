package pagetext

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// thickest is how thick a rule may be, in points: lines of tables are below two, those under letterheads below four.
	thickest = 4
	// thinFill is how thick a filled rectangle may be that is a rule.
	thinFill = 3
	// shortest is the length below which a line rules nothing.
	shortest = 3
)

// path is the current path (ISO 32000-1, 8.5.2): its straight lines, its rectangles and its extent.
type path struct {
	lines []Rect // from Left, Bottom to Right, Top
	rects []Rect
	// box is the extent of all; curved tells that there are curves or slanted lines.
	box            Rect
	begun, curved  bool
	x, y           float64
	startX, startY float64
	clip           bool
	segments       int // lines since the start of the subpath
}

// maxPath is how many lines and rectangles of one path are looked at; more make a drawing.
const maxPath = 4096

func (p *path) include(x, y float64) {
	if !p.begun {
		p.box, p.begun = Rect{x, y, x, y}, true
		return
	}
	p.box = p.box.Union(Rect{x, y, x, y})
}

func (p *path) lineTo(x, y float64) {
	const slant = 0.3 // points by which a line may miss the direction of the axes
	p.include(x, y)
	if math.Abs(x-p.x) > slant && math.Abs(y-p.y) > slant {
		p.curved = true
	}
	if len(p.lines) < maxPath {
		p.lines = append(p.lines, Rect{min(p.x, x), min(p.y, y), max(p.x, x), max(p.y, y)})
	} else {
		p.curved = true
	}
	p.segments++
	p.x, p.y = x, y
}

// runPath runs path operators.
func (in *interpreter) runPath(op pdf.Operator, args []pdf.Object) bool {
	p := &in.path
	switch op {
	case "m":
		p.x, p.y = in.state.ctm.apply(number(args, 0), number(args, 1))
		p.startX, p.startY = p.x, p.y
		p.segments = 0
		p.include(p.x, p.y)
	case "l":
		p.lineTo(in.state.ctm.apply(number(args, 0), number(args, 1)))
	case "c", "v", "y":
		for i := 0; i+1 < len(args); i += 2 {
			p.x, p.y = in.state.ctm.apply(number(args, i), number(args, i+1))
			p.include(p.x, p.y)
		}
		p.curved = true
	case "h":
		in.close()
	case "re":
		in.rectangle(args)
	case "W", "W*":
		p.clip = true
	case "n":
		in.endPath()
	case "S":
		in.painted(false, true)
	case "s":
		in.close()
		in.painted(false, true)
	case "f", "F", "f*":
		in.painted(true, false)
	case "B", "B*":
		in.painted(true, true)
	case "b", "b*":
		in.close()
		in.painted(true, true)
	default:
		return false
	}
	return true
}

func (in *interpreter) close() {
	if p := &in.path; p.begun && (p.x != p.startX || p.y != p.startY) {
		p.lineTo(p.startX, p.startY)
	}
}

func (in *interpreter) rectangle(args []pdf.Object) {
	x, y, w, h := number(args, 0), number(args, 1), number(args, 2), number(args, 3)
	p := &in.path
	box := in.state.ctm.box(Rect{min(x, x+w), min(y, y+h), max(x, x+w), max(y, y+h)})
	p.include(box.Left, box.Bottom)
	p.include(box.Right, box.Top)
	if len(p.rects) >= maxPath || !in.state.ctm.upright() {
		p.curved = true
		return
	}
	p.rects = append(p.rects, box)
	p.x, p.y = in.state.ctm.apply(x, y)
	p.startX, p.startY = p.x, p.y
}

func (in *interpreter) endPath() {
	if p := &in.path; p.clip {
		box := p.box
		if !p.begun {
			box = Rect{}
		}
		in.state.clip = in.state.clip.Intersect(box)
	}
	lines, rects := in.path.lines[:0], in.path.rects[:0]
	in.path = path{lines: lines, rects: rects}
}

// painted sorts a painted path into rules, fills and shapes, and ends it.
func (in *interpreter) painted(fill, stroke bool) {
	defer in.endPath()
	p := &in.path
	if !p.begun || in.hiddenMark() {
		return
	}
	fill = fill && in.state.fill.rgb != white
	stroke = stroke && in.state.stroke.rgb != white
	if !fill && !stroke {
		return
	}
	width := in.state.lineWidth * in.state.ctm.scale()
	if stroke {
		in.shape(p.box.Grow(width/2), fill, !p.curved)
	} else {
		in.shape(p.box, true, !p.curved)
	}
	if p.curved {
		return
	}
	if stroke && width > thickest {
		in.thick(width)
		return
	}
	if stroke {
		for _, line := range p.lines {
			in.rule(line.Grow(width / 2))
		}
		for _, r := range p.rects {
			in.frame(r, width)
		}
	}
	if fill {
		for _, r := range p.rects {
			in.filled(r, in.state.fill.rgb)
		}
		if len(p.lines) > 0 { // lines along the axes that are filled: a rectangle, mostly
			in.filled(p.box, in.state.fill.rgb)
		}
	}
}

// thick notes thick strokes: each is an area as if filled.
func (in *interpreter) thick(width float64) {
	for _, line := range in.path.lines {
		in.filled(line.Grow(width/2), in.state.stroke.rgb)
	}
}

// frame notes the four lines of a stroked rectangle, or the only one of a flat one.
func (in *interpreter) frame(r Rect, width float64) {
	if r.Width() <= thinFill || r.Height() <= thinFill {
		in.filled(r.Grow(width/2), in.state.stroke.rgb)
		return
	}
	half := width / 2
	in.rule(Rect{r.Left - half, r.Bottom - half, r.Right + half, r.Bottom + half})
	in.rule(Rect{r.Left - half, r.Top - half, r.Right + half, r.Top + half})
	in.rule(Rect{r.Left - half, r.Bottom - half, r.Left + half, r.Top + half})
	in.rule(Rect{r.Right - half, r.Bottom - half, r.Right + half, r.Top + half})
}

// filled notes an upright area: a rule if it is thin.
func (in *interpreter) filled(r Rect, rgb uint32) {
	switch {
	case r.Width() <= 2*shortest && r.Height() <= 2*shortest: // a bullet or a dot
	case min(r.Width(), r.Height()) <= thinFill:
		in.rule(r)
	default:
		if r, ok := in.shown(r); ok {
			in.page.Fills = append(in.page.Fills, Fill{r, rgb})
		}
	}
}

func (in *interpreter) rule(r Rect) {
	if max(r.Width(), r.Height()) < shortest {
		return
	}
	if r, ok := in.shown(r); ok {
		in.page.Rules = append(in.page.Rules, r)
	}
}

func (in *interpreter) shape(r Rect, filled, plain bool) {
	if r, ok := in.shown(r); ok {
		in.page.shapes = append(in.page.shapes, Shape{Place: in.place(), Box: r, Filled: filled, Plain: plain})
	}
}

// shown cuts off what is clipped away, and tells whether anything is left and may be kept.
func (in *interpreter) shown(r Rect) (Rect, bool) {
	r = r.Intersect(in.state.clip).Intersect(in.visible)
	if r.Right < r.Left || r.Top < r.Bottom {
		return r, false
	}
	if len(in.page.Rules)+len(in.page.Fills)+len(in.page.shapes) >= in.limits.PageMarks {
		return r, false
	}
	return r, in.keep()
}

// runColor runs color operators.
func (in *interpreter) runColor(op pdf.Operator, args []pdf.Object) bool {
	fill, stroke := &in.state.fill, &in.state.stroke
	switch op {
	case "g", "rg", "k":
		*fill = color{components: len(args)}
		fill.set(args)
	case "G", "RG", "K":
		*stroke = color{components: len(args)}
		stroke.set(args)
	case "cs":
		fill.setSpace(in.file, in.colorSpace(args))
	case "CS":
		stroke.setSpace(in.file, in.colorSpace(args))
	case "sc", "scn":
		fill.set(args)
	case "SC", "SCN":
		stroke.set(args)
	default:
		return false
	}
	return true
}

func (in *interpreter) colorSpace(args []pdf.Object) pdf.Object {
	name := nameOf(args)
	if o := in.resource("ColorSpace", name); o != nil {
		return o
	}
	return name
}
