package htmlcheck

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// presentational reports whether an element is said to mean nothing, and keeps to it.
func (c *checker) presentational(n *html.Node) bool {
	role := c.Role(n)
	return role == "presentation" || role == "none"
}

// images checks alternative texts.
func (c *checker) images() {
	for _, n := range c.Elements {
		if !c.Shown(n) {
			continue
		}
		role := ExplicitRole(n)
		switch {
		case n.Data == "img":
			c.result.Images++
			c.image(n)
		case n.Data == "input" && strings.EqualFold(Attr(n, "type"), "image"):
			if c.Name(n) == "" {
				c.fail("input-image-alt", n, "")
			}
		case n.Data == "area" && Has(n, "href"):
			if c.Name(n) == "" {
				c.fail("area-alt", n, "")
			}
		case n.Data == "object" && role == "" && embedsMedia(n):
			if c.Name(n) == "" {
				c.fail("object-alt", n, "")
			}
		case n.Namespace == "svg" && (role == "img" || role == "image" || strings.HasPrefix(role, "graphics-")):
			if c.Name(n) == "" {
				c.fail("svg-img-alt", n, "")
			}
		case (role == "img" || role == "image") && c.Name(n) == "":
			c.fail("role-img-alt", n, "")
		}
		if n.Data == "img" && Has(n, "ismap") && Closest(n, Named("a")) != nil {
			c.fail("server-side-image-map", n, "")
		}
	}
}

// embedsMedia reports whether an object shows an image, a film or a sound. Of other resources the browser shows the content
// of the element, or the resource has its own text.
func embedsMedia(n *html.Node) bool {
	kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(Attr(n, "type"))), ";")
	if kind == "" {
		address, _, _ := strings.Cut(Attr(n, "data"), "#")
		address, _, _ = strings.Cut(address, "?")
		if data, ok := strings.CutPrefix(strings.ToLower(address), "data:"); ok {
			kind = data
		} else {
			kind = mediaTypes[strings.ToLower(path.Ext(address))]
		}
	}
	return Attr(n, "data") != "" && (strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/"))
}

// mediaTypes are the kinds of resources by the endings of their names.
var mediaTypes = map[string]string{
	".png": "image/", ".jpg": "image/", ".jpeg": "image/", ".gif": "image/", ".svg": "image/", ".webp": "image/", ".bmp": "image/",
	".avif": "image/", ".ico": "image/", ".tif": "image/", ".tiff": "image/", ".mp3": "audio/", ".ogg": "audio/", ".oga": "audio/",
	".wav": "audio/", ".flac": "audio/", ".m4a": "audio/", ".aac": "audio/", ".opus": "audio/", ".mp4": "video/", ".webm": "video/",
	".ogv": "video/", ".mov": "video/", ".avi": "video/", ".mkv": "video/", ".m4v": "video/",
}

var emptyWords = []string{
	"image", "img", "picture", "photo", "graphic", "figure", "logo", "icon", "alt", "bild", "foto", "untitled", "spacer",
	"placeholder", "null", "undefined", "todo", "-", ".", "*",
}

// SaysNothing reports whether a name has no meaning: it is the name of a file, or a word that fits everything.
func SaysNothing(name string) bool {
	word := strings.ToLower(name)
	return slices.Contains(emptyWords, word) || mediaTypes[path.Ext(word)] == "image/"
}

// IsVague reports whether the text of a link does not say where it leads.
func IsVague(name string) bool {
	return slices.Contains(vagueTexts, strings.ToLower(strings.Trim(name, " .…!›»>→")))
}

func (c *checker) image(n *html.Node) {
	name := c.Name(n)
	if name == "" && !Has(n, "alt") && !c.presentational(n) {
		c.fail("image-alt", n, "")
		return
	}
	if name == "" && Has(n, "alt") && Attr(n, "alt") != "" && !c.presentational(n) { // only white space
		c.fail("image-alt", n, "")
		return
	}
	if SaysNothing(name) {
		c.fail("image-alt-placeholder", n, "%s", name)
	}
	control := Closest(n, func(p *html.Node) bool { role := c.Role(p); return role == "link" || role == "button" })
	if control == nil || name == "" {
		return
	}
	if _, known := c.texts[control]; !known {
		c.texts[control] = Text(control)
	}
	if strings.EqualFold(c.texts[control], name) {
		c.fail("image-redundant-alt", n, "%s", name)
	}
}

// names checks that what can be used has a name.
func (c *checker) names() {
	for _, n := range c.Elements {
		if !c.Shown(n) {
			continue
		}
		c.nameOfControl(n)
	}
}

func (c *checker) nameOfControl(n *html.Node) {
	explicit := ExplicitRole(n)
	role := c.Role(n)
	name := func() string { return c.Name(n) }
	kind := strings.ToLower(Attr(n, "type"))
	native := role == explicit || explicit == "" || explicit == "none" || explicit == "presentation"
	switch {
	case n.Data == "button" && role == "button":
		if name() == "" {
			c.fail("button-name", n, "")
		}
	case n.Data == "input" && slices.Contains([]string{"submit", "reset", "button"}, kind) && role == "button":
		if name() == "" {
			c.fail("input-button-name", n, "")
		}
	case n.Data == "a" && Has(n, "href") && n.Namespace == "" && isLink(role):
		c.result.Links++
		c.link(n, name())
	case n.Data == "select" && native && (role == "combobox" || role == "listbox"):
		c.result.Forms++
		if name() == "" {
			c.fail("select-name", n, "")
		}
	case n.Data == "summary" && n.Parent != nil && n.Parent.Data == "details":
		if isSummary(n) && name() == "" {
			c.fail("summary-name", n, "")
		}
	case n.Data == "textarea" || n.Data == "input" && !slices.Contains([]string{"image", "hidden"}, kind):
		c.result.Forms++
		c.field(n, name())
	case explicit != "" || n.Namespace == "svg" && isLink(role):
		c.nameOfWidget(n, role, name)
	case n.Data == "meter" && name() == "":
		c.fail("aria-meter-name", n, "")
	case n.Data == "progress" && name() == "":
		c.fail("aria-progressbar-name", n, "")
	case n.Data == "dialog" && Has(n, "open") && name() == "":
		c.fail("aria-dialog-name", n, "")
	}
	c.labelInName(n, role)
}

// isLink recognizes the role link and those that are kinds of it.
func isLink(role string) bool {
	return slices.Contains([]string{"link", "doc-backlink", "doc-biblioref", "doc-glossref", "doc-noteref"}, role)
}

// nameOfWidget checks elements that are controls by their role only.
func (c *checker) nameOfWidget(n *html.Node, role string, name func() string) {
	rule := ""
	switch role {
	case "button", "link", "menuitem", "doc-backlink", "doc-biblioref", "doc-glossref", "doc-noteref":
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
		if c.Focusable(n) && !c.presentational(n) {
			c.fail("link-name", n, "")
		}
		return
	}
	if IsVague(name) {
		c.fail("link-text-vague", n, "%s", name)
	}
	if href := Attr(n, "href"); strings.HasPrefix(href, "#") && len(href) > 1 && strings.Contains(strings.ToLower(name), "skip") {
		if len(c.ids[href[1:]]) == 0 && !c.hasAnchor(href[1:]) {
			c.fail("skip-link", n, "%s", href)
		}
	}
}

func (d *Document) hasAnchor(name string) bool {
	for _, n := range d.All("a") {
		if Attr(n, "name") == name {
			return true
		}
	}
	return false
}

// field checks the label of a text field, a choice and the like.
func (c *checker) field(n *html.Node, name string) {
	if c.presentational(n) {
		return
	}
	labels := 0
	for _, label := range c.Labels(n) {
		if c.Shown(label) {
			labels++
		}
	}
	switch {
	case name == "":
		c.fail("label", n, "")
	case labels > 1 && Attr(n, "aria-labelledby") == "":
		c.fail("form-field-multiple-labels", n, "%d labels", labels)
	case labels == 0 && Attr(n, "aria-label") == "" && Attr(n, "aria-labelledby") == "" && Attr(n, "title") != "" && Attr(n, "title") == name:
		c.fail("label-title-only", n, "")
	}
}
