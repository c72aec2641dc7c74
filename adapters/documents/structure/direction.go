package structure

import (
	"slices"
	"strings"
	"unicode"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// rightToLeft tells whether most letters of texts are of a script that is written from right to left.
func rightToLeft(texts ...string) bool { return balance(texts...) > 0 }

// balance is how many more letters of texts are of scripts that are written from right to left than of others; it is 0 for
// numbers, which have the direction of what is around them.
func balance(texts ...string) int {
	balance := 0
	for _, text := range texts {
		for _, r := range text {
			if pagetext.IsRightToLeft(r) {
				balance++
			} else if unicode.IsLetter(r) {
				balance--
			}
		}
	}
	return balance
}

// isRightToLeft tells whether most text of a page along a direction of writing is read from right to left.
func isRightToLeft(p *pagetext.Page, angle float64) bool {
	all := 0
	for i := range p.Runs() {
		if r := &p.Runs()[i]; !r.Hidden && r.Angle == angle {
			all += balance(r.Text)
		}
	}
	return all > 0
}

// readingOrder puts the runs of a row, which are in the order of the page, into the order of reading: that of most of their
// letters, with words of the other direction among them, and numbers, in theirs. It follows the Unicode Bidirectional
// Algorithm (UAX #9) as far as whole runs go.
func (s *sheet) readingOrder(runs []int) []int {
	if len(runs) < 2 {
		return runs
	}
	all := 0
	for _, i := range runs {
		all += balance(s.page.Runs()[i].Text)
	}
	// What is read first is on the right. Few words of another script, such as a label, have the direction of the page.
	const few = 12 // letters
	backwards := all > 0 || all > -few && s.mirrored
	if !backwards && !s.mirrored && !slices.ContainsFunc(runs, func(i int) bool { return rightToLeft(s.page.Runs()[i].Text) }) {
		return runs
	}
	out := slices.Clone(runs)
	if backwards != s.mirrored {
		slices.Reverse(out)
	}
	for i := 0; i < len(out); {
		end := s.islandEnd(out, i, backwards)
		slices.Reverse(out[i:end])
		i = max(end, i+1)
	}
	return out
}

// islandEnd gives the end of what starts with a run of a row and is written against the direction of the row; that is the
// start if there is none.
func (s *sheet) islandEnd(runs []int, start int, backwards bool) int {
	against := func(text string) bool {
		by := balance(text)
		return by < 0 && backwards || by > 0 && !backwards
	}
	end := start
	if against(s.page.Runs()[runs[start]].Text) {
		for i := start; i < len(runs); i++ {
			text := s.page.Runs()[runs[i]].Text
			if against(text) || backwards && isNumber(text) {
				end = i + 1
			} else if balance(text) != 0 {
				break
			}
		}
		return end
	}
	const joined = 0.12 // ems between the parts of a number
	for i := start; backwards && i < len(runs); i++ {
		run := &s.page.Runs()[runs[i]]
		if strings.Trim(run.Text, numberSigns) != "" && !isNumber(run.Text) ||
			i > start && run.Box.Left-s.page.Runs()[runs[i-1]].Box.Right > joined*run.Size ||
			i > start && s.page.Runs()[runs[i-1]].Box.Left-run.Box.Right > joined*run.Size {
			break
		}
		if isNumber(run.Text) {
			end = i + 1
		}
	}
	return end
}

// numberSigns stand in numbers.
const numberSigns = ".,:/+-%$€£\u00a0"

// isNumber tells whether text is digits and the signs in numbers.
func isNumber(text string) bool {
	text = strings.Trim(text, " ")
	digits := false
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits = true
		} else if !strings.ContainsRune(numberSigns, r) {
			return false
		}
	}
	return digits
}

// advance is the gap from one run to the one read after it, in the direction in which their text is written.
func advance(a, b *pagetext.Run) float64 {
	if b.Box.Right < a.Box.Right && rightToLeft(a.Text, b.Text) {
		return a.Box.Left - b.Box.Right
	}
	return b.Box.Left - a.Box.Right
}
