// Package language tells the language of a text.
//
// Scripts that one language writes are told by the script alone. Between languages of one script trigrams decide
// (whatlanggo), and only where the text is long enough for them.
package language

import (
	"strings"
	"unicode"

	"github.com/abadojack/whatlanggo"
)

const (
	// maxRunes is how much of a text is looked at.
	maxRunes = 20_000
	// leastScriptLetters is how many letters must be there to tell a language by its script.
	leastScriptLetters = 10
	// leastLetters is how many letters trigrams need: below it related languages are taken for each other.
	leastLetters = 100
	// leastConfidence is that of whatlanggo, from 0 to 1.
	leastConfidence = 0.8
	// leastShare is how much of the letters must be of the script that decides, and of the samples of one language.
	leastShare = 0.7
	// sampleRunes and maxSamples are the samples that are looked at.
	sampleRunes, maxSamples = 600, 7
)

// scripts are the scripts that tell the language, most by themselves, and those that need trigrams.
var scripts = []struct {
	table *unicode.RangeTable
	// tag is the language if only one in wide use writes the script.
	tag string
}{
	{unicode.Latin, ""},
	{unicode.Cyrillic, ""},
	{unicode.Arabic, ""},
	{unicode.Devanagari, ""},
	{unicode.Hebrew, ""},
	{unicode.Hiragana, "ja"},
	{unicode.Katakana, "ja"},
	{unicode.Han, "zh"},
	{unicode.Hangul, "ko"},
	{unicode.Greek, "el"},
	{unicode.Thai, "th"},
	{unicode.Georgian, "ka"},
	{unicode.Armenian, "hy"},
	{unicode.Bengali, "bn"},
	{unicode.Tamil, "ta"},
	{unicode.Telugu, "te"},
	{unicode.Kannada, "kn"},
	{unicode.Malayalam, "ml"},
	{unicode.Gujarati, "gu"},
	{unicode.Gurmukhi, "pa"},
	{unicode.Oriya, "or"},
	{unicode.Sinhala, "si"},
	{unicode.Khmer, "km"},
	{unicode.Lao, "lo"},
	{unicode.Myanmar, "my"},
	{unicode.Ethiopic, "am"},
	{unicode.Tibetan, "bo"},
}

// Detect tells the language of a text by a BCP 47 tag, "" if nothing speaks for one. Only a confident answer should be
// written into a document; one that is not may be shown to a person. It is deterministic and safe for concurrent use.
func Detect(text string) (tag string, confident bool) {
	text = clean(text)
	counts := make([]int, len(scripts))
	letters := 0
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		for i, s := range scripts {
			if unicode.Is(s.table, r) {
				counts[i]++
				break
			}
		}
	}
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	if letters == 0 || counts[best] == 0 {
		return "", false
	}
	kana := counts[5] + counts[6]
	share := float64(counts[best]) / float64(letters)
	switch s := scripts[best]; {
	case s.tag == "ja", s.tag == "zh" && kana*20 >= letters: // Japanese mixes its syllables with Han
		return "ja", float64(kana+counts[7])/float64(letters) >= leastShare && letters >= leastScriptLetters
	case s.tag != "":
		return s.tag, share >= leastShare && letters >= leastScriptLetters
	}
	tag, agreed := vote(text)
	return tag, agreed && share >= leastShare && letters >= leastLetters
}

// vote asks for the language of samples from all of the text. One sample would be cheaper, but a text that is longer has
// more trigrams than the profiles of whatlanggo know, and then its answers are worth nothing.
func vote(text string) (tag string, agreed bool) {
	runes := []rune(text)
	samples := min(max(len(runes)/sampleRunes, 1), maxSamples)
	votes := map[string]int{}
	guess := ""
	for i := range samples {
		from := i * len(runes) / samples
		info := whatlanggo.Detect(string(runes[from:min(from+sampleRunes, len(runes))]))
		found := tagOf(info.Lang)
		if guess == "" {
			guess = found
		}
		if found == "" || info.Confidence < leastConfidence {
			continue
		}
		if votes[found]++; votes[found] > votes[tag] {
			tag = found
		}
	}
	if tag == "" {
		return guess, false
	}
	return tag, float64(votes[tag]) >= leastShare*float64(samples)
}

// clean takes out what is no language: addresses and what holds digits.
func clean(text string) string {
	var b strings.Builder
	n := 0
	for word := range strings.FieldsSeq(text) {
		if strings.ContainsAny(word, "@/\\0123456789_<>{}") {
			continue
		}
		if n += len([]rune(word)) + 1; n > maxRunes {
			break
		}
		b.WriteString(word)
		b.WriteByte(' ')
	}
	return b.String()
}

// tagOf gives the tag of a language as whatlanggo names it, the shortest one (BCP 47, 2.2.1).
func tagOf(lang whatlanggo.Lang) string {
	if lang < 0 {
		return ""
	}
	if lang == whatlanggo.Cmn {
		return "zh"
	}
	if short := lang.Iso6391(); short != "" {
		return short
	}
	return lang.Iso6393()
}
