package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/language"
)

// ValidLanguage reports whether a language tag has a registered primary language.
func ValidLanguage(tag string) bool {
	primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
	if len(primary) < 2 || len(primary) > 3 {
		return false
	}
	base, err := language.ParseBase(primary)
	// The registry has a code of three letters only where there is none of two.
	return err == nil && (len(primary) == 2 || len(base.String()) == 3 || base.ISO3() != strings.ToLower(primary))
}

// page checks what belongs to the document as a whole.
func (c *checker) page() {
	root := c.All("html")[0]
	lang := strings.TrimSpace(Attr(root, "lang"))
	c.result.Language = lang
	switch {
	case lang == "":
		c.fail("html-has-lang", root, "")
	case !ValidLanguage(lang):
		c.fail("html-lang-valid", root, "%s", lang)
	}
	if xml := Attr(root, "xml:lang"); xml != "" && ValidLanguage(lang) && !strings.EqualFold(base(xml), base(lang)) {
		c.fail("html-xml-lang-mismatch", root, "%s and %s", lang, xml)
	}
	for _, n := range c.Elements {
		if l := Attr(n, "lang"); n != root && l != "" && n.Namespace == "" && !ValidLanguage(l) && c.speaks(n) {
			c.fail("valid-lang", n, "%s", l)
		}
	}
	c.languages(root)
	for _, n := range c.All("title") {
		if n.Namespace == "" {
			c.result.Title = Text(n) // that of a second one does not count
			break
		}
	}
	if c.result.Title == "" {
		c.fail("document-title", nil, "")
	}
	if body := c.All("body"); len(body) > 0 && strings.EqualFold(Attr(body[0], "aria-hidden"), "true") {
		c.fail("aria-hidden-body", body[0], "")
	}
	if at := strings.IndexRune(string(c.Source), '\ufffd'); at >= 0 {
		line, column := c.Position(at)
		c.findings = append(c.findings, Finding{Rule: "charset", Line: line, Column: column})
	}
	for _, n := range c.All("script") {
		if n.Namespace == "" {
			c.result.Scripts++
		}
	}
}

// speaks reports whether an element has text of its own language: such that people see or hear, and that lies in no element
// inside with another language.
func (c *checker) speaks(n *html.Node) bool {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch {
		case child.Type == html.TextNode:
			if strings.TrimSpace(child.Data) != "" && (c.Shown(n) || c.Visible(n)) {
				return true
			}
		case child.Type != html.ElementNode || Attr(child, "lang") != "":
		case c.Shown(child) && (child.Data == "img" || child.Data == "area" || Has(child, "aria-label") || child.Data == "input") && c.Name(child) != "":
			return true
		case c.speaks(child):
			return true
		}
	}
	return false
}

func base(tag string) string {
	b, _, _ := strings.Cut(tag, "-")
	return b
}

// headings checks the outline.
func (c *checker) headings() {
	level, one, first := 0, false, true
	for _, n := range c.Elements {
		if c.Role(n) != "heading" || !c.Shown(n) {
			continue
		}
		now := HeadingLevel(n)
		if c.Name(n) == "" {
			c.fail("empty-heading", n, "")
		}
		if !first && now > level+1 {
			c.fail("heading-order", n, "level %d after level %d", now, level)
		}
		level, first = now, false
		one = one || now == 1
	}
	if !one {
		c.fail("page-has-heading-one", nil, "")
	}
}

// HeadingLevel returns the level of an element with the role heading; 2 is what WAI-ARIA takes if nothing says it.
func HeadingLevel(n *html.Node) int {
	if level, err := strconv.Atoi(Attr(n, "aria-level")); err == nil && level > 0 {
		return level
	}
	if len(n.Data) == 2 && n.Data[0] == 'h' {
		return int(n.Data[1] - '0')
	}
	return 2
}

var landmarkRoles = []string{"banner", "complementary", "contentinfo", "form", "main", "navigation", "region", "search"}

// IsLandmark reports whether a role is that of a part of the page.
func IsLandmark(role string) bool { return slices.Contains(landmarkRoles, role) }

// landmarks checks the parts of the page.
func (c *checker) landmarks() {
	found := map[string][]*html.Node{}
	for _, n := range c.Elements {
		role := c.Role(n)
		if slices.Contains(landmarkRoles, role) && c.Shown(n) {
			found[role] = append(found[role], n)
		}
	}
	if len(found["main"]) == 0 {
		c.fail("landmark-one-main", nil, "")
	}
	for _, role := range []string{"main", "banner", "contentinfo"} {
		for _, n := range found[role][min(1, len(found[role])):] {
			c.fail("landmark-no-duplicate-"+role, n, "")
		}
	}
	for _, role := range []string{"main", "banner", "contentinfo"} {
		for _, n := range found[role] {
			outer := Closest(n, func(p *html.Node) bool { return slices.Contains(landmarkRoles, c.Role(p)) && c.Role(p) != "form" })
			if !Has(n, "role") && Closest(n, Named("article", "aside", "main", "nav", "section")) != nil {
				continue // HTML itself takes such an element for a part of its section
			}
			if outer != nil {
				c.fail("landmark-"+role+"-is-top-level", n, "inside of %s", c.Role(outer))
			}
		}
	}
	for _, role := range landmarkRoles {
		names := map[string]*html.Node{}
		for _, n := range found[role] {
			name := strings.ToLower(c.Name(n))
			if earlier := names[name]; earlier != nil && len(found[role]) > 1 {
				c.fail("landmark-unique", n, "%s %q", role, name)
			}
			names[name] = n
		}
	}
	c.regions()
	if c.hasLinks() && !c.canBypass(found) {
		c.fail("bypass", nil, "")
	}
}

// hasLinks reports whether there is anything to skip.
func (c *checker) hasLinks() bool {
	return slices.ContainsFunc(c.Elements, func(n *html.Node) bool { return n.Data == "a" && Has(n, "href") })
}

func (c *checker) canBypass(found map[string][]*html.Node) bool {
	if len(found["main"]) > 0 {
		return true
	}
	repeated := func(p *html.Node) bool {
		return slices.Contains([]string{"navigation", "complementary", "contentinfo", "search"}, c.Role(p))
	}
	for _, n := range c.Elements {
		if c.Role(n) == "heading" && c.Shown(n) && c.Visible(n) && c.Name(n) != "" && Closest(n, repeated) == nil {
			return true
		}
	}
	return len(c.SkipLinks()) > 0
}

// SkipLinks are the links at the start of the page that lead to another place in it.
func (d *Document) SkipLinks() []*html.Node {
	var out []*html.Node
	for _, n := range d.All("a") {
		href := Attr(n, "href")
		if href == "" {
			continue
		}
		if !strings.HasPrefix(href, "#") || len(href) == 1 {
			break
		}
		if len(d.ids[href[1:]]) > 0 || d.hasAnchor(href[1:]) {
			out = append(out, n)
		}
	}
	return out
}

// replacedElements are content without text.
var replacedElements = []string{"img", "input", "select", "textarea", "button", "iframe", "video", "audio"}

// regions finds the outermost content outside of all landmarks.
func (c *checker) regions() {
	bodies := c.All("body")
	if len(bodies) == 0 {
		return
	}
	var outside []*html.Node
	var walk func(n *html.Node) bool // whether n has content and lies wholly outside
	isSkip := map[*html.Node]bool{}
	for _, link := range c.SkipLinks() {
		isSkip[link] = true
	}
	walk = func(n *html.Node) bool {
		content := false
		before := len(outside)
		whole := true
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			if child.Type == html.TextNode && strings.TrimSpace(child.Data) != "" {
				content = true
				c.result.Outside++
			}
			if child.Type != html.ElementNode || !c.Shown(child) || isSkip[child] {
				continue
			}
			role := c.Role(child)
			if slices.Contains(landmarkRoles, role) || slices.Contains([]string{"dialog", "alertdialog", "alert", "log", "status"}, role) {
				whole = false
				continue
			}
			inner := slices.Contains(replacedElements, child.Data) || child.Data == "svg" && ExplicitRole(child) != ""
			if inner {
				c.result.Outside++
			}
			if inner = inner || child.Data != "svg" && walk(child); inner {
				outside = append(outside, child)
				content = true
			} else if Under(child, func(n *html.Node) bool { return slices.Contains(landmarkRoles, c.Role(n)) }) {
				whole = false
			}
		}
		if content && whole && n.Data != "body" {
			outside = outside[:before]
			return true
		}
		return false
	}
	walk(bodies[0])
	if len(outside) > 0 {
		c.fail("region", outside[0], "")
	}
}
