package structure

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// label is what an item of a list begins with.
type label struct {
	// numbering is the ListNumbering (ISO 32000-1, table 347) that it speaks for; "" if there is no label.
	numbering pdf.Name
	text      string
	// value is the number of a numbered label, 0 for bullets.
	value int
	// shape is what is around the number, such as "(.)": items of one list have the same.
	shape string
	// runs is how many runs of the first line are the label, 0 if it shares a run with the text.
	runs int
	// left is where the label starts, body where the text after it does, both from the left of the page.
	left, body float64
	// drawn is the bullet that is no text.
	drawn *bullet
	// roman is the value if the letters are read as a Roman numeral, else 0.
	roman int
}

// bullets are the characters that begin items, with the ListNumbering that comes nearest.
var bullets = map[rune]pdf.Name{
	'•': "Disc", '●': "Disc", '∙': "Disc", '·': "Disc", '⋅': "Disc", '◦': "Circle", '○': "Circle", '❍': "Circle",
	'▪': "Square", '■': "Square", '□': "Square", '▫': "Square", '❑': "Square", '❒': "Square", '◻': "Square",
	'◼': "Square", '☐': "Square", '☑': "Square", '☒': "Square", '◆': "Disc", '◇': "Disc", '❖': "Disc", '♦': "Disc",
	'‣': "Disc", '►': "Disc", '▶': "Disc", '▸': "Disc", '➢': "Disc", '➤': "Disc", '➔': "Disc", '→': "Disc",
	'⇒': "Disc", '⇨': "Disc", '✓': "Disc", '✔': "Disc", '✗': "Disc", '✘': "Disc", '★': "Disc", '☞': "Disc",
	'✦': "Disc", '»': "Disc", '›': "Disc", '◗': "Disc", '◾': "Square", '⁃': "Disc", '–': "Disc", '—': "Disc",
	'-': "Disc", '−': "Disc", '*': "Disc", '∗': "Disc", '+': "Disc", '¡': "", '\uf0b7': "Disc", '\uf0a7': "Square",
	'▷': "Disc", '▹': "Disc", '⚫': "Disc", '⚬': "Circle", '°': "",
}

// weak are bullets that are as often something else at the start of a line: a dash, a sign, a quotation.
const weak = "-–—−*∗+»›·⋅→⇒"

func (l label) isWeak() bool { return l.value == 0 && strings.ContainsAny(l.text, weak) }

// longestLabel is how many characters a label has at the most, such as "(xviii)" or "[Knuth84]".
const longestLabel = 9

// labelOf reads the label that a line begins with.
func labelOf(l *line) (label, bool) {
	if b := l.bullet; b != nil {
		return label{numbering: b.numbering, shape: "drawn " + string(b.numbering), left: b.box.Left, body: l.box.Left, drawn: b}, true
	}
	if out, ok := unknownBullet(l); ok {
		return out, true
	}
	if out, ok := optionLabel(l); ok {
		return out, true
	}
	token, rest, _ := strings.Cut(l.text, " ")
	if n := utf8.RuneCountInString(token); n == 0 || n > longestLabel || strings.TrimSpace(rest) == "" {
		return label{}, false
	}
	out, ok := readLabel(token)
	if !ok {
		return label{}, false
	}
	out.left = l.box.Left
	out.place(l, token)
	if out.text == "o" && out.runs == 0 {
		return label{}, false
	}
	return out, true
}

// optionShape is the shape of labels that are the options of a program.
const optionShape = "-option"

// optionLabel reads the options of a program at the start of a line, in type of a fixed pitch, before what they do.
func optionLabel(l *line) (label, bool) {
	const longest = 40 // characters
	if !optionForm.MatchString(l.text) || l.style.mono {
		return label{}, false
	}
	out := label{numbering: "None", shape: optionShape, left: l.box.Left}
	n := 0
	for _, p := range l.pieces {
		for i := range p.runs {
			if run := &p.sheet.page.Runs()[p.runs[i]]; !run.Mono {
				out.body = p.start(i)
				return out, out.runs > 0 && n <= longest
			}
			n += p.length(i)
			out.runs++
		}
	}
	return label{}, false
}

// unknownBullet reads a single glyph without a meaning that stands apart at the start of a line.
func unknownBullet(l *line) (label, bool) {
	first := l.pieces[0]
	out := label{numbering: "Disc", shape: "?", left: l.box.Left}
	switch {
	case first.field != nil || len(first.runs) == 0:
		return label{}, false
	case len(l.pieces) > 1 && first.text == "" && first.box.Width() < 1.2*l.size && l.pieces[1].text != "":
		out.runs, out.body = len(first.runs), l.pieces[1].box.Left
		return out, out.body-out.left < bulletReach*l.size
	case len(first.runs) > 1 && first.length(0) == 0 && first.length(1) > 0:
		out.runs, out.body = 1, first.start(1)
		return out, out.body-out.left > 0.8*l.size && out.body-out.left < bulletReach*l.size
	}
	return label{}, false
}

// readLabel reads a bullet, or a number in what stands around it.
func readLabel(token string) (label, bool) {
	r, size := utf8.DecodeRuneInString(token)
	if size == len(token) {
		if numbering := bullets[r]; numbering != "" {
			return label{numbering: numbering, text: token, shape: token}, true
		}
		if r == 'o' { // the second bullet of Word, if it stands by itself
			return label{numbering: "Circle", text: token, shape: token}, true
		}
		if v := circled(r); v > 0 {
			return label{numbering: "Decimal", text: token, shape: "○", value: v}, true
		}
		return label{}, false
	}
	before, core, after := around(token)
	if core == "" || before == "" && after == "" || strings.HasPrefix(before, "[") != strings.HasPrefix(after, "]") {
		return label{}, false
	}
	out := label{text: token, shape: before + "." + after}
	switch {
	case isDigits(core) && len(core) <= 3:
		out.numbering, out.value = "Decimal", atoi(core)
		return out, out.value > 0 || core == "0"
	case len(core) == 1 && core[0] >= 'a' && core[0] <= 'z':
		out.numbering, out.value, out.roman = "LowerAlpha", int(core[0]-'a')+1, roman(core)
		return out, true
	case len(core) == 1 && core[0] >= 'A' && core[0] <= 'Z':
		out.numbering, out.value, out.roman = "UpperAlpha", int(core[0]-'A')+1, roman(strings.ToLower(core))
		return out, true
	case roman(core) > 0:
		out.numbering, out.roman = "LowerRoman", roman(core)
		out.value = out.roman
		return out, true
	case roman(strings.ToLower(core)) > 0 && strings.ToUpper(core) == core:
		out.numbering, out.roman = "UpperRoman", roman(strings.ToLower(core))
		out.value = out.roman
		return out, true
	case before == "[" && isCitation(core):
		out.numbering, out.value, out.shape = "None", 0, "[.]"
		return out, true
	}
	return label{}, false
}

// isCitation tells whether text may be the key of a reference such as "Knuth84" or "RFC".
func isCitation(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '-' {
			return false
		}
	}
	first, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(first)
}

// around takes a token apart into what stands before and after a number.
func around(token string) (before, core, after string) {
	core = token
	if strings.HasPrefix(core, "(") || strings.HasPrefix(core, "[") {
		before, core = core[:1], core[1:]
	}
	for _, end := range [...]string{".)", ").", ".", ")", "]", ":"} {
		if c, ok := strings.CutSuffix(core, end); ok {
			return before, c, end
		}
	}
	return before, core, ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func atoi(s string) int {
	v := 0
	for i := range min(len(s), 9) {
		v = v*10 + int(s[i]-'0')
	}
	return v
}

func circled(r rune) int {
	switch {
	case r >= '①' && r <= '⑳':
		return int(r-'①') + 1
	case r >= '❶' && r <= '❿':
		return int(r-'❶') + 1
	case r >= '➀' && r <= '➉':
		return int(r-'➀') + 1
	}
	return 0
}

var romanDigits = [...]struct {
	text  string
	value int
}{
	{"c", 100}, {"xc", 90}, {"l", 50}, {"xl", 40}, {"x", 10}, {"ix", 9}, {"v", 5}, {"iv", 4}, {"i", 1},
}

// roman reads a well-formed Roman numeral in small letters, 0 if it is none.
func roman(s string) int {
	const longest = 9
	if s == "" || len(s) > longest {
		return 0
	}
	value, rest := 0, s
	for _, d := range romanDigits {
		for n := 0; strings.HasPrefix(rest, d.text); n++ {
			if n == 3 || n == 1 && len(d.text) == 2 {
				return 0
			}
			value, rest = value+d.value, rest[len(d.text):]
		}
	}
	if rest != "" {
		return 0
	}
	return value
}

// place finds where the label ends and the text begins.
func (l *label) place(on *line, token string) {
	first := on.pieces[0]
	n := utf8.RuneCountInString(first.text)
	share := float64(utf8.RuneCountInString(token)+1) / float64(max(n, 1))
	l.body = first.box.Left + min(share, 1)*first.box.Width()
	if len(on.pieces) > 1 && first.text == token {
		l.runs, l.body = len(first.runs), on.pieces[1].box.Left
		return
	}
	if at, left, ok := first.boundary(token); ok {
		l.runs, l.body = at, left
	}
}

// follows tells whether an item with label b may come right after one with label a in the same list.
func (l label) follows(a label) bool {
	if l.shape != a.shape {
		return false
	}
	if l.value == 0 || a.value == 0 {
		return l.value == a.value
	}
	if l.numbering == a.numbering && l.value == a.value+1 {
		return true
	}
	return l.roman > 0 && l.roman == a.roman+1
}

// first tells whether the label begins a list.
func (l label) first() bool { return l.value == 0 || l.value == 1 || l.roman == 1 }
