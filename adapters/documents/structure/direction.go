package structure

import (
	"unicode"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// rightToLeft tells whether most letters of texts are of a script that is written from right to left.
func rightToLeft(texts ...string) bool {
	balance := 0
	for _, text := range texts {
		for _, r := range text {
			switch {
			case r < 0x590:
				if unicode.IsLetter(r) {
					balance--
				}
			case unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko):
				balance++
			case unicode.IsLetter(r):
				balance--
			}
		}
	}
	return balance > 0
}

// isRightToLeft tells whether the runs of a row are read from right to left.
func (s *sheet) isRightToLeft(runs []int) bool {
	balance := 0
	for _, i := range runs {
		if text := s.page.Runs[i].Text; rightToLeft(text) {
			balance += len(text)
		} else {
			balance -= len(text)
		}
	}
	return balance > 0
}

// advance is the gap from one run to the one read after it, in the direction in which their text is written.
func advance(a, b *pagetext.Run) float64 {
	if b.Box.Right < a.Box.Right && rightToLeft(a.Text, b.Text) {
		return a.Box.Left - b.Box.Right
	}
	return b.Box.Left - a.Box.Right
}
