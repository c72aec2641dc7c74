package pdfhtml

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

const softHyphen = '\u00ad'

// clean takes presentation forms apart and drops what has no meaning in a text: control characters, and those of
// private use that only a font explains. A soft hyphen stays at the end, where it may divide a word.
func clean(s string) string {
	simple := true
	for _, r := range s {
		if r < ' ' || r >= 0x7f {
			simple = false
			break
		}
	}
	if simple {
		return s
	}
	var out strings.Builder
	end := len(strings.TrimRight(s, " "))
	for i, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029:
			out.WriteByte(' ')
		case r == softHyphen:
			if i+utf8.RuneLen(r) == end {
				out.WriteRune(r)
			}
		case unicode.IsControl(r) || unicode.Is(unicode.Co, r) || r == 0xfeff || r == 0x200b:
		case r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe: // no characters
		case isPresentationForm(r):
			out.WriteString(norm.NFKC.String(string(r)))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// isPresentationForm tells of ligatures and of letters in the form of their place in a word. Other compatibility
// characters, such as superscript digits, have a meaning of their own.
func isPresentationForm(r rune) bool {
	return r >= 0xfb00 && r <= 0xfdff && r != 0xfd3e && r != 0xfd3f || r >= 0xfe70 && r <= 0xfefc
}

// cleanLine is clean for text of one line that stands alone.
func cleanLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(clean(s), string(softHyphen), "")), " ")
}

// join puts the segments of a block together as a text: with spaces where runs are apart, without the hyphens that only
// divide words at the ends of lines, in the order of reading where lines run from right to left.
func (b *builder) join(segments []segment) []segment {
	out := make([]segment, 0, len(segments))
	last := -1 // the last text or visible element in out
	pending := false
	for _, s := range segments {
		if s.silent {
			out = append(out, s)
			continue
		}
		visible := s.node != nil
		if !visible {
			body := strings.Trim(s.text, " ")
			leading, trailing := strings.HasPrefix(s.text, " "), strings.HasSuffix(s.text, " ")
			if body == "" && s.run != nil && last >= 0 && out[last].run != nil {
				// A mark that gave way to an element still takes its place.
				pending = pending || out[last].page == s.page && structure.Separator(out[last].run, s.run) != structure.None
				out[last].run = s.run
			}
			if body == "" {
				pending = pending || s.text != ""
				continue
			}
			pending = pending || leading
			if last >= 0 && s.tight {
				pending = false
			} else if last >= 0 {
				out, last, pending = b.meet(out, last, s, body, pending)
			}
			s.text = collapse(body)
			if pending && last >= 0 {
				out = append(out, between(out[last], s))
			}
			pending = trailing
		} else {
			if last >= 0 {
				out = append(out, between(out[last], s))
			}
			pending = true
		}
		out = append(out, s)
		last = len(out) - 1
	}
	if last >= 0 && out[last].node == nil {
		out[last].text = strings.TrimRight(out[last].text, string(softHyphen)+" ")
	}
	return reorder(out)
}

// meet decides what stands between the last text and a following one whose text without spaces is body.
func (b *builder) meet(out []segment, last int, s segment, body string, pending bool) ([]segment, int, bool) {
	before := &out[last]
	gap := structure.Space
	switch {
	case before.run != nil && s.run != nil && before.page == s.page:
		gap = structure.Separator(before.run, s.run)
	case before.run != nil && s.run != nil:
		gap = structure.NewLine
	case before.node != nil:
		return out, last, true
	}
	soft := strings.HasSuffix(before.text, string(softHyphen))
	if soft {
		before.text = strings.TrimSuffix(before.text, string(softHyphen))
		return out, last, false
	}
	if gap == structure.NewLine && b.divided(before.text, body) {
		_, size := utf8.DecodeLastRuneInString(before.text)
		before.text = before.text[:len(before.text)-size]
		return out, last, false
	}
	if gap == structure.NewLine && (endsInHyphen(before.text) || isIdeographic(before.text, body)) {
		return out, last, false
	}
	return out, last, pending || gap != structure.None
}

// between is the space between two segments: in the elements that both are in.
func between(a, b segment) segment {
	space := segment{text: " ", style: a.style.and(b.style)}
	for i := range min(len(a.wraps), len(b.wraps)) {
		if a.wraps[i] != b.wraps[i] {
			break
		}
		space.wraps = a.wraps[:i+1]
	}
	return space
}

func collapse(s string) string {
	if !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// endsInHyphen tells whether a hyphen follows a letter at the end.
func endsInHyphen(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	if r != '-' && r != '\u2010' {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[:len(s)-size])
	return unicode.IsLetter(before)
}

// divided tells whether the hyphen at the end of a line only divides a word: the next line goes on in lower case, and
// the word is not written with a hyphen elsewhere while its parts together are no word of the document.
func (b *builder) divided(before, after string) bool {
	if !endsInHyphen(before) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(after); !unicode.IsLower(r) {
		return false
	}
	start, end := lastWord(strings.TrimRight(before, "-\u2010")), firstWord(after)
	hyphenated := strings.ToLower(start + "-" + end)
	return !b.vocabulary[hyphenated] || b.vocabulary[strings.ToLower(start+end)]
}

func lastWord(s string) string {
	at := strings.LastIndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	if at < 0 {
		return s
	}
	_, size := utf8.DecodeRuneInString(s[at:])
	return s[at+size:]
}

func firstWord(s string) string {
	at := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	if at < 0 {
		return s
	}
	return s[:at]
}

// maxVocabulary bounds the words that are kept.
const maxVocabulary = 200_000

// learn notes the words of the document as they are written inside of its lines.
func (b *builder) learn(run *pagetext.Run) {
	if len(b.vocabulary) > maxVocabulary {
		return
	}
	for word := range strings.FieldsFuncSeq(run.Text, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) {
		word = strings.ToLower(word)
		b.vocabulary[word] = true
	}
}

// withoutSpaces are the scripts that write no spaces between words.
var withoutSpaces = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana}

// isIdeographic tells whether both sides of a line end are in a script that writes no spaces between words.
func isIdeographic(before, after string) bool {
	a, _ := utf8.DecodeLastRuneInString(before)
	c, _ := utf8.DecodeRuneInString(after)
	return unicode.In(a, withoutSpaces...) && unicode.In(c, withoutSpaces...)
}

// shorten cuts a text after a word.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	cut := string([]rune(s)[:most])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	return cut + "…"
}
