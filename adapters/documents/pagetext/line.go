package pagetext

import (
	"bytes"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// line is what one operation shows, from its start or from the last division on.
type line struct {
	in    *interpreter
	table *fontTable
	// from is where it starts in what the operation shows.
	from Split
	// first and last are the points on the baseline where visible glyphs start and end; x0 is where any glyph starts.
	firstX, firstY, lastX, lastY float64
	startX, startY               float64
	begun, visible               bool
	// spaces are those that a gap stands for, written before the next visible glyph.
	spaces  int
	divided bool
	// back is by how much the last gap moves back, in ems.
	back float64
	// edges are the sides of links that the line runs through.
	edges []edge
	// shown counts the visible glyphs; spread are the places in the text of those that character spacing alone moves
	// away from the one before by as much as a space.
	shown  int
	spread []int
	// spacing is what character spacing adds between glyphs, in ems.
	spacing float64
}

func (in *interpreter) open(from Split) line {
	table := in.state.text.font
	if table == nil {
		table = in.substitute()
	}
	in.buffer = in.buffer[:0]
	l := line{in: in, table: table, from: from}
	if size := in.state.text.size * table.em; size != 0 {
		l.spacing = in.state.text.charSpace / size
	}
	return l
}

// shows tells whether any text follows in an array.
func shows(rest pdf.Array) bool {
	for _, o := range rest {
		if s, ok := o.(pdf.String); ok && len(s) > 0 {
			return true
		}
	}
	return false
}

// divides tells whether a gap, in ems, parts a column, a cell or a label from what follows.
func (l *line) divides(gap float64) bool {
	if l.table.mono {
		return gap >= monoColumnGap
	}
	return gap >= columnGap || gap >= labelGap && l.from == Split{} && isLabel(l.in.buffer)
}

// isLabel tells whether text is a bullet or a short numbering and nothing else.
func isLabel(text []byte) bool {
	const longest = 8 // bytes of labels such as "(viii)"
	s := strings.TrimSpace(string(text[:min(len(text), longest+1)]))
	if s == "" || len(s) > longest {
		return false
	}
	if r, size := utf8.DecodeRuneInString(s); size == len(s) {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '"' && r != '(' && r != '\''
	}
	switch s[len(s)-1] {
	case '.', ')', ']':
	default:
		return false
	}
	for _, r := range strings.Trim(s, "()[].") {
		if !unicode.IsDigit(r) && !unicode.IsLetter(r) && r != '.' {
			return false
		}
	}
	core := strings.Trim(s, "()[].")
	return core != "" && (len(core) <= 2 || unicode.IsDigit(rune(core[0])) || strings.Trim(core, "ivxlcIVXLC") == "")
}

// gap notes a gap between two strings, in ems.
func (l *line) gap(gap float64) {
	l.back = -gap
	if gap += min(l.spacing, 0); gap < spaceGap || !l.begun {
		return
	}
	l.spaces = 1
	if l.table.mono {
		const pitch = 0.6 // the width of the glyphs of nearly all fonts of a fixed pitch
		l.spaces = int(min(max(gap/pitch+0.5, 1), maxSpaces))
	}
}

// string shows a string.
func (l *line) string(s string) {
	if l.table.simple {
		for i := range len(s) {
			l.glyph(int(s[i]), s[i] == ' ')
		}
		return
	}
	for len(s) > 0 {
		code, size := l.table.code(s)
		if size == 0 {
			return
		}
		l.glyph(code, size == 1 && code == ' ')
		s = s[size:]
	}
}

// divide ends the line at a point and goes on with another one.
func (l *line) divide(at Split) {
	l.divided = true
	l.close(at)
	edges := l.edges
	*l = l.in.open(at)
	l.divided, l.edges = true, edges
}

// glyph shows a glyph and moves on.
func (l *line) glyph(code int, single bool) {
	in, t := l.in, &l.in.state.text
	g := l.table.glyph(code)
	visible := !g.space
	x, y := in.textMatrix.apply(0, t.rise)
	if !l.begun {
		l.begun, l.startX, l.startY = true, x, y
	}
	if visible && l.spaces > 0 {
		l.pad()
	} else if visible && l.shown > 0 && l.spacing-l.back >= spaceGap && !bytes.HasSuffix(in.buffer, []byte{' '}) {
		l.spread = append(l.spread, len(in.buffer))
	}
	if l.back < overprint || !in.accent(g.text) {
		in.buffer = append(in.buffer, g.text...)
	}
	l.back = 0
	if visible {
		l.shown++
	}
	if visible && !l.visible {
		l.visible, l.firstX, l.firstY = true, x, y
	}
	extra := t.charSpace
	if single {
		extra += t.wordGap
	}
	if l.table.vertical {
		in.advance(0, l.table.displacement*0.001*t.size+extra)
	} else {
		in.advance((g.width*l.table.unit*t.size+extra)*t.scale, 0)
	}
	if visible || !l.visible {
		m := in.textMatrix
		l.lastX, l.lastY = m.apply(0, t.rise)
		if visible && !l.table.vertical { // the space after the last glyph is not its own
			l.lastX -= extra * t.scale * m.a
			l.lastY -= extra * t.scale * m.b
		}
	}
}

// pad writes the spaces of a gap, unless there are some already.
func (l *line) pad() {
	b := l.in.buffer
	if n := len(b); n > 0 && b[n-1] != ' ' {
		for range l.spaces {
			b = append(b, ' ')
		}
	}
	l.in.buffer, l.spaces = b, 0
}

// close makes a run of the line, which ends before a point.
func (l *line) close(to Split) {
	in := l.in
	if !l.begun || !in.keep() {
		return
	}
	t := &in.state.text
	run := Run{
		Place: in.place(), Text: string(in.buffer), Font: l.table.font, Bold: l.table.bold || t.mode == 2,
		Italic: l.table.italic, Mono: l.table.mono, Color: in.state.fill.rgb, Invisible: t.mode == 3 || t.mode == 7,
	}
	if t.mode == 1 { // text in outlines has the color of strokes
		run.Color = in.state.stroke.rgb
	}
	if l.divided {
		run.Place.From, run.Place.To = l.from, to
	}
	if r := in.replacement(); r != nil {
		run.Text = ""
		if !r.given {
			run.Text, r.given = r.text, true
		}
	}
	if !l.visible {
		l.firstX, l.firstY = l.startX, l.startY
	}
	l.measure(&run)
	in.page.runs = append(in.page.runs, run)
	l.settleSpread()
}

// measure reckons where a run is on the page.
func (l *line) measure(run *Run) {
	in, t := l.in, &l.in.state.text
	m := in.textMatrix.mul(in.state.ctm)
	x0, y0 := in.state.ctm.apply(l.firstX, l.firstY)
	x1, y1 := in.state.ctm.apply(l.lastX, l.lastY)
	across := math.Hypot(m.a, m.b)
	if across == 0 {
		across = 1
	}
	run.Size = math.Abs(m.a*m.d-m.b*m.c) / across * math.Abs(t.size) * l.table.em
	ux, uy := m.a/across, m.b/across
	if l.table.vertical {
		ux, uy = -m.c, -m.d
		if down := math.Hypot(ux, uy); down > 0 {
			ux, uy = ux/down, uy/down
		}
	}
	if t.size*t.scale < 0 {
		ux, uy = -ux, -uy
	}
	run.Angle = angle(ux, uy)
	// Up is to the left of the direction of writing, unless the text is mirrored.
	vx, vy := -uy, ux
	if up := vx*m.c + vy*m.d; up*t.size < 0 && !l.table.vertical {
		vx, vy = -vx, -vy
	}
	above, below := ascent*run.Size, descent*run.Size
	if l.table.vertical {
		above, below = run.Size/2, run.Size/2
	}
	run.Baseline = y0
	run.Box = Rect{
		Left:   min(x0, x1) + min(vx*above, -vx*below),
		Right:  max(x0, x1) + max(vx*above, -vx*below),
		Bottom: min(y0, y1) + min(vy*above, -vy*below),
		Top:    max(y0, y1) + max(vy*above, -vy*below),
	}
	shown := run.Box.Intersect(in.state.clip).Intersect(in.visible)
	run.Hidden = in.hiddenMark() || shown.Right < shown.Left || shown.Top < shown.Bottom
}

// angle gives a direction in degrees from 0 to below 360; what is nearly along the axes is along them.
func angle(x, y float64) float64 {
	const nearly = 0.5 // degrees, by which scanners and rounded numbers miss the axes
	degrees := math.Atan2(y, x) * 180 / math.Pi
	if degrees < -nearly {
		degrees += 360
	}
	if straight := math.Round(degrees/90) * 90; math.Abs(degrees-straight) <= nearly {
		degrees = straight
	}
	if degrees >= 360 {
		degrees -= 360
	}
	return degrees + 0 // no negative zero
}
