package htmlfix

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// structure plans what changes or adds tags inside of the page's parts.
func (p *plan) structure() {
	if !slices.ContainsFunc(p.repairs, func(r *repair) bool { return r.rule == "empty-heading" }) { // else they are fewer soon
		p.headings()
	}
	p.lists()
	p.tables()
}

// headings gives the page a heading of level one and levels without a gap. The tags stay, so that style sheets and the
// look do: the level that counts is said by aria-level (ARIA in HTML allows it on headings).
func (p *plan) headings() {
	wantsOne, gaps := p.counts["page-has-heading-one"] > 0, p.counts["heading-order"] > 0
	if !wantsOne && !gaps {
		return
	}
	var all []*html.Node
	for _, n := range p.Elements {
		if p.Role(n) == "heading" && p.Shown(n) {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		p.headingFromTitle()
		return
	}
	levels := make([]int, len(all))
	for i, n := range all {
		levels[i] = htmlcheck.HeadingLevel(n)
	}
	rule, now := "heading-order", renumber(levels, -1)
	if wantsOne {
		rule, now = "page-has-heading-one", renumber(levels, p.mainHeading(all))
	}
	r := p.start(rule, nil, "")
	done := 0
	for i, n := range all {
		if now[i] != levels[i] {
			r.set(n, "aria-level", strconv.Itoa(now[i]))
			if done++; r.at < 0 {
				r = p.moved(r, n)
			}
		}
	}
	r.detail = fmt.Sprintf("level of headings changed: %d of %d", done, len(all))
	if wantsOne {
		r.review = "The main heading was chosen by its place: is it the one that says what the page is about?"
	}
	p.add(r)
}

// moved puts the place of a repair to an element.
func (p *plan) moved(r *repair, n *html.Node) *repair {
	if offset, ok := p.Offset(n); ok {
		r.at = offset
	}
	return r
}

// mainHeading chooses the heading that becomes the one of level one: the one that repeats the title, else the first
// outside of navigation and the like.
func (p *plan) mainHeading(all []*html.Node) int {
	title := strings.ToLower(p.result.Title)
	first := -1
	for i, n := range all {
		if htmlcheck.Closest(n, func(a *html.Node) bool {
			role := p.Role(a)
			return role == "navigation" || role == "complementary" || role == "contentinfo"
		}) != nil {
			continue
		}
		name := strings.ToLower(p.Name(n))
		if first < 0 {
			first = i
		}
		if utf8.RuneCountInString(name) >= 3 && (name == title || strings.HasPrefix(title, name+" ")) {
			return i
		}
	}
	return max(first, 0)
}

// renumber closes the gaps between levels: a heading that lies more than one level below the one before lies one below,
// and those beside it with it. The heading main, unless it is negative, gets level one, and no other one.
func renumber(levels []int, main int) []int {
	out := make([]int, len(levels))
	type open struct{ old, now int }
	var stack []open
	previous := 0
	for i, level := range levels {
		if i == main {
			out[i], previous = 1, 1
			stack = append(stack[:0], open{0, 1}) // all that follow lie below it
			continue
		}
		for len(stack) > 0 && stack[len(stack)-1].old > level {
			stack = stack[:len(stack)-1]
		}
		now := level
		switch top := len(stack) - 1; {
		case top >= 0 && stack[top].old == level:
			now = stack[top].now
		case top >= 0:
			now = stack[top].now + level - stack[top].old
		}
		if main >= 0 && now < 2 {
			now = 2
		}
		if previous > 0 {
			now = min(now, previous+1)
		}
		if main >= 0 && now < 2 {
			now = 2
		}
		if len(stack) == 0 || stack[len(stack)-1].old != level {
			stack = append(stack, open{level, now})
		}
		out[i], previous = now, now
	}
	return out
}

// headingFromTitle finds, in a page without headings, the text that repeats the page's title, and makes it one.
func (p *plan) headingFromTitle() {
	title := strings.ToLower(p.result.Title)
	if utf8.RuneCountInString(title) < 3 {
		return
	}
	var found *html.Node
	for _, n := range p.Elements {
		if htmlcheck.Named("p", "div", "span", "center", "font", "b", "strong", "big", "td")(n) && p.Shown(n) && !htmlcheck.Has(n, "role") &&
			strings.ToLower(ownText(n)) == title && htmlcheck.Closest(n, htmlcheck.Named("a", "button", "label")) == nil {
			found = n
			break
		}
	}
	if found == nil {
		return
	}
	r := p.start("page-has-heading-one", found, "text that repeats the title made the main heading")
	if found.Data == "td" { // it stays a cell
		p.wrapRun(r, [2]*html.Node{found.FirstChild, found.FirstChild}, `<div role="heading" aria-level="1">`, "div")
	} else {
		r.set(found, "role", "heading").set(found, "aria-level", "1")
	}
	p.add(r)
}

// ownText returns the text of an element that holds nothing but text.
func ownText(n *html.Node) string {
	if n.FirstChild == nil || n.FirstChild != n.LastChild || n.FirstChild.Type != html.TextNode {
		return ""
	}
	return htmlcheck.Collapse(n.FirstChild.Data)
}
