package pdfhtml

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var rightToLeftScripts = []*unicode.RangeTable{
	unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam,
}

// letters counts letters by their direction.
func letters(s string) (left, right int) {
	for _, r := range s {
		if r < 0x590 && unicode.IsLetter(r) {
			left++
		} else if unicode.In(r, rightToLeftScripts...) {
			right++
		} else if unicode.IsLetter(r) {
			left++
		}
	}
	return left, right
}

// reorder puts lines that run from right to left into the order of reading. Pages paint glyphs from left to right; what
// a run shows therefore reads backwards in such scripts.
func reorder(segments []segment) []segment {
	turned := slices.ContainsFunc(segments, func(s segment) bool {
		_, right := letters(s.text)
		return right > 0
	})
	if !turned || isLogical(segments) {
		return segments
	}
	all, backwards := 0, 0
	for _, s := range segments {
		left, right := letters(s.text)
		all, backwards = all+left+right, backwards+right
	}
	base := backwards*2 > all
	out := make([]segment, 0, len(segments))
	for start := 0; start < len(segments); {
		end := start + 1
		previous := &segments[start]
		for end < len(segments) {
			s := &segments[end]
			if s.run != nil {
				if previous.run != nil && newLine(previous, s) {
					break
				}
				previous = s
			}
			end++
		}
		// The space before the next line stays where it is.
		last := end
		for last > start+1 && segments[last-1].node == nil && segments[last-1].run == nil && segments[last-1].text == " " {
			last--
		}
		out = append(append(out, line(segments[start:last], base)...), segments[last:end]...)
		start = end
	}
	return out
}

// newLine tells whether a segment is on another line than the one before it, wherever in it they are.
func newLine(a, b *segment) bool {
	if a.page != b.page || a.run.Angle != b.run.Angle {
		return true
	}
	overlap := min(a.run.Box.Top, b.run.Box.Top) - max(a.run.Box.Bottom, b.run.Box.Bottom)
	return overlap < 0.3*min(a.run.Box.Height(), b.run.Box.Height())
}

// line reorders one line, by the rules of UAX 9 as far as they show: whole lines are turned if the text runs from right
// to left, else only what does so inside of them.
func line(segments []segment, base bool) []segment {
	mirror := shapesBrackets(segments)
	var atoms []segment // of one direction each
	for _, s := range segments {
		if s.text == "" || s.node != nil {
			atoms = append(atoms, s)
			continue
		}
		for _, part := range directions(s.text) {
			piece := s
			piece.text = part
			atoms = append(atoms, piece)
		}
	}
	turn := func(part []segment) {
		slices.Reverse(part)
		for i := range part {
			if left, right := letters(part[i].text); right > 0 || left == 0 && !hasDigit(part[i].text) {
				part[i].text = reversed(part[i].text, mirror)
			}
		}
		// What runs from left to right inside keeps its order.
		for i := 0; i < len(part); {
			j := i
			for j < len(part) && part[j].node == nil && isLeft(part[j].text) {
				j++
			}
			slices.Reverse(part[i:j])
			i = max(j, i+1)
		}
	}
	// Lines whose pieces already come from right to left are only turned piece by piece.
	if base && !descending(atoms) {
		turn(atoms)
		return atoms
	}
	for i := 0; i < len(atoms); i++ {
		if _, right := letters(atoms[i].text); right == 0 {
			continue
		}
		j := i + 1
		for k := j; k < len(atoms) && atoms[k].node == nil && !isLeft(atoms[k].text) && !base; k++ {
			if _, right := letters(atoms[k].text); right > 0 {
				j = k + 1
			}
		}
		turn(atoms[i:j])
		i = j - 1
	}
	return atoms
}

// descending tells whether the pieces of a line are painted from right to left.
func descending(atoms []segment) bool {
	first, last := -1.0, -1.0
	for _, s := range atoms {
		if s.run != nil {
			if first < 0 {
				first = s.run.Box.Left
			}
			last = s.run.Box.Left
		}
	}
	return last < first
}

func isLeft(s string) bool {
	left, right := letters(s)
	return right == 0 && (left > 0 || hasDigit(s))
}

func hasDigit(s string) bool { return strings.IndexFunc(s, unicode.IsDigit) >= 0 }

// directions divides a text where letters of the other direction or numbers begin.
func directions(s string) []string {
	var out []string
	start, leftward, known := 0, false, false
	for i, r := range s {
		right := unicode.In(r, rightToLeftScripts...)
		strong := right || unicode.IsLetter(r) || unicode.IsDigit(r)
		if !strong {
			continue
		}
		if known && right != leftward {
			// White space and signs between go to the text from right to left.
			cut := i
			if right {
				cut = start + len(strings.TrimRightFunc(s[start:i], isWeak))
			}
			out = append(out, s[start:cut])
			start = cut
		}
		leftward, known = right, true
	}
	return append(out, s[start:])
}

func isWeak(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

var mirrors = map[rune]rune{
	'(': ')', ')': '(', '[': ']', ']': '[', '{': '}', '}': '{', '<': '>', '>': '<', '«': '»', '»': '«', '‹': '›', '›': '‹',
}

// shapesBrackets tells whether brackets are those that are seen, not those that are meant: painted from left to right
// they open first.
func shapesBrackets(segments []segment) bool {
	for _, s := range segments {
		if at := strings.IndexAny(s.text, "()[]{}<>«»‹›"); at >= 0 {
			bracket, _ := utf8.DecodeRuneInString(s.text[at:])
			return strings.ContainsRune("([{<«‹", bracket)
		}
	}
	return true
}

// reversed turns a text around; marks stay behind their letters, and brackets are mirrored if they are as seen.
func reversed(s string, mirror bool) string {
	runes := []rune(s)
	out := make([]rune, 0, len(runes))
	for end := len(runes); end > 0; {
		start := end - 1
		for start > 0 && unicode.Is(unicode.Mn, runes[start]) {
			start--
		}
		for _, r := range runes[start:end] {
			if m, ok := mirrors[r]; ok && mirror {
				r = m
			}
			out = append(out, r)
		}
		end = start
	}
	return string(out)
}

// finals are the letters that Hebrew writes only at the end of a word.
const finals = "ךםןףץ"

// isLogical tells whether text is in the order of reading already, by where words have letters that only end them.
func isLogical(segments []segment) bool {
	starts, ends := 0, 0
	for _, s := range segments {
		for word := range strings.FieldsSeq(s.text) {
			runes := []rune(word)
			if len(runes) < 2 {
				continue
			}
			starts += one(strings.ContainsRune(finals, runes[0]))
			ends += one(strings.ContainsRune(finals, runes[len(runes)-1]))
		}
	}
	return ends > starts
}

// direction gives the dir of a block whose letters run against the document's direction, "" if they do not.
func (b *builder) direction(segments []segment) string {
	left, right := 0, 0
	for _, s := range segments {
		l, r := letters(s.text)
		left, right = left+l, right+r
	}
	switch {
	case right > left && !b.rightToLeft:
		return "rtl"
	case left > right && b.rightToLeft && right == 0:
		return "ltr"
	}
	return ""
}
