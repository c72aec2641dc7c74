package style

import (
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2/css"
	"golang.org/x/net/html"
)

// maxMatchSteps bounds the work on selectors of a whole document.
const maxMatchSteps = 200_000_000

// place is where an element stands among its siblings, counted from 1.
type place struct {
	index, fromEnd, ofType, ofTypeFromEnd int
}

// matcher matches selectors and remembers the places of elements.
type matcher struct {
	steps  int
	places map[*html.Node]place
}

// matches tells whether the subject of a selector is an element. Once the steps are used up nothing matches any more.
func (m *matcher) matches(s *selector, n *html.Node) bool { return m.from(s, 0, n) }

func (m *matcher) from(s *selector, i int, n *html.Node) bool {
	m.steps++
	if m.steps > maxMatchSteps || !m.compound(&s.compounds[i], n) {
		return false
	}
	if i == len(s.compounds)-1 {
		return true
	}
	switch s.combinators[i] {
	case '>':
		p := parent(n)
		return p != nil && m.from(s, i+1, p)
	case '+':
		p := previous(n)
		return p != nil && m.from(s, i+1, p)
	case '~':
		for p := previous(n); p != nil && m.steps <= maxMatchSteps; p = previous(p) {
			if m.from(s, i+1, p) {
				return true
			}
		}
	default:
		for p := parent(n); p != nil && m.steps <= maxMatchSteps; p = parent(p) {
			if m.from(s, i+1, p) {
				return true
			}
		}
	}
	return false
}

func parent(n *html.Node) *html.Node {
	if n.Parent != nil && n.Parent.Type == html.ElementNode {
		return n.Parent
	}
	return nil
}

func previous(n *html.Node) *html.Node {
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Type == html.ElementNode {
			return p
		}
	}
	return nil
}

func (m *matcher) compound(c *compound, n *html.Node) bool {
	if c.tag != "" && c.tag != n.Data {
		return false
	}
	if c.id != "" {
		if id, _ := attribute(n, "id"); id != c.id {
			return false
		}
	}
	if len(c.classes) > 0 {
		class, _ := attribute(n, "class")
		for _, wanted := range c.classes {
			if !hasWord(class, wanted) {
				return false
			}
		}
	}
	for i := range c.conditions {
		if !m.condition(&c.conditions[i], n) {
			return false
		}
	}
	return true
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

func (m *matcher) condition(c *condition, n *html.Node) bool {
	switch c.kind {
	case "attribute":
		return c.attribute(n)
	case "root":
		return n.Parent != nil && n.Parent.Type == html.DocumentNode
	case "scope":
		return n.Data == "html"
	case "link", "any-link":
		_, ok := attribute(n, "href")
		return ok && (n.Data == "a" || n.Data == "area")
	case "empty":
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			if k.Type == html.ElementNode || k.Type == html.TextNode && k.Data != "" {
				return false
			}
		}
		return true
	case "checked", "disabled", "required":
		_, ok := attribute(n, c.kind)
		return ok
	case "enabled", "optional":
		_, ok := attribute(n, map[string]string{"enabled": "disabled", "optional": "required"}[c.kind])
		return !ok && slices.Contains([]string{"input", "select", "textarea", "button"}, n.Data)
	case "lang":
		for p := n; p != nil; p = parent(p) {
			if lang, ok := attribute(p, "lang"); ok {
				return strings.EqualFold(lang, c.value) || len(lang) > len(c.value) && lang[len(c.value)] == '-' && strings.EqualFold(lang[:len(c.value)], c.value)
			}
		}
		return false
	case "not", "is", "where", "matches":
		for i := range c.among {
			if m.matches(&c.among[i], n) {
				return !c.negated
			}
		}
		return c.negated
	}
	p := m.place(n)
	switch c.kind {
	case "first-child":
		return p.index == 1
	case "last-child":
		return p.fromEnd == 1
	case "only-child":
		return p.index == 1 && p.fromEnd == 1
	case "first-of-type":
		return p.ofType == 1
	case "last-of-type":
		return p.ofTypeFromEnd == 1
	case "only-of-type":
		return p.ofType == 1 && p.ofTypeFromEnd == 1
	case "nth-child":
		return c.nth(p.index)
	case "nth-last-child":
		return c.nth(p.fromEnd)
	case "nth-of-type":
		return c.nth(p.ofType)
	case "nth-last-of-type":
		return c.nth(p.ofTypeFromEnd)
	}
	return false
}

// nth tells whether a place is step*n+offset for an n that is not negative.
func (c *condition) nth(place int) bool {
	rest := place - c.offset
	if c.step == 0 {
		return rest == 0
	}
	return rest%c.step == 0 && rest/c.step >= 0
}

func (c *condition) attribute(n *html.Node) bool {
	value, ok := attribute(n, c.name)
	if !ok {
		return false
	}
	want := c.value
	if c.fold {
		value, want = strings.ToLower(value), strings.ToLower(want)
	}
	switch c.op {
	case css.DelimToken:
		return value == want
	case css.IncludeMatchToken:
		return hasWord(value, want)
	case css.DashMatchToken:
		return value == want || strings.HasPrefix(value, want+"-")
	case css.PrefixMatchToken:
		return want != "" && strings.HasPrefix(value, want)
	case css.SuffixMatchToken:
		return want != "" && strings.HasSuffix(value, want)
	case css.SubstringMatchToken:
		return want != "" && strings.Contains(value, want)
	default:
		return true
	}
}

// place gives the place of an element; those of all its siblings are counted at once.
func (m *matcher) place(n *html.Node) place {
	if p, known := m.places[n]; known {
		return p
	}
	if m.places == nil {
		m.places = map[*html.Node]place{}
	}
	var siblings []*html.Node
	types := map[string]int{}
	first := n
	for first.PrevSibling != nil {
		first = first.PrevSibling
	}
	for k := first; k != nil; k = k.NextSibling {
		if k.Type == html.ElementNode {
			siblings = append(siblings, k)
			types[k.Data]++
		}
	}
	seen := map[string]int{}
	for i, k := range siblings {
		seen[k.Data]++
		m.places[k] = place{i + 1, len(siblings) - i, seen[k.Data], types[k.Data] - seen[k.Data] + 1}
	}
	return m.places[n]
}
