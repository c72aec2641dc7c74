package htmlcheck

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// presentational tells whether an element is said to mean nothing, and keeps to it.
func (c *checker) presentational(n *html.Node) bool {
	role := c.role(n)
	return (role == "presentation" || role == "none") && !c.conflict(n)
}

// images checks alternative texts.
func (c *checker) images() {
	for _, n := range c.elements {
		if !c.shown(n) {
			continue
		}
		role := explicitRole(n)
		switch {
		case n.Data == "img":
			c.result.Images++
			c.image(n)
		case n.Data == "input" && strings.EqualFold(attr(n, "type"), "image"):
			if c.accessibleName(n) == "" {
				c.fail("input-image-alt", n, "")
			}
		case n.Data == "area" && has(n, "href"):
			if c.accessibleName(n) == "" {
				c.fail("area-alt", n, "")
			}
		case n.Data == "object" && has(n, "data"):
			if c.accessibleName(n) == "" && text(n) == "" && !c.presentational(n) {
				c.fail("object-alt", n, "")
			}
		case n.Data == "svg" && (role == "img" || role == "image" || strings.HasPrefix(role, "graphics-")):
			if c.accessibleName(n) == "" {
				c.fail("svg-img-alt", n, "")
			}
		case (role == "img" || role == "image") && c.accessibleName(n) == "":
			c.fail("role-img-alt", n, "")
		}
		if n.Data == "img" && has(n, "ismap") && closest(n, named("a")) != nil {
			c.fail("server-side-image-map", n, "")
		}
	}
}

var emptyWords = []string{
	"image", "img", "picture", "photo", "graphic", "figure", "logo", "icon", "alt", "bild", "foto", "untitled", "spacer",
	"placeholder", "null", "undefined", "todo", "-", ".", "*",
}

func (c *checker) image(n *html.Node) {
	name := c.accessibleName(n)
	if name == "" && !has(n, "alt") && !c.presentational(n) {
		c.fail("image-alt", n, "")
		return
	}
	if name == "" && has(n, "alt") && attr(n, "alt") != "" && !c.presentational(n) { // only white space
		c.fail("image-alt", n, "")
		return
	}
	word := strings.ToLower(name)
	if slices.Contains(emptyWords, word) || slices.Contains([]string{".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".avif"}, path.Ext(word)) {
		c.fail("image-alt-placeholder", n, "%s", name)
	}
	control := closest(n, func(p *html.Node) bool { role := c.role(p); return role == "link" || role == "button" })
	if control != nil && name != "" && strings.EqualFold(text(control), name) {
		c.fail("image-redundant-alt", n, "%s", name)
	}
}

// names checks that what can be used has a name.
func (c *checker) names() {
	for _, n := range c.elements {
		if !c.shown(n) {
			continue
		}
		c.nameOfControl(n)
	}
}

func (c *checker) nameOfControl(n *html.Node) {
	explicit := explicitRole(n)
	role := c.role(n)
	name := func() string { return c.accessibleName(n) }
	kind := strings.ToLower(attr(n, "type"))
	switch {
	case n.Data == "button" && (explicit == "" || explicit == "button"):
		if name() == "" {
			c.fail("button-name", n, "")
		}
	case n.Data == "input" && slices.Contains([]string{"submit", "reset", "button"}, kind):
		if name() == "" {
			c.fail("input-button-name", n, "")
		}
	case n.Data == "a" && has(n, "href") && (explicit == "" || explicit == "link"):
		c.result.Links++
		c.link(n, name())
	case n.Data == "select" && explicit == "":
		c.result.Forms++
		if name() == "" {
			c.fail("select-name", n, "")
		}
	case n.Data == "summary" && n.Parent != nil && n.Parent.Data == "details":
		if name() == "" {
			c.fail("summary-name", n, "")
		}
	case n.Data == "textarea" || n.Data == "input" && !slices.Contains([]string{"image", "hidden"}, kind):
		c.result.Forms++
		c.field(n, name())
	case explicit != "":
		c.nameOfWidget(n, role, name)
	case n.Data == "meter" && name() == "":
		c.fail("aria-meter-name", n, "")
	case n.Data == "progress" && name() == "":
		c.fail("aria-progressbar-name", n, "")
	case n.Data == "dialog" && has(n, "open") && name() == "":
		c.fail("aria-dialog-name", n, "")
	}
}

// nameOfWidget checks elements that are controls by their role only.
func (c *checker) nameOfWidget(n *html.Node, role string, name func() string) {
	rule := ""
	switch role {
	case "button", "link", "menuitem":
		rule = "aria-command-name"
	case "combobox", "listbox", "searchbox", "slider", "spinbutton", "textbox":
		rule = "aria-input-field-name"
	case "checkbox", "menuitemcheckbox", "menuitemradio", "radio", "switch", "option":
		rule = "aria-toggle-field-name"
	case "meter":
		rule = "aria-meter-name"
	case "progressbar":
		rule = "aria-progressbar-name"
	case "dialog", "alertdialog":
		rule = "aria-dialog-name"
	case "tooltip":
		rule = "aria-tooltip-name"
	case "treeitem":
		rule = "aria-treeitem-name"
	}
	if rule != "" && name() == "" {
		c.fail(rule, n, "")
	}
}

// vagueTexts say nothing of where a link leads.
var vagueTexts = []string{
	"click here", "here", "more", "read more", "learn more", "link", "this", "click", "details", "info", "continue",
	"hier", "mehr", "weiter", "klicken sie hier", "mehr erfahren", "weiterlesen",
}

func (c *checker) link(n *html.Node, name string) {
	if name == "" {
		if c.focusable(n) && !c.presentational(n) {
			c.fail("link-name", n, "")
		}
		return
	}
	if slices.Contains(vagueTexts, strings.ToLower(strings.Trim(name, " .…!›»>→"))) {
		c.fail("link-text-vague", n, "%s", name)
	}
	if href := attr(n, "href"); strings.HasPrefix(href, "#") && len(href) > 1 && strings.Contains(strings.ToLower(name), "skip") {
		if len(c.ids[href[1:]]) == 0 && !c.hasAnchor(href[1:]) {
			c.fail("skip-link", n, "%s", href)
		}
	}
}

func (c *checker) hasAnchor(name string) bool {
	for _, n := range c.all("a") {
		if attr(n, "name") == name {
			return true
		}
	}
	return false
}

// field checks the label of a text field, a choice and the like.
func (c *checker) field(n *html.Node, name string) {
	if c.role(n) == "presentation" || c.role(n) == "none" {
		return
	}
	labels := 0
	for _, label := range c.labelsOf(n) {
		if c.shown(label) {
			labels++
		}
	}
	switch {
	case name == "":
		c.fail("label", n, "")
	case labels > 1 && attr(n, "aria-labelledby") == "":
		c.fail("form-field-multiple-labels", n, "%d labels", labels)
	case labels == 0 && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" && attr(n, "title") != "" && attr(n, "title") == name:
		c.fail("label-title-only", n, "")
	}
}
