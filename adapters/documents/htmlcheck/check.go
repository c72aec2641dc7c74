// Package htmlcheck checks an HTML document by rules from WCAG 2.2 that need no browser. It reads the markup and the style
// sheets in the document, but not its layout, its scripts or other files.
//
// Rules that axe-core also has carry its identifiers, so that results can be compared. Where W3C has ACT rules for the
// same condition (act-rules.github.io), these decide; [Rule.ACT] names them.
package htmlcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Finding is one place where a rule fails. Line and Column count from 1, in characters; the place of an element is
// that of its start tag, of an element that the markup leaves out, the start of the document.
type Finding struct {
	Rule         string
	Line, Column int
	// Element is the start of the element's markup.
	Element string
	// Detail says what is wrong in this place; it may be empty.
	Detail string
	// Node is the element in the document that was checked, nil for the document as a whole.
	Node *html.Node
}

// Result is what a check found, in the order of the document.
type Result struct {
	Title, Language string
	Findings        []Finding
	// Facts are what manual conditions are judged by.
	Images, Media, Forms, Links, Scripts int
	// Outside counts the texts and images that lie outside of all landmarks.
	Outside int
}

// TooDeepError says that elements nest too deeply.
type TooDeepError struct{ err error }

// Error names the limit.
func (e *TooDeepError) Error() string { return "the HTML nests too deeply: " + e.err.Error() }

// Unwrap returns the parser's error.
func (e *TooDeepError) Unwrap() error { return e.err }

// Check looks at a document in UTF-8. Its only error is a TooDeepError.
func Check(source []byte) (*Result, error) {
	d, err := Parse(source)
	if err != nil {
		return nil, err
	}
	return d.Check(), nil
}

// Check looks at a document.
func (d *Document) Check() *Result {
	c := &checker{Document: d, texts: map[*html.Node]string{}}
	for _, check := range []func(){
		c.page, c.images, c.headings, c.names, c.frames, c.tables, c.lists, c.landmarks, c.ariaRules, c.identifiers,
		c.timing, c.forms, c.keyboard, c.media, c.contrast,
	} {
		check()
	}
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		if a.Line != b.Line {
			return cmp.Compare(a.Line, b.Line)
		}
		return cmp.Compare(a.Column, b.Column)
	})
	c.result.Findings = c.findings
	return &c.result
}

type checker struct {
	*Document
	findings []Finding
	result   Result
	// texts are the texts of controls that hold images.
	texts map[*html.Node]string
}

// fail records a finding on an element; nil is the document as a whole.
func (c *checker) fail(rule string, n *html.Node, format string, args ...any) {
	f := Finding{Rule: rule, Line: 1, Column: 1, Detail: fmt.Sprintf(format, args...), Node: n}
	if n != nil {
		f.Element = opening(n)
		if offset, ok := c.Offset(n); ok {
			f.Line, f.Column = c.Position(offset)
		}
	}
	c.findings = append(c.findings, f)
}

// opening writes the start tag of an element, shortened.
func opening(n *html.Node) string {
	var b strings.Builder
	b.WriteString("<" + n.Data)
	for _, a := range n.Attr {
		fmt.Fprintf(&b, " %s=%q", a.Key, a.Val)
		if b.Len() > 120 {
			break
		}
	}
	b.WriteString(">")
	text := []rune(b.String())
	if len(text) > 120 {
		return string(text[:119]) + "…"
	}
	return string(text)
}
