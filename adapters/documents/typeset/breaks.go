package typeset

import (
	"github.com/go-text/typesetting/segmenter"
)

// findBreaks marks where a line may begin (Unicode Standard Annex 14).
func (p *paragraph) findBreaks(s *segmenter.Segmenter) {
	p.breaks = make([]bool, len(p.text))
	if p.style.Space == "pre" || p.style.Space == "nowrap" {
		return
	}
	if plain(p.text) {
		for i := 1; i < len(p.text); i++ {
			before, r := p.text[i-1], p.text[i]
			p.breaks[i] = r != ' ' && (before == ' ' ||
				before == '-' && i > 1 && isWord(p.text[i-2]) && isLetter(r))
		}
		return
	}
	s.Init(p.text)
	for lines := s.LineIterator(); lines.Next(); {
		if at := lines.Line().Offset; at > 0 && at < len(p.text) {
			p.breaks[at] = p.style.Hyphens || p.text[at-1] != softHyphen
		}
	}
}

// plain tells whether text is of letters, digits and the signs for which the rules of Annex 14 come down to breaks
// after spaces and hyphens.
func plain(text []rune) bool {
	for _, r := range text {
		switch {
		case isWord(r), r == ' ', r == '.', r == ',', r == ';', r == ':', r == '\'', r == '-', r == '\n', r == '(', r == ')', r == '"':
		default:
			return false
		}
	}
	return true
}

func isLetter(r rune) bool { return r|32 >= 'a' && r|32 <= 'z' }

func isWord(r rune) bool { return isLetter(r) || r >= '0' && r <= '9' }
