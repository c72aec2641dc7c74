package tagging

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// joinLines puts the lines of labels together that go on in the line below. The texts are in the order of their lines,
// from the top.
func (l *labels) joinLines() {
	var out []*label
	for i, t := range l.texts {
		if *l.compared += len(out) - max(0, len(out)-maxBefore); *l.compared > maxCompared {
			l.texts = append(out, l.texts[i:]...)
			return
		}
		joined := false
		for k := len(out) - 1; k >= max(0, len(out)-maxBefore) && !joined; k-- {
			if upper := out[k]; l.goesOn(upper, t) {
				upper.text = strings.TrimSpace(upper.text) + " " + strings.TrimSpace(t.text)
				upper.box = upper.box.Union(t.box)
				upper.lines = append(upper.lines, t.box)
				joined = true
			}
		}
		if !joined {
			out = append(out, t)
		}
	}
	l.texts = out
}

// maxBefore is how many texts before one are looked at for the line above it.
const maxBefore = 24

// goesOn reports whether a text is the next line of a label: of the same size, one line lower, begun at the same place,
// with no field between them, and not both beside fields of their own. A line that begins with a capital letter is one
// only after a long line that does not end a sentence, and if no field stands beside it.
func (l *labels) goesOn(upper, lower *label) bool {
	const (
		aligned = 2   // points
		most    = 1.5 // ems from line to line
		long    = 25  // characters, more than titles have
	)
	last := upper.lines[len(upper.lines)-1]
	down := last.Bottom - lower.box.Bottom
	if math.Abs(upper.box.Left-lower.box.Left) > aligned || math.Abs(upper.size-lower.size) > 0.1*upper.size ||
		upper.bold != lower.bold || down < 0.5*upper.size || down > most*upper.size {
		return false
	}
	above, beside := l.besideOf(last), l.besideOf(lower.box)
	if len(above) > 0 && len(beside) > 0 && !slices.ContainsFunc(beside, func(f *widget) bool { return slices.Contains(above, f) }) {
		return false
	}
	if l.betweenLines(last, lower.box) {
		return false
	}
	text := strings.TrimSpace(upper.text)
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(lower.text))
	end, _ := utf8.DecodeLastRuneInString(text)
	if !unicode.IsUpper(first) {
		return unicode.IsLetter(first) || first == '('
	}
	own := len(beside) > 0 && !slices.ContainsFunc(beside, func(f *widget) bool { return slices.Contains(above, f) })
	return !own && len([]rune(text)) >= long && !strings.ContainsRune(".:?!", end)
}

// besideOf returns the fields beside a line within the reach of labels.
func (l *labels) besideOf(line pagetext.Rect) []*widget {
	var out []*widget
	*l.compared += len(l.fields)
	middle := (line.Bottom + line.Top) / 2
	for _, f := range l.fields {
		if middle > f.box.Bottom-2 && middle < f.box.Top+2 && f.box.Left-line.Right < labelBefore && line.Left-f.box.Right < labelBeside {
			out = append(out, f)
		}
	}
	return out
}

// betweenLines reports whether a field lies between two lines.
func (l *labels) betweenLines(upper, lower pagetext.Rect) bool {
	*l.compared += len(l.fields)
	return slices.ContainsFunc(l.fields, func(f *widget) bool {
		middle := (f.box.Bottom + f.box.Top) / 2
		return middle < upper.Bottom && middle > lower.Top && f.box.Left < max(upper.Right, lower.Right) && f.box.Right > lower.Left
	})
}

// beside returns the line of a label that is at the height of a box. It is false, with the first line, if none is.
func (t *label) beside(box pagetext.Rect) (pagetext.Rect, bool) {
	for _, line := range t.lines {
		if middle := (line.Bottom + line.Top) / 2; middle > box.Bottom-2 && middle < box.Top+2 {
			return line, true
		}
	}
	return t.lines[0], false
}
