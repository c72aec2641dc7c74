package typeset

import (
	"slices"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// findLevels runs the bidirectional algorithm where there is text that runs to the left.
func (p *paragraph) findLevels() {
	if !p.style.RightToLeft && !slices.ContainsFunc(p.text, runsLeft) {
		return
	}
	direction := bidi.LeftToRight
	base := uint8(0)
	if p.style.RightToLeft {
		direction, base = bidi.RightToLeft, 1
	}
	p.levels = make([]uint8, len(p.text))
	for start := 0; start < len(p.text); {
		end := start
		for end < len(p.text) && p.text[end] != '\n' {
			end++
		}
		p.lineLevels(start, end, base, direction)
		if end < len(p.text) {
			p.levels[end] = base
		}
		start = end + 1
	}
}

// lineLevels finds the levels between two forced line breaks. The library tells the direction of runs but not their
// levels: numbers between words that run to the left are two levels up from text that runs to the right.
func (p *paragraph) lineLevels(start, end int, base uint8, direction bidi.Direction) {
	for i := start; i < end; i++ {
		p.levels[i] = base
	}
	var b bidi.Paragraph
	text := string(p.text[start:end])
	if _, err := b.SetString(text, bidi.DefaultDirection(direction)); err != nil {
		return
	}
	order, err := b.Order()
	if err != nil {
		return
	}
	afterLeft := false
	for i := range order.NumRuns() {
		run := order.Run(i)
		from, to := run.Pos()
		level := uint8(1)
		if run.Direction() == bidi.LeftToRight {
			level = 2
			if base == 0 && (!afterLeft || slices.ContainsFunc(p.text[start+from:min(start+to+1, end)], unicode.IsLetter)) {
				level = 0
			}
		}
		afterLeft = level == 1
		for k := start + from; k <= start+to && k < end; k++ {
			p.levels[k] = level
		}
	}
}

// runsLeft tells whether a character may make text run to the left.
func runsLeft(r rune) bool {
	return r >= 0x590 && r <= 0x8ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff || r >= 0x10800 && r <= 0x10fff ||
		r >= 0x1e800 && r <= 0x1efff || r == 0x200f || r == 0x202b || r == 0x202e || r == 0x2067
}
