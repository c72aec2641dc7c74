package pagetext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsRightToLeft tells whether a character is of a script that is written from right to left.
func IsRightToLeft(r rune) bool {
	return r >= 0x590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
}

// ReadingOrder gives what a run shows in the order of reading. Glyphs are painted from left to right, so that text of a
// script that is written from right to left comes backwards, unless the words show that it does not. Numbers and words of
// other scripts in it keep their order.
func ReadingOrder(text string) string {
	right, others := 0, 0
	for _, r := range text {
		if IsRightToLeft(r) {
			right++
		} else if unicode.IsLetter(r) {
			others++
		}
	}
	if right == 0 || utf8.RuneCountInString(text) < 2 || isLogical(text) {
		return text
	}
	runes := []rune(text)
	if right < others {
		turnWords(runes)
	} else {
		turnAll(runes)
	}
	return string(runes)
}

// turnAll turns a text around, and turns back what runs from left to right in it.
func turnAll(runes []rune) {
	reverse(runes)
	for i := 0; i < len(runes); {
		end := i
		for j := i; j < len(runes) && !IsRightToLeft(runes[j]) && (isStrong(runes[j]) || j > i); j++ {
			if isStrong(runes[j]) {
				end = j + 1
			}
		}
		reverse(runes[i:end])
		i = max(end, i+1)
	}
}

// turnWords turns the stretches of a text around that run from right to left.
func turnWords(runes []rune) {
	for i := 0; i < len(runes); {
		end := i
		for j := i; j < len(runes) && (IsRightToLeft(runes[j]) || j > i && !isStrong(runes[j])); j++ {
			if IsRightToLeft(runes[j]) {
				end = j + 1
			}
		}
		reverse(runes[i:end])
		i = max(end, i+1)
	}
}

// isStrong tells whether a character runs from left to right.
func isStrong(r rune) bool { return !IsRightToLeft(r) && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// brackets are painted as they look, and mean the other one where text is turned around.
var brackets = map[rune]rune{
	'(': ')', ')': '(', '[': ']', ']': '[', '{': '}', '}': '{', '<': '>', '>': '<', '«': '»', '»': '«', '‹': '›', '›': '‹',
}

// reverse turns text around; marks stay behind their letters.
func reverse(runes []rune) {
	slices.Reverse(runes)
	for i := range runes {
		if other, ok := brackets[runes[i]]; ok {
			runes[i] = other
		}
	}
	for i := 0; i < len(runes); {
		j := i
		for j < len(runes) && unicode.Is(unicode.Mn, runes[j]) {
			j++
		}
		if j > i && j < len(runes) {
			slices.Reverse(runes[i : j+1])
			j++
		}
		i = max(j, i+1)
	}
}

// finals are the letters that Hebrew and Arabic write only at the end of a word.
const finals = "ךםןףץةى"

// isLogical tells whether text is in the order of reading already, by where words have letters that only end them, and the
// Arabic article.
func isLogical(text string) bool {
	starts, ends := 0, 0
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) }) {
		first, size := utf8.DecodeRuneInString(word)
		if size == len(word) {
			continue
		}
		last, _ := utf8.DecodeLastRuneInString(word)
		if strings.ContainsRune(finals, first) || strings.HasSuffix(word, "لا") {
			starts++
		}
		if strings.ContainsRune(finals, last) || strings.HasPrefix(word, "ال") {
			ends++
		}
	}
	return ends > starts
}
