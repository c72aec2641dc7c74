package structure

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxHeadingLines and maxHeadingRunes are how long headings are at the most.
	maxHeadingLines = 4
	maxHeadingRunes = 220
	// largerThanBody is the relation to the size of running text from which size alone makes a heading.
	largerThanBody = 1.14
	// maxPlainHeading is how long a heading is at the most that nothing but its number and its space tell.
	maxPlainHeading = 80
	// deepest is the last of the heading types H1 to H6.
	deepest = 6
)

// numbered matches the numbering of a heading. A vowel without a period is a word: "A history".
var numbered = regexp.MustCompile(`^(?:(?:[B-DF-HJ-NP-TV-XZ]|\d{1,3})(?:\.\d{1,3})*\.?|[AEIOUY](?:(?:\.\d{1,3})*\.|(?:\.\d{1,3})+)|` +
	`[IVXL]{1,6}\.)\s+\p{L}`)

// partLetters matches the letters below the parts of a figure: "(a)", or "(a) (b)".
var partLetters = regexp.MustCompile(`^\([\p{L}\d]{1,3}\)(?:\s+\([\p{L}\d]{1,3}\))*$`)

var chaptered = regexp.MustCompile(`^(?i:chapter|part|appendix|section|kapitel|teil|anhang|abschnitt|chapitre|partie|annexe|` +
	`capítulo|parte|глава|часть|приложение|раздел|κεφάλαιο|μέρος)\s+(?:\d{1,3}|[IVXLA-Z]{1,6})\b`)

// findHeadings marks blocks as headings and gives them levels.
func (d *document) findHeadings() {
	marks := d.bookmarks()
	for i, b := range d.blocks {
		if b.kind != paragraph || len(b.lines) == 0 || b.level > 0 {
			continue
		}
		var next *block
		if i+1 < len(d.blocks) {
			next = d.blocks[i+1]
		}
		if d.isHeading(b, next, marks) {
			b.kind = heading
		}
	}
	d.joinChapters()
	d.joinTitles()
	d.demote(marks)
	d.levels(marks)
}

// bookmarks gives the levels of the outline by page and folded title.
func (d *document) bookmarks() map[bookmarkKey]int {
	out := map[bookmarkKey]int{}
	for _, b := range d.hints.Outline {
		if key := (bookmarkKey{b.Page, squeeze(b.Title)}); key.title != "" {
			if _, known := out[key]; !known {
				out[key] = b.Level
			}
		}
	}
	return out
}

type bookmarkKey struct {
	page  int
	title string
}

// squeeze keeps the letters and digits of a text, small.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, Plain(s))
}

var leadingNumber = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)+|[A-Z]\.|[IVXL]+\.)\.?\s+`)

// bookmarked gives the level of the bookmark that names a block, 0 if none does.
func (b *block) bookmarked(marks map[bookmarkKey]int) int {
	if len(marks) == 0 || len(b.text) > 2*maxHeadingRunes {
		return 0
	}
	for _, text := range [...]string{b.text, leadingNumber.ReplaceAllString(b.text, "")} {
		for _, page := range [...]int{b.page, b.page - 1} {
			if level := marks[bookmarkKey{page, squeeze(text)}]; level > 0 {
				return level
			}
		}
	}
	return 0
}

func (d *document) isHeading(b, next *block, marks map[bookmarkKey]int) bool {
	n := utf8.RuneCountInString(b.text)
	if len(b.lines) > maxHeadingLines || n > maxHeadingRunes || !hasLetters(b.text) || b.style.mono && !d.body.mono {
		return false
	}
	if b.bookmarked(marks) > 0 && (b.style.bold != d.body.bold || b.size > 1.02*d.body.size || numbered.MatchString(b.text) ||
		b.style.italic || len(b.lines) == 1) {
		return true
	}
	if partLetters.MatchString(b.text) {
		return false
	}
	ratio := b.size / d.body.size
	if ratio >= largerThanBody {
		const sentence = 60 // letters from which a text that ends with a period is a sentence in large type
		return n > 1 && (!endsSentence(b.text) || n < sentence && len(b.lines) <= 2)
	}
	if next != nil && next.page == b.page && ratio < 1.05 && next.kind == paragraph && next.label.numbering == "" &&
		next.box.Left > b.box.Left+1.2*b.size && next.box.Top < b.box.Top && !next.centered() && !b.centered() {
		return false // a term, with its description moved in below it
	}
	if len(b.lines) > 2 || endsSentence(b.text) || next == nil || next.page == b.page && next.kind == heading {
		return len(b.lines) <= 2 && !endsSentence(b.text) && b.style.bold && !d.body.bold && next != nil && d.standsOut(b)
	}
	if b.style.bold && !d.body.bold {
		return d.standsOut(b)
	}
	number := numbered.MatchString(b.text) || chaptered.MatchString(b.text)
	if number && (b.style.italic || isCaps(b.text)) {
		return d.standsOut(b)
	}
	if number && len(b.lines) == 1 && n <= maxPlainHeading && b.above > b.size && b.below > 0.3*b.size && next != nil &&
		next.kind == paragraph && next.label.numbering == "" && len(next.lines) > 1 && depthOf(b.text) > 0 && !strings.HasSuffix(b.text, ":") {
		return true
	}
	return isCaps(b.text) && n >= 4 && ratio > 0.95 && b.above > 0.8*b.size && len(b.lines) == 1 && !d.body.bold
}

func (b *block) centered() bool {
	for _, l := range b.lines {
		if !isCentered(l) {
			return false
		}
	}
	return len(b.lines) > 0
}

// standsOut tells whether a block is set apart from what is above it.
func (d *document) standsOut(b *block) bool {
	return b.above < 0 || b.above > 0.25*b.size || b.below > 0.25*b.size
}

func hasLetters(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// endsSentence tells whether text ends as sentences do.
func endsSentence(s string) bool {
	s = strings.TrimRight(s, " \"”’»)")
	return strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "..") || strings.HasSuffix(s, ";") || strings.HasSuffix(s, ",")
}

// isCaps tells whether all letters are capital ones. Text of a script that has none is not.
func isCaps(s string) bool {
	upper, all := 0, 0
	for _, r := range s {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsLetter(r) {
			all++
		}
		if unicode.IsUpper(r) {
			upper++
		}
	}
	return upper >= 3 && 2*upper > all
}
