package structure

import (
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Initials are large letters at the start of a paragraph, beside its first lines.
const (
	// initialSize is the relation of their size to that of the text at the least.
	initialSize = 1.6
	// initialGap is how far the text is from them at the most, in its ems; joinedInitial is the same for the rest of
	// their word.
	initialGap, joinedInitial = 1.0, 0.5
	// capitals is the height of capital letters, in ems.
	capitals = 0.7
)

// placeInitials puts initials that reach down over several lines into the first of them, to whose text they belong. The
// other lines beside them begin where they do.
func (s *sheet) placeInitials(upright []int) {
	for _, i := range upright {
		run := &s.page.Runs()[i]
		if !isInitial(run.Text) {
			continue
		}
		box, bottom := s.box(i), s.baseline(i)
		top := bottom + capitals*run.Size
		first := -1
		var beside []int
		for _, k := range upright {
			other := &s.page.Runs()[k]
			gap := s.box(k).Left - box.Right
			if other.Size*initialSize > run.Size || other.Size <= 0 || gap > initialGap*other.Size || gap < -0.3*run.Size {
				continue
			}
			switch by := s.baseline(k); {
			case by < bottom-0.3*other.Size || by > top:
			case math.Abs(by+capitals*other.Size-top) < 0.6*other.Size && (first < 0 || s.box(k).Left < s.box(first).Left):
				first = k
			default:
				beside = append(beside, k)
			}
		}
		if first < 0 || len(beside) == 0 || s.baseline(first)-bottom < 0.7*s.page.Runs()[first].Size {
			continue
		}
		s.place()
		host := s.boxes[first]
		if s.initials == nil {
			s.initials = map[int]bool{}
		}
		s.initials[i] = true
		s.baselines[i] = s.baselines[first]
		s.boxes[i].Bottom, s.boxes[i].Top = host.Bottom, host.Top
		if host.Left-box.Right < joinedInitial*s.page.Runs()[first].Size {
			s.boxes[i].Right = host.Left
		}
		for _, k := range beside {
			if s.baselines[k] < s.baselines[first] {
				s.boxes[k].Left = box.Left
			}
		}
	}
}

// isInitial tells whether text is one capital letter, or one behind a quotation mark.
func isInitial(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	if unicode.IsPunct(r) {
		text = text[size:]
		r, size = utf8.DecodeRuneInString(text)
	}
	return size > 0 && size == len(text) && unicode.IsUpper(r)
}

// beginsWord tells whether a run is the initial of the word that the next run goes on with.
func beginsWord(a, b *pagetext.Run) bool {
	return a.Size > initialSize*b.Size && b.Size > 0 && isInitial(a.Text) && a.Angle == 0 && b.Angle == 0 &&
		math.Abs(b.Box.Left-a.Box.Right) < joinedInitial*b.Size && b.Baseline > a.Baseline-0.3*b.Size && b.Baseline < a.Baseline+a.Size
}
