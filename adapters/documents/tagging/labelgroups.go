package tagging

import (
	"math"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// ofGroup finds what a group of buttons is asked: the text before the first of them in its line, else the one above
// them. Labels of buttons are not it.
func (l *labels) ofGroup(group []*widget, taken []*label) *label {
	box := group[0].box
	first := group[0].box
	for _, one := range group {
		box = box.Union(one.box)
		if one.label != nil && one.label.box.Bottom-one.box.Top <= labelAbove { // else the head of a column, above other rows
			box = box.Union(one.label.box)
		}
		if one.box.Left < first.Left-1 || one.box.Top > first.Top+1 && one.box.Left < first.Left+1 {
			first = one.box
		}
	}
	var before, over *label
	nearest, lowest := float64(tooFar), float64(tooFar)
	*l.compared += len(l.texts)
	for _, t := range l.texts {
		if slices.Contains(taken, t) {
			continue
		}
		gap := box.Left - t.box.Right
		if _, beside := t.beside(first); beside && gap > -3 && gap < 2*labelBefore && gap < nearest {
			before, nearest = t, gap
		}
		gap = t.box.Bottom - box.Top
		if gap > -2 && gap < groupAbove && t.box.Left < box.Right && t.box.Right > box.Left-labelBefore && gap < lowest {
			over, lowest = t, gap
		}
	}
	if before != nil {
		return before
	}
	return over
}

// headsOf returns the labels over the columns that a row of buttons stands in, if rows of as many buttons lie above it at
// the same places, and the first of them has a label above each button. It is nil where there are none.
func (l *labels) headsOf(group []*widget, groups [][]*widget) []*label {
	if len(group) < 2 || !isRow(group) {
		return nil
	}
	var top []*widget
	for _, other := range groups {
		if *l.compared += len(group); *l.compared > maxCompared {
			return nil
		}
		if inColumns(group, other) && (top == nil || other[0].box.Top > top[0].box.Top) {
			top = other
		}
	}
	if top == nil || top[0].box.Top <= group[0].box.Top {
		return nil
	}
	heads, _ := l.own(top, above)
	return heads
}

// isRow reports whether widgets stand side by side.
func isRow(group []*widget) bool {
	return !slices.ContainsFunc(group, func(one *widget) bool { return !level(one.box, group[0].box) })
}

// inColumns reports whether two rows have as many buttons, at the same places of their lines.
func inColumns(a, b []*widget) bool {
	const aligned = 4 // points
	if len(a) != len(b) || !isRow(b) {
		return false
	}
	for i := range a {
		if !b[i].button || math.Abs(a[i].box.Left-b[i].box.Left) > aligned {
			return false
		}
	}
	return true
}

// level reports whether two boxes are at the same height.
func level(a, b pagetext.Rect) bool {
	middle := (a.Bottom + a.Top) / 2
	return middle > b.Bottom && middle < b.Top
}

// tellApart puts the question before the labels of check boxes that others on the page have as well, such as yes and no.
func (l *labels) tellApart(all []*widget, taken []*label) {
	names := map[string]int{}
	for _, one := range all {
		names[one.name]++
	}
	var rows [][]*widget
	for _, one := range all {
		if !one.button || one.isPart() || one.label == nil || names[one.name] < 2 {
			continue
		}
		if *l.compared += len(rows); *l.compared > maxCompared {
			return
		}
		if i := slices.IndexFunc(rows, func(row []*widget) bool { return level(one.box, row[0].box) }); i >= 0 {
			rows[i] = append(rows[i], one)
		} else {
			rows = append(rows, []*widget{one})
		}
	}
	for _, row := range rows {
		if question := l.ofGroup(row, taken); question != nil {
			for _, one := range row {
				one.name = nameWithin(question.text, one.name)
			}
		}
	}
}

// nameWithin puts the name of what a field belongs to before its own.
func nameWithin(outer, name string) string {
	switch {
	case outer == "" || outer == name:
		return name
	case name == "":
		return outer
	case strings.HasSuffix(outer, "?"):
		return outer + " " + name
	}
	return outer + ", " + name
}
