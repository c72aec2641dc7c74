package structure

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pageNumber is what a text says as the number of a page.
type pageNumber struct {
	value int // 0 for none
	// said tells that it cannot be another number: "Page 3", "3/10", "- 3 -".
	said bool
}

// The words beside page numbers, in the languages of most documents.
var (
	pageWords = []string{
		"p", "pp", "pg", "page", "s", "seite", "sida", "side", "sivu", "blatt", "pág", "página", "pagina", "pag", "str", "strona",
		"strana", "oldal", "стр", "с", "страница", "σελ", "σελίδα", "sayfa", "lk", "lpp", "psl", "leathanach",
	}
	ofWords = []string{"of", "von", "de", "di", "du", "av", "af", "van", "sur", "z", "ze", "iz", "из", "από", "din", "da", "/"}
	// numberWords stand between the name of a thing and its number.
	numberWords = []string{"no", "nr", "num", "number", "nummer", "numéro", "número", "n°", "nº", "№", "#"}
)

// readPageNumber reads a text that is a page number and nothing else, such as "12", "- 12 -", "Page 12 of 20" or "iv".
func readPageNumber(s string) pageNumber {
	const longest = 32 // bytes
	const around = " -–—|[]().·•~"
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || len(s) > longest {
		return pageNumber{}
	}
	bare := strings.Trim(s, around)
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	const dashes = "-–—|~"
	said := strings.ContainsRune(dashes, first) && strings.ContainsRune(dashes, last)
	if v := roman(bare); v > 0 {
		return pageNumber{value: v, said: said}
	}
	words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(bare, "/", " / "), ".", " "))
	if n := len(words); n > 1 && slices.Contains(pageWords, words[0]) {
		words, said = words[1:], true
	} else if n > 1 && slices.Contains(pageWords, words[n-1]) {
		words, said = words[:n-1], true
	}
	if len(words) == 3 && slices.Contains(ofWords, words[1]) && isPageDigits(words[2]) {
		words, said = words[:1], true
	}
	if len(words) != 1 {
		return pageNumber{}
	}
	if v := roman(words[0]); v > 0 {
		return pageNumber{value: v, said: said}
	}
	if !isPageDigits(words[0]) {
		return pageNumber{}
	}
	return pageNumber{value: atoi(words[0]), said: said}
}

func isPageDigits(s string) bool { return isDigits(s) && len(s) <= 4 }

// outerNumber is a number that stands apart at one end of a row.
type outerNumber struct {
	value int // 0 for none
	piece *piece
	// beside is the rest of the row.
	beside string
}

// outerNumbers finds the numbers at the ends of a row. One at the start that has text close behind it is the label of the
// text: of a note, an item or a clause.
func outerNumbers(pieces []*piece) [2]outerNumber {
	var out [2]outerNumber
	n := len(pieces)
	if n < 2 {
		return out
	}
	const far = 3 // ems
	if first := pieces[0]; pieces[1].box.Left-first.box.Right > far*first.size {
		out[0] = outerNumber{readPageNumber(first.text).value, first, joinPieces(pieces[1:])}
	}
	last := pieces[n-1]
	out[1] = outerNumber{readPageNumber(last.text).value, last, joinPieces(pieces[:n-1])}
	return out
}

// counts tells whether a row on another page has a number that differs by as much as the pages do. Odd and even pages
// have it on different sides.
func (o outerNumber) counts(f edge, by int) bool {
	for _, other := range f.outer {
		if o.value > 0 && other.value > 0 && other.value-o.value == by {
			return true
		}
	}
	return false
}

// repeats tells whether a row on another page has the same text beside its number.
func (o outerNumber) repeats(f edge) bool {
	for _, other := range f.outer {
		if o.value > 0 && other.value > 0 && fold(o.beside) == fold(other.beside) {
			return true
		}
	}
	return false
}

// token is a part of a text by which rows are compared: a number, or what is between numbers.
type token struct {
	text   string
	number bool
}

// tokensOf divides a text. Case and spaces make no difference.
func tokensOf(s string) []token {
	var out []token
	var b strings.Builder
	number := false
	end := func() {
		if b.Len() > 0 {
			out = append(out, token{b.String(), number})
			b.Reset()
		}
	}
	for _, r := range s {
		if unicode.IsSpace(r) {
			if number {
				end() // "1 2" is two numbers
			}
			continue
		}
		if digit := r >= '0' && r <= '9'; digit != number {
			end()
			number = digit
		}
		b.WriteRune(unicode.ToLower(r))
	}
	end()
	return out
}

// repeatsOn tells whether two rows say the same, on pages that are so far apart: all is equal, but for one number that
// counts the pages and is not among those of things.
func repeatsOn(a, b []token, by int, things []string) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	counted := -1
	for i := range a {
		switch {
		case a[i].number != b[i].number:
			return false
		case a[i].text == b[i].text:
		case a[i].number && counted < 0 && len(a[i].text) <= 4 && atoi(b[i].text)-atoi(a[i].text) == by && !slices.Contains(things, a[i].text):
			counted = i
		default:
			return false
		}
	}
	return counted < 0 || countsPages(a, counted)
}

// thingNumbers finds the numbers of things that stand in pieces of their own in a row, as in "Invoice 2024-17" or
// "Order no. 6": they may rise with the pages, but do not count them.
func thingNumbers(pieces []*piece) []string {
	var out []string
	for _, p := range pieces {
		words := slices.DeleteFunc(strings.Fields(strings.ToLower(p.text)), func(word string) bool {
			return slices.Contains(numberWords, strings.Trim(word, ".:"))
		})
		if len(words) != 2 {
			continue
		}
		name := strings.TrimRight(words[0], ".:#")
		if name == "" || slices.Contains(pageWords, name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
			continue
		}
		for _, t := range tokensOf(words[1]) {
			if t.number {
				out = append(out, t.text)
			}
		}
	}
	return out
}

// countsPages tells whether the number of a row counts its pages, and not what the row is about as that of "Letter 3" and
// "3 March 2024" does: it stands beside a word for pages, before their total, or behind a sign that sets it apart from the
// rest of the row.
func countsPages(tokens []token, number int) bool {
	const signs = "|•·–—~"
	var before, behind string
	if number > 0 {
		before = tokens[number-1].text
	}
	if number+1 < len(tokens) {
		behind = tokens[number+1].text
	}
	isSign := func(r rune) bool { return !unicode.IsLetter(r) }
	for _, word := range pageWords {
		if strings.TrimFunc(before, isSign) == word || strings.TrimFunc(behind, isSign) == word ||
			utf8.RuneCountInString(word) > 3 && strings.HasSuffix(strings.TrimRightFunc(before, isSign), word) {
			return true
		}
	}
	sign, _ := utf8.DecodeLastRuneInString(before)
	apart := strings.ContainsRune(signs, sign) || sign == '-' && strings.ContainsFunc(before, unicode.IsLetter)
	if number == len(tokens)-1 && before != "" && apart {
		return true
	}
	if sign, _ = utf8.DecodeRuneInString(behind); number == 0 && behind != "" && strings.ContainsRune(signs, sign) {
		return true
	}
	if number != len(tokens)-3 || !slices.Contains(ofWords, behind) {
		return number == 0 && len(tokens) == 1
	}
	total, year := atoi(tokens[number+2].text), 1900
	return total >= atoi(tokens[number].text) && (total < year || apart)
}

// differInNumbers tells whether two rows are alike but for their numbers.
func differInNumbers(a, b []token) bool {
	if len(a) != len(b) {
		return false
	}
	numbers := false
	for i := range a {
		if a[i].number != b[i].number || !a[i].number && a[i].text != b[i].text {
			return false
		}
		numbers = numbers || a[i].number
	}
	return numbers
}

// fold makes texts equal that differ in case and in spaces alone.
func fold(s string) string {
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsSpace(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// titles are the rows that look like headings, by their letters, with the places where they are.
type titles map[string][]titleAt

type titleAt struct {
	page int
	row  *row
	size float64
	bold bool
}

// titles collects what running titles may repeat.
func (d *document) titles() titles {
	out := titles{}
	for i, s := range d.sheets {
		for _, r := range s.rows {
			if r.object != nil {
				continue
			}
			first := r.pieces[0]
			if first.size <= 1.05*d.body.size && !first.style.bold {
				continue
			}
			if letters := lettersOf(joinPieces(r.pieces)); letters != "" {
				out[letters] = append(out[letters], titleAt{i, r, first.size, first.style.bold})
			}
		}
	}
	return out
}

// has tells whether a text at the edge of a page repeats a heading of this page or an earlier one.
func (t titles) has(text string, e edge, page int) bool {
	for _, at := range t[lettersOf(text)] {
		first := e.row.pieces[0]
		if at.row != e.row && at.page <= page && (at.size > 1.05*e.size || at.bold && !first.style.bold) {
			return true
		}
	}
	return false
}

// lettersOf are the letters of a text that has enough of them to be known again, without regard to case, numbers and
// punctuation.
func lettersOf(s string) string {
	const least = 3
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	if len(letters) < least {
		return ""
	}
	return letters
}
