package typeset

import (
	"fmt"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// level is the level of a heading, 0 if the element is none.
func level(n *html.Node) int {
	if n.Namespace != "" {
		return 0
	}
	role, _ := attr(n, "role")
	if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' && (role == "" || role == "heading") {
		return int(n.Data[1] - '0')
	}
	if role == "heading" {
		if l, _ := attr(n, "aria-level"); len(l) == 1 && l[0] >= '1' && l[0] <= '6' {
			return int(l[0] - '0')
		}
		return 2
	}
	return 0
}

// closeSkips gives each heading the level below the one that it stands under, so that none is skipped (ISO 14289-1,
// 7.4.2). It tells of what it changes if notes are given.
func closeSkips(root *element, n *notes) {
	type open struct{ source, level int }
	var stack []open
	walk(root, func(e *element) {
		if e.level == 0 || !e.hasContent() {
			return
		}
		for len(stack) > 0 && stack[len(stack)-1].source >= e.level {
			stack = stack[:len(stack)-1]
		}
		out := len(stack) + 1
		stack = append(stack, open{e.level, out})
		if out != e.level && n != nil {
			n.warn("Heading levels were skipped: headings of level %d became level %d, and so on.", e.level, out)
		}
		e.level = out
		e.role = pdf.Name(fmt.Sprintf("H%d", out))
		if e.heading != nil {
			e.heading.level = out
		}
	})
}

// hasContent tells whether anything is in an element.
func (e *element) hasContent() bool {
	for _, k := range e.kids {
		if k.slot != nil || k.element != nil && k.element.hasContent() {
			return true
		}
	}
	return false
}
