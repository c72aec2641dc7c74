package htmlcheck

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// contentControls are the roles of controls that take their name from their content (WAI-ARIA 1.2).
var contentControls = []string{
	"button", "checkbox", "gridcell", "link", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio", "searchbox",
	"switch", "tab", "treeitem", "doc-backlink", "doc-biblioref", "doc-glossref", "doc-noteref",
}

// labelInName checks that the name of a control holds the text that people see on it, since they say it to use the
// control (WCAG 2.2, 2.5.3).
func (c *checker) labelInName(n *html.Node, role string) {
	if !Has(n, "aria-label") && !Has(n, "aria-labelledby") || !slices.Contains(contentControls, role) {
		return
	}
	name := spoken(c.Name(n), false)
	if len(name) == 0 {
		return
	}
	for _, text := range c.seenTexts(n) {
		if label := spoken(text, true); !isSymbol(label) && !contains(name, label) {
			c.fail("label-content-name-mismatch", n, "%s", Collapse(text))
			return
		}
	}
}

// seenTexts returns the texts in an element that can be seen, whether or not assistive technology knows them. Words that
// only markup divides belong together.
func (c *checker) seenTexts(n *html.Node) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if text := b.String(); strings.TrimSpace(text) != "" {
			out = append(out, text)
		}
		b.Reset()
	}
	var walk func(*html.Node)
	walk = func(p *html.Node) {
		for child := p.FirstChild; child != nil; child = child.NextSibling {
			switch {
			case child.Type == html.TextNode && c.Visible(p):
				b.WriteString(child.Data)
			case child.Type == html.ElementNode && c.Visible(child):
				apart := isBlock(child) || child.Data == "span" && strings.HasSuffix(b.String(), " ")
				if apart {
					flush()
				}
				walk(child)
				if isBlock(child) {
					flush()
				}
			}
		}
	}
	walk(n)
	flush()
	return out
}

// spoken divides a text into words, without regard to case and punctuation. Of a label, what stands in parentheses is left
// out: it need not be said (Understanding WCAG 2.2, 2.5.3).
func spoken(text string, isLabel bool) []string {
	var b strings.Builder
	depth := 0
	for _, r := range strings.ToLower(norm.NFKC.String(text)) {
		switch {
		case r == '(' && isLabel:
			depth++
		case r == ')' && isLabel:
			depth = max(depth-1, 0)
		case depth > 0:
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// isSymbol reports whether a label is no text: it has no words, or is a single letter such as X for closing.
func isSymbol(label []string) bool {
	return len(label) == 0 || len(label) == 1 && len([]rune(label[0])) == 1 && !unicode.IsDigit([]rune(label[0])[0])
}

// contains reports whether words stand one after the other in a list.
func contains(list, words []string) bool {
	for i := range list {
		if i+len(words) <= len(list) && slices.Equal(list[i:i+len(words)], words) {
			return true
		}
	}
	return false
}
