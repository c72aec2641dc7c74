package tagging

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// How far labels lie from fields, in points.
const (
	labelBeside = 40 // on the right of a button
	labelBefore = 80 // on the left of a field
	labelAbove  = 20
	labelBelow  = 14
	// groupAbove is how far above its buttons the label of a group may be.
	groupAbove = 30
)

// side is where the label of a field is.
type side int

const (
	right side = iota
	left
	above
	below
	sides
)

// label is text that stands together and may name a field.
type label struct {
	text string
	box  pagetext.Rect
	// lines are the places of its lines, from the top.
	lines []pagetext.Rect
	// size and bold are those of the text that it begins with.
	size float64
	bold bool
}

// labels are the texts of a page that may name fields, and the places of all its fields: none of them lies between a
// field and its label.
type labels struct {
	texts  []*label
	fields []*widget
	// beneath is set if the text fields of the page have their labels below them.
	beneath bool
	// compared counts what the search costs in the whole document; see maxCompared.
	compared *int
}

// readLabels puts the runs of a page together that stand beside each other with no field between them.
func (w *work) readLabels(page int, fields []*widget) *labels {
	out := &labels{fields: fields, compared: &w.compared}
	if page > len(w.shown) {
		return out
	}
	runs := w.shown[page-1].Runs()
	if w.compared += len(runs) * (1 + len(fields)); w.compared > maxCompared {
		return out
	}
	var order []int
	for i := range runs {
		if r := &runs[i]; !r.Hidden && strings.TrimSpace(r.Text) != "" && r.Angle == 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(runs[b].Baseline, runs[a].Baseline) })
	for from := 0; from < len(order); {
		to := from + 1
		first := &runs[order[from]]
		const tolerance = 0.3 // ems
		for to < len(order) && first.Baseline-runs[order[to]].Baseline < tolerance*max(first.Size, 1) {
			to++
		}
		row := order[from:to]
		slices.SortStableFunc(row, func(a, b int) int { return cmp.Compare(runs[a].Box.Left, runs[b].Box.Left) })
		out.addRow(runs, row)
		from = to
	}
	out.joinLines()
	for _, l := range out.texts {
		l.text = cleanLabel(l.text)
	}
	out.texts = slices.DeleteFunc(out.texts, func(l *label) bool { return !strings.ContainsFunc(l.text, isLetter) })
	out.beneath = out.areBeneath()
	return out
}

func (l *labels) addRow(runs []pagetext.Run, row []int) {
	const (
		apart = 0.9  // ems between texts that do not belong together
		space = 0.12 // ems between words
	)
	var last *label
	for _, i := range row {
		r := &runs[i]
		if last != nil {
			gap := r.Box.Left - last.box.Right
			if gap < apart*r.Size && !l.between(last.box.Right, r.Box.Left, r.Box) {
				if gap > space*r.Size {
					last.text += " "
				}
				last.text += r.Text
				last.box = last.box.Union(r.Box)
				last.lines[0] = last.box
				continue
			}
		}
		last = &label{text: r.Text, box: r.Box, lines: []pagetext.Rect{r.Box}, size: r.Size, bold: r.Bold}
		l.texts = append(l.texts, last)
	}
}

// cleanLabel takes away what surrounds a label: spaces, dots that lead to the field, the mark of a required one.
func cleanLabel(s string) string {
	return strings.Trim(strings.Join(strings.Fields(s), " "), " :._*")
}

// between tells whether a field lies between two places of a line.
func (l *labels) between(from, to float64, at pagetext.Rect) bool {
	middle := (at.Bottom + at.Top) / 2
	*l.compared += len(l.fields)
	return slices.ContainsFunc(l.fields, func(f *widget) bool {
		center := (f.box.Left + f.box.Right) / 2
		return f.box.Bottom-2 < middle && middle < f.box.Top+2 && from < center && center < to
	})
}

const tooFar = math.MaxFloat64

// gap is how far a text is from a box on a side; tooFar if it cannot be the label there.
func (l *labels) gap(t *label, box pagetext.Rect, where side) float64 {
	line, beside := t.beside(box)
	over := t.box.Left < box.Right && t.box.Right > box.Left
	var gap, most float64
	switch where {
	case right:
		gap, most = t.box.Left-box.Right, labelBeside
		if !beside || gap < -3 || gap <= most && l.between(box.Right, t.box.Left, line) {
			return tooFar
		}
	case left:
		gap, most = box.Left-t.box.Right, labelBefore
		if !beside || gap < -3 || gap <= most && l.between(t.box.Right, box.Left, line) {
			return tooFar
		}
	case above:
		gap, most = t.box.Bottom-box.Top, labelAbove
		if !over || gap < -2 {
			return tooFar
		}
	case below:
		gap, most = box.Bottom-t.box.Top, labelBelow
		if !over || gap < -2 {
			return tooFar
		}
	case sides:
	}
	if gap > most {
		return tooFar
	}
	gap = max(gap, 0)
	if where == above || where == below {
		// Text that begins far before the field is rather about more than it.
		const early = 0.25
		gap += early * max(0, box.Left-t.box.Left)
		if l.betweenLines(t.box, box) || l.betweenLines(box, t.box) {
			return tooFar
		}
	}
	return gap
}

// nearest finds the text that labels a box on a side.
func (l *labels) nearest(box pagetext.Rect, where side) (*label, float64) {
	var best *label
	least := float64(tooFar)
	if *l.compared += len(l.texts); *l.compared > maxCompared {
		return best, least
	}
	for _, t := range l.texts {
		if gap := l.gap(t, box, where); gap < least {
			best, least = t, gap
		}
	}
	return best, least
}

// order is where labels are looked for first.
func (l *labels) order(one *widget) []side {
	switch {
	case one.button:
		return []side{right, left, below, above}
	case l.beneath:
		return []side{left, below, right}
	}
	return []side{left, above, right}
}

// areBeneath reports whether more text fields have a label of their own below them than above them.
func (l *labels) areBeneath() bool {
	count := func(where side) int {
		own := map[*label]bool{}
		for _, one := range l.fields {
			if one.button {
				continue
			}
			if t, _ := l.nearest(one.box, where); t != nil {
				own[t] = true
			}
		}
		return len(own)
	}
	return count(below) > count(above)
}

// sideOf finds the side on which all widgets have labels that belong to none but them: as many as possible, as near as
// possible.
func (l *labels) sideOf(group []*widget) side {
	order := l.order(group[0])
	best, most, least := order[0], 0, float64(tooFar)
	for rank, where := range order {
		taken := map[*label]bool{}
		sum := 10.0 * float64(rank) // points by which a less usual side must be nearer
		for _, one := range group {
			if t, gap := l.nearest(one.box, where); t != nil && !taken[t] {
				taken[t] = true
				sum += gap / float64(len(group))
			}
		}
		if n := len(taken); n > most || n == most && n > 0 && sum < least {
			best, most, least = where, n, sum
		}
	}
	return best
}

// find gives the label of a widget: on the side of its group, else on another one.
func (l *labels) find(one *widget, where side) *label {
	if t, _ := l.nearest(one.box, where); t != nil {
		return t
	}
	for _, other := range l.order(one) {
		if t, _ := l.nearest(one.box, other); t != nil {
			return t
		}
	}
	return nil
}

// haveOwn reports whether each widget of a group has a label of its own on a side.
func (l *labels) haveOwn(group []*widget, where side) bool {
	_, have := l.own(group, where)
	return have
}

// own gives the labels of the widgets of a group on a side, if each has one of its own.
func (l *labels) own(group []*widget, where side) (own []*label, have bool) {
	for _, one := range group {
		t, _ := l.nearest(one.box, where)
		if t == nil || slices.Contains(own, t) {
			return nil, false
		}
		own = append(own, t)
	}
	return own, true
}
