package structure

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// Text gives the text of a node as plain text: lines joined, words that were divided at line ends put together again,
// ligatures taken apart. Blocks inside of the node, such as the items of a list, are separated by line feeds. Actual
// texts replace what is shown. Pages are those the tree was made from, in order from page 1.
func Text(node *Node, pages []*pagetext.Page) string {
	t := textWriter{pages: pages}
	t.node(node, 0)
	return strings.TrimSpace(t.out.String())
}

// maxTextDepth is how deep nodes are followed; trees that are read from files are bounded alike.
const maxTextDepth = 256

type textWriter struct {
	pages []*pagetext.Page
	out   strings.Builder
	last  *pagetext.Run
	// hyphen tells that the text ends with a hyphen that may only divide a word.
	hyphen bool
	// lines tells that ends of lines are kept, as in code.
	lines bool
}

func (t *textWriter) node(n *Node, depth int) {
	if depth > maxTextDepth {
		return
	}
	if text := n.Attributes().ActualText; text != "" {
		t.write(text)
		t.last = nil
		return
	}
	if n.Type == "" {
		t.leaf(n)
		return
	}
	block := isBlock(n)
	if block {
		t.feed()
	}
	outside := t.lines
	t.lines = t.lines || n.Type == "Code"
	for _, kid := range n.Kids {
		t.node(kid, depth+1)
	}
	t.lines = outside
	if block {
		t.feed()
	}
}

// isBlock tells whether text before and after the element stands on lines of its own.
func isBlock(n *Node) bool {
	switch n.Type {
	case "Span", "Link", "Reference", "Lbl", "LBody", "Quote", "Code", "Form", "BibEntry", "Annot", "Ruby", "Warichu", "":
		return false
	case "Note":
		return true
	}
	return true
}

func (t *textWriter) feed() {
	t.flush()
	if n := t.out.Len(); n > 0 && !strings.HasSuffix(t.out.String()[max(0, n-1):], "\n") {
		t.out.WriteByte('\n')
	}
	t.last = nil
}

func (t *textWriter) flush() {
	if t.hyphen {
		t.out.WriteByte('-')
		t.hyphen = false
	}
}

func (t *textWriter) leaf(n *Node) {
	c := n.Content
	if c.Page < 1 || c.Page > len(t.pages) {
		return
	}
	page := t.pages[c.Page-1]
	for _, i := range c.Runs {
		if i < 0 || i >= len(page.Runs()) {
			continue
		}
		run := &page.Runs()[i]
		if run.Text == "" {
			continue
		}
		if t.last != nil {
			t.between(t.last, run)
		} else if t.out.Len() > 0 && !endsInSpace(t.out.String()) && !t.hyphen {
			t.out.WriteByte(' ')
		}
		t.write(pagetext.ReadingOrder(run.Text))
		t.last = run
	}
}

// between writes what stands between two runs: nothing, a space, or what a hyphen at the end of a line stands for.
func (t *textWriter) between(a, b *pagetext.Run) {
	switch Separator(a, b) {
	case NewLine:
		if t.lines {
			t.flush()
			t.out.WriteByte('\n')
			return
		}
		if t.hyphen {
			first, _ := utf8.DecodeRuneInString(b.Text)
			t.hyphen = !unicode.IsLower(first) // "well-\nKnown" keeps its hyphen
			t.flush()
			return
		}
		if !endsInSpace(t.out.String()) && !isIdeograph(t.out.String(), b.Text) {
			t.out.WriteByte(' ')
		}
	case Space:
		t.flush()
		if !endsInSpace(t.out.String()) {
			t.out.WriteByte(' ')
		}
	case None:
		t.flush()
	}
}

// write appends text and holds back a hyphen at its end.
func (t *textWriter) write(text string) {
	t.flush()
	text = Plain(text)
	if !t.lines {
		text = singleSpaces(text)
	}
	if trimmed := strings.TrimRight(text, " "); endsInHyphen(trimmed) {
		r, size := utf8.DecodeLastRuneInString(trimmed)
		t.out.WriteString(trimmed[:len(trimmed)-size])
		if r == softHyphen && len(trimmed) < len(text) {
			return
		}
		t.hyphen = true
		return
	}
	t.out.WriteString(text)
}

// singleSpaces makes one space of several, by which some programs move text to its place.
func singleSpaces(s string) string {
	if !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	var last rune
	for _, r := range s {
		if r != ' ' || last != ' ' {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}

const softHyphen = '\u00ad'

// endsInHyphen tells whether a hyphen follows a letter at the end: only such a hyphen may divide a word.
func endsInHyphen(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	if r != '-' && r != '\u2010' && r != softHyphen {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[:len(s)-size])
	return unicode.IsLetter(before)
}

func endsInSpace(s string) bool {
	return strings.HasSuffix(s, " ") || strings.HasSuffix(s, "\n") || s == "" || strings.HasSuffix(s, "\u00a0")
}

// isIdeograph tells whether both sides of a line end are in a script that writes no spaces between words.
func isIdeograph(before, after string) bool {
	a, _ := utf8.DecodeLastRuneInString(before)
	b, _ := utf8.DecodeRuneInString(after)
	return unicode.In(a, unicode.Han, unicode.Hiragana, unicode.Katakana) &&
		unicode.In(b, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// Gap is what stands between two runs that follow each other.
type Gap int

// The gaps between runs.
const (
	None Gap = iota
	Space
	NewLine
)

// Separator tells what stands between two runs of a page, or of two pages, that follow each other in a text.
func Separator(a, b *pagetext.Run) Gap {
	if a.Angle != b.Angle {
		return NewLine
	}
	size := max(a.Size, b.Size)
	forward, across := advance(a, b), b.Baseline-a.Baseline
	height := min(a.Box.Height(), b.Box.Height())
	overlap := min(a.Box.Top, b.Box.Top) - max(a.Box.Bottom, b.Box.Bottom)
	if a.Angle == 90 || a.Angle == 270 {
		forward = b.Box.Bottom - a.Box.Top
		if a.Angle == 270 {
			forward = a.Box.Bottom - b.Box.Top
		}
		across = b.Box.Left - a.Box.Left
		height = min(a.Box.Width(), b.Box.Width())
		overlap = min(a.Box.Right, b.Box.Right) - max(a.Box.Left, b.Box.Left)
	}
	const (
		sameLine = 0.3 // of the height that lines share at least; superscripts share about a half
		backward = 2.0 // ems by which a run of the same line may start before the end of the one before it
	)
	if beginsWord(a, b) {
		return None
	}
	if overlap < sameLine*height && across != 0 || forward < -backward*size {
		return NewLine
	}
	if endsInSpace(a.Text) || strings.HasPrefix(b.Text, " ") {
		return None
	}
	if forward > spaceGap*min(a.Size, b.Size) {
		return Space
	}
	return None
}

// spaceGap is the gap between runs, in ems, that is a space; see pagetext for gaps within a run.
const spaceGap = 0.13

// Plain takes ligatures and other presentation forms apart and drops what is not visible. It leaves other
// compatibility characters alone, such as superscript digits.
func Plain(s string) string {
	special, forms := false, false
	for _, r := range s {
		special = special || r >= 0xfb00 && r <= 0xfb06 || r == softHyphen || r == 0x200b || r == '\t'
		forms = forms || isForm(r)
	}
	if forms {
		var b strings.Builder
		for _, r := range s {
			if isForm(r) {
				b.WriteString(norm.NFKC.String(string(r)))
			} else {
				b.WriteRune(r)
			}
		}
		s = b.String()
	}
	if special {
		return ligatures.Replace(s)
	}
	return s
}

// isForm tells whether a character is how a Hebrew or Arabic letter looks at its place in a word.
func isForm(r rune) bool { return r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfefc }

var ligatures = strings.NewReplacer(
	"\ufb00", "ff", "\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st",
	"\u200b", "", "\t", " ",
)
