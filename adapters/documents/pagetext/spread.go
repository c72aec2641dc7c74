package pagetext

import (
	"math"
	"slices"
)

const (
	// maxSpread is how many letters a string has at the most whose character spacing stands for spaces.
	maxSpread = 3
	// adjoining is how far apart, in ems, letters of a word are at the most.
	adjoining = 0.1
)

// end is where a run ends.
type end struct {
	run     int
	x, y    float64
	visible bool
	spacing float64
}

// spread is a run with spaces that its character spacing may stand for.
type spread struct {
	run  int
	text string
}

// settleSpread decides whether character spacing stands for spaces. Some programs write the last letter of a word and the
// first of the next as one string, which character spacing moves apart; the rest of both words adjoins on either side.
// Words that are spaced out for their look adjoin nothing that is not.
func (l *line) settleSpread() {
	in := l.in
	number := len(in.page.runs) - 1
	run := &in.page.runs[number]
	x, y := in.state.ctm.apply(l.firstX, l.firstY)
	before := in.ended
	adjoins := number > 0 && before.visible && l.visible && before.run == number-1 &&
		math.Hypot(x-before.x, y-before.y) < adjoining*run.Size
	if adjoins && in.spread.text != "" && in.spread.run == number-1 && l.spacing < spaceGap {
		in.page.runs[number-1].Text = in.spread.text
	}
	in.spread = spread{}
	if n := len(l.spread); n > 0 && n == l.shown-1 && l.shown <= maxSpread && len(in.buffer) == len(run.Text) {
		text := []byte(run.Text)
		for _, at := range slices.Backward(l.spread) {
			text = slices.Insert(text, at, ' ')
		}
		if adjoins && before.spacing < spaceGap {
			run.Text = string(text)
		} else {
			in.spread = spread{number, string(text)}
		}
	}
	in.ended = end{run: number, visible: l.visible, spacing: l.spacing}
	in.ended.x, in.ended.y = in.state.ctm.apply(l.lastX, l.lastY)
}
