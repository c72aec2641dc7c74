package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// frames checks frames.
func (c *checker) frames() {
	titles := map[string]*html.Node{}
	for _, n := range c.All("iframe", "frame") {
		index, ok := tabIndex(n)
		if ok && index < 0 && c.Visible(n) && !c.of(n).hidden.inert && hasRoom(n) && tabbableInside(n) {
			c.fail("frame-focusable-content", n, "")
		}
		if !c.Shown(n) {
			continue
		}
		if c.Name(n) == "" && !c.presentational(n) && (!ok || index >= 0) {
			c.fail("frame-title", n, "")
		}
		title := strings.ToLower(Attr(n, "title"))
		if earlier := titles[title]; earlier != nil && title != "" {
			c.fail("frame-title-unique", n, "%s", Attr(n, "title"))
		}
		titles[title] = n
	}
}

// hasRoom reports whether a frame is larger than a point, as those are that only scripts use.
func hasRoom(n *html.Node) bool {
	for _, key := range []string{"width", "height"} {
		if v, err := strconv.Atoi(strings.TrimSpace(Attr(n, key))); err == nil && v <= 1 {
			return false
		}
	}
	return true
}

// tabbableInside reports whether the tab key reaches something in the document that a frame has written in it.
func tabbableInside(n *html.Node) bool {
	if !Has(n, "srcdoc") {
		return false
	}
	inner, err := Parse([]byte(strings.ToValidUTF8(Attr(n, "srcdoc"), "\ufffd")))
	return err == nil && slices.ContainsFunc(inner.Elements, func(e *html.Node) bool { return inner.Visible(e) && inner.Tabbable(e) })
}
