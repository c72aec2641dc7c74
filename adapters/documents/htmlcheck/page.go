package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/language"
)

// validLanguage tells whether a language tag has a registered primary language.
func validLanguage(tag string) bool {
	primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
	if primary == "" || len(primary) > 3 && primary != "i" && primary != "x" {
		return false
	}
	_, err := language.ParseBase(primary)
	return err == nil
}

// page checks what belongs to the document as a whole.
func (c *checker) page() {
	root := c.all("html")[0]
	lang := strings.TrimSpace(attr(root, "lang"))
	c.result.Language = lang
	switch {
	case lang == "":
		c.fail("html-has-lang", root, "")
	case !validLanguage(lang):
		c.fail("html-lang-valid", root, "%s", lang)
	}
	if xml := attr(root, "xml:lang"); xml != "" && lang != "" && !strings.EqualFold(base(xml), base(lang)) {
		c.fail("html-xml-lang-mismatch", root, "%s and %s", lang, xml)
	}
	for _, n := range c.elements {
		if n != root && has(n, "lang") && n.Namespace == "" {
			if l := attr(n, "lang"); !validLanguage(l) && text(n) != "" {
				c.fail("valid-lang", n, "%s", l)
			}
		}
	}
	for _, n := range c.all("title") {
		if n.Namespace == "" && c.result.Title == "" {
			c.result.Title = text(n)
		}
	}
	if c.result.Title == "" {
		c.fail("document-title", nil, "")
	}
	if body := c.all("body"); len(body) > 0 && strings.EqualFold(attr(body[0], "aria-hidden"), "true") {
		c.fail("aria-hidden-body", body[0], "")
	}
	if at := strings.IndexRune(string(c.source), '\ufffd'); at >= 0 {
		line, column := c.position(at)
		c.findings = append(c.findings, Finding{Rule: "charset", Line: line, Column: column})
	}
	for _, n := range c.all("script") {
		if n.Namespace == "" {
			c.result.Scripts++
		}
	}
}

func base(tag string) string {
	b, _, _ := strings.Cut(tag, "-")
	return b
}

// headings checks the outline.
func (c *checker) headings() {
	level, one, first := 0, false, true
	for _, n := range c.elements {
		if c.role(n) != "heading" || !c.shown(n) {
			continue
		}
		now := headingLevel(n)
		if c.accessibleName(n) == "" {
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

func headingLevel(n *html.Node) int {
	if level, err := strconv.Atoi(attr(n, "aria-level")); err == nil && level > 0 {
		return level
	}
	if len(n.Data) == 2 && n.Data[0] == 'h' {
		return int(n.Data[1] - '0')
	}
	return 2
}

var landmarkRoles = []string{"banner", "complementary", "contentinfo", "form", "main", "navigation", "region", "search"}

// landmarks checks the parts of the page.
func (c *checker) landmarks() {
	found := map[string][]*html.Node{}
	for _, n := range c.elements {
		role := c.role(n)
		if slices.Contains(landmarkRoles, role) && c.shown(n) {
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
			outer := closest(n, func(p *html.Node) bool { return slices.Contains(landmarkRoles, c.role(p)) && c.role(p) != "form" })
			if !has(n, "role") && closest(n, named("article", "aside", "main", "nav", "section")) != nil {
				continue // HTML itself takes such an element for a part of its section
			}
			if outer != nil {
				c.fail("landmark-"+role+"-is-top-level", n, "inside of %s", c.role(outer))
			}
		}
	}
	for _, role := range landmarkRoles {
		names := map[string]*html.Node{}
		for _, n := range found[role] {
			name := strings.ToLower(c.accessibleName(n))
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

// hasLinks tells whether there is anything to skip.
func (c *checker) hasLinks() bool {
	return slices.ContainsFunc(c.elements, func(n *html.Node) bool { return n.Data == "a" && has(n, "href") })
}

func (c *checker) canBypass(found map[string][]*html.Node) bool {
	if len(found["main"]) > 0 {
		return true
	}
	for _, n := range c.elements {
		if c.role(n) == "heading" && c.shown(n) && c.accessibleName(n) != "" {
			return true
		}
	}
	return len(c.skipLinks()) > 0
}

// skipLinks are the links at the start of the page that lead to another place in it.
func (c *checker) skipLinks() []*html.Node {
	var out []*html.Node
	for _, n := range c.all("a") {
		href := attr(n, "href")
		if href == "" {
			continue
		}
		if !strings.HasPrefix(href, "#") || len(href) == 1 {
			break
		}
		if len(c.ids[href[1:]]) > 0 || c.hasAnchor(href[1:]) {
			out = append(out, n)
		}
	}
	return out
}

// replacedElements are content without text.
var replacedElements = []string{"img", "input", "select", "textarea", "button", "iframe", "video", "audio"}

// regions finds the outermost content outside of all landmarks.
func (c *checker) regions() {
	bodies := c.all("body")
	if len(bodies) == 0 {
		return
	}
	var outside []*html.Node
	var walk func(n *html.Node) bool // whether n has content and lies wholly outside
	isSkip := c.skipLinks()
	walk = func(n *html.Node) bool {
		content := false
		before := len(outside)
		whole := true
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			if child.Type == html.TextNode && strings.TrimSpace(child.Data) != "" {
				content = true
			}
			if child.Type != html.ElementNode || !c.shown(child) || slices.Contains(isSkip, child) {
				continue
			}
			role := c.role(child)
			if slices.Contains(landmarkRoles, role) || slices.Contains([]string{"dialog", "alertdialog", "alert", "log", "status"}, role) {
				whole = false
				continue
			}
			inner := slices.Contains(replacedElements, child.Data) || child.Data == "svg" && explicitRole(child) != "" ||
				child.Data != "svg" && walk(child)
			if inner {
				outside = append(outside, child)
				content = true
			} else if c.under(child, func(n *html.Node) bool { return slices.Contains(landmarkRoles, c.role(n)) }) {
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

// timing checks refreshes, and the viewport beside them.
func (c *checker) timing() {
	for _, n := range c.all("meta") {
		content := attr(n, "content")
		if strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			number := strings.TrimLeft(content, " ")
			end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' })
			if end < 0 {
				end = len(number)
			}
			if seconds, err := strconv.Atoi(number[:end]); err == nil && seconds > 0 && seconds <= 72_000 {
				c.fail("meta-refresh", n, "after %d seconds", seconds)
			}
		}
		if strings.EqualFold(attr(n, "name"), "viewport") {
			c.viewport(n, content)
		}
	}
	for _, n := range c.all("blink", "marquee") {
		if c.rendered(n) {
			c.fail(n.Data, n, "")
		}
	}
}

func (c *checker) viewport(n *html.Node, content string) {
	values := map[string]string{}
	for part := range strings.FieldsFuncSeq(content, func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		values[strings.ToLower(strings.TrimSpace(name))] = strings.ToLower(strings.TrimSpace(value))
	}
	if v := values["user-scalable"]; v == "no" || v == "0" {
		c.fail("meta-viewport", n, "user-scalable=%s", v)
		return
	}
	if v, ok := values["maximum-scale"]; ok {
		scale, err := strconv.ParseFloat(v, 64)
		switch {
		case v == "yes", err == nil && scale >= 0 && scale < 2:
			c.fail("meta-viewport", n, "maximum-scale=%s", v)
		case err == nil && scale >= 0 && scale < 5:
			c.fail("meta-viewport-large", n, "maximum-scale=%s", v)
		}
	}
}

// frames checks frames.
func (c *checker) frames() {
	titles := map[string]*html.Node{}
	for _, n := range c.all("iframe", "frame") {
		if !c.shown(n) {
			continue
		}
		name := c.accessibleName(n)
		if name == "" && c.role(n) != "presentation" && c.role(n) != "none" {
			c.fail("frame-title", n, "")
		}
		title := strings.ToLower(attr(n, "title"))
		if earlier := titles[title]; earlier != nil && title != "" {
			c.fail("frame-title-unique", n, "%s", attr(n, "title"))
		}
		titles[title] = n
	}
}

// media checks video and audio.
func (c *checker) media() {
	for _, n := range c.all("video", "audio") {
		c.result.Media++
		if n.Data == "video" && c.shown(n) && !has(n, "muted") && !c.captioned(n) {
			c.fail("video-caption", n, "")
		}
		if has(n, "autoplay") && !has(n, "muted") && !has(n, "controls") {
			c.fail("no-autoplay-audio", n, "")
		}
	}
}

func (c *checker) captioned(n *html.Node) bool {
	for _, track := range kids(n) {
		if track.Data == "track" && strings.EqualFold(attr(track, "kind"), "captions") {
			return true
		}
	}
	return false
}
