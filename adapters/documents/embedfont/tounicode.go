package embedfont

import "github.com/perfectworks/backend/adapters/documents/font"

// toUnicode writes the character map from codes, of so many hexadecimal digits, to speakable texts.
func toUnicode(texts map[int]string, digits int) []byte {
	spoken := make(map[int]string, len(texts))
	for code, text := range texts {
		spoken[code] = speakable(text)
	}
	return font.ToUnicode(spoken, digits)
}

// speakable leaves out the values that ISO 14289-1, 7.21.7 forbids; where nothing is left, there is a space.
func speakable(text string) string {
	kept := make([]rune, 0, len(text))
	for _, r := range text {
		if r != 0 && r != 0xfeff && r != 0xfffe {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return " "
	}
	return string(kept)
}
