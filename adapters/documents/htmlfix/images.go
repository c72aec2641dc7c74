package htmlfix

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// alternative is what an alternative text can be, and why.
type alternative struct {
	text, detail, review string
}

// images gives alternative texts to images that the document says something about. Others are left as they are.
func (p *plan) images() {
	for _, f := range p.findings("image-redundant-alt") {
		p.add(p.start(f.Rule, f.Node, "alternative text emptied, which repeats the text of the link or button").set(f.Node, "alt", ""))
	}
	for _, f := range p.findings("image-alt", "image-alt-placeholder", "input-image-alt") {
		if a, ok := p.alternativeFor(f.Node, f.Rule); ok {
			r := p.start(f.Rule, f.Node, a.detail).set(f.Node, "alt", a.text)
			r.review = a.review
			if control := p.control(f.Node); p.add(r) && a.text != "" && control != nil {
				p.named[control] = true
			}
		}
	}
	for _, f := range p.findings("area-alt") {
		if name := p.linkName(htmlcheck.Attr(f.Node, "href")); name != "" {
			p.add(p.start(f.Rule, f.Node, "alternative text taken from a link to the same place").set(f.Node, "alt", name))
		}
	}
	for _, f := range p.findings("svg-img-alt") {
		p.drawing(f)
	}
}

// alternativeFor looks for an alternative text in the document, then asks for one.
func (p *plan) alternativeFor(n *html.Node, rule string) (alternative, bool) {
	if n.Data == "img" {
		if a, ok := p.decorative(n, rule); ok {
			return a, true
		}
	}
	if title := htmlcheck.Collapse(htmlcheck.Attr(n, "title")); rule != "image-alt" && saysSomething(title) {
		return alternative{text: title, detail: "alternative text taken from the title"}, true
	}
	if a, ok := p.fromSurroundings(n); ok {
		return a, true
	}
	return p.fromDescription(n)
}

// control returns the link or button that an element is in, nil if there is none.
func (p *plan) control(n *html.Node) *html.Node {
	return htmlcheck.Closest(n, func(c *html.Node) bool { role := p.Role(c); return role == "link" || role == "button" })
}

// hasText reports whether an element has any text in it.
func (p *plan) hasText(n *html.Node) bool {
	has, known := p.texts[n]
	if !known {
		has = htmlcheck.Text(n) != ""
		p.texts[n] = has
	}
	return has
}

// decorative recognizes images that add nothing to what is said beside them.
func (p *plan) decorative(n *html.Node, rule string) (alternative, bool) {
	control := p.control(n)
	switch {
	case control != nil && p.hasText(control):
		return alternative{detail: "alternative text left empty: the link or button has a text"}, true
	case control != nil && strings.TrimSpace(htmlcheck.Attr(control, "aria-label")) != "":
		return alternative{detail: "alternative text left empty: the link or button has a name"}, true
	case isSpacer(n):
		return alternative{detail: "alternative text left empty: the image only keeps space"}, true
	case rule == "image-alt" && htmlcheck.Attr(n, "alt") != "": // white space: its author wanted to say nothing
		return alternative{
			detail: "alternative text of white space made empty",
			review: "The alternative text was only white space, which was taken for a decorative image: is it one?",
		}, true
	}
	return alternative{}, false
}

// isSpacer recognizes images that lay out the page or count its readers.
func isSpacer(n *html.Node) bool {
	width, errWidth := strconv.Atoi(strings.TrimSuffix(htmlcheck.Attr(n, "width"), "px"))
	height, errHeight := strconv.Atoi(strings.TrimSuffix(htmlcheck.Attr(n, "height"), "px"))
	if errWidth == nil && errHeight == nil && width >= 0 && height >= 0 && width <= 2 && height <= 2 {
		return true
	}
	source := htmlcheck.Attr(n, "src")
	if strings.HasPrefix(source, "data:image/gif;base64,R0lGODlhAQAB") { // one pixel
		return true
	}
	source, _, _ = strings.Cut(source, "?")
	name := strings.ToLower(strings.TrimSuffix(path.Base(source), path.Ext(source)))
	return slices.Contains([]string{"spacer", "blank", "pixel", "transparent", "clear", "shim", "1x1", "dot_clear", "clear1x1", "spacer1x1"}, name)
}

// maxCaption bounds a caption that can be an alternative text, in characters.
const maxCaption = 250

// fromSurroundings takes what the document says of the same image, or of where it leads.
func (p *plan) fromSurroundings(n *html.Node) (alternative, bool) {
	if control := p.control(n); control != nil {
		if title := htmlcheck.Collapse(htmlcheck.Attr(control, "title")); saysSomething(title) {
			return alternative{text: title, detail: "alternative text taken from the title of the link or button"}, true
		}
		if name := p.linkName(htmlcheck.Attr(control, "href")); name != "" {
			return alternative{text: name, detail: "alternative text taken from another link to the same place"}, true
		}
	}
	if figure := htmlcheck.Closest(n, htmlcheck.Named("figure")); figure != nil && figure.FirstChild != nil {
		images, caption := 0, ""
		htmlcheck.Under(figure, func(m *html.Node) bool {
			switch m.Data {
			case "img", "picture", "svg", "video":
				images++
			case "figcaption":
				caption = htmlcheck.Text(m)
			}
			return images > 2
		})
		if picture := n.Parent.Data == "picture"; picture {
			images--
		}
		if images == 1 && saysSomething(caption) && utf8.RuneCountInString(caption) <= maxCaption {
			return alternative{
				text: caption, detail: "alternative text taken from the caption",
				review: "The alternative text is that of the caption: does it say what the image shows?",
			}, true
		}
	}
	if text := p.sameImage(htmlcheck.Attr(n, "src")); text != "" {
		return alternative{text: text, detail: "alternative text taken from the same image elsewhere in the page"}, true
	}
	return alternative{}, false
}

// sameImage returns the alternative text of an image with the same source.
func (p *plan) sameImage(source string) string {
	if p.alternatives == nil {
		p.alternatives = map[string]string{}
		for _, n := range p.All("img", "input") {
			alt := htmlcheck.Collapse(htmlcheck.Attr(n, "alt"))
			if from := htmlcheck.Attr(n, "src"); saysSomething(alt) && p.alternatives[from] == "" {
				p.alternatives[from] = alt
			}
		}
	}
	if source == "" {
		return ""
	}
	return p.alternatives[source]
}

// maxDescription bounds an alternative text that somebody gives, in characters.
const maxDescription = 1000

// fromDescription asks for an alternative text.
func (p *plan) fromDescription(n *html.Node) (alternative, bool) {
	source := htmlcheck.Attr(n, "src")
	if p.options.Describe == nil || source == "" {
		return alternative{}, false
	}
	text, asked := p.described[source]
	if !asked {
		control := p.control(n)
		text = htmlcheck.Collapse(strings.ToValidUTF8(p.options.Describe(Image{
			Source: source, Language: htmlcheck.Attr(p.All("html")[0], "lang"), Before: around(n, false), After: around(n, true),
			Link: n.Data == "input" || control != nil && !p.hasText(control),
		}), ""))
		p.described[source] = text
	}
	if !saysSomething(text) || utf8.RuneCountInString(text) > maxDescription {
		return alternative{}, false
	}
	return alternative{
		text: text, detail: "alternative text given by description",
		review: "The alternative text was written by a program: does it say what the image says?",
	}, true
}

// around returns the text before or after an element, at most 200 characters.
func around(n *html.Node, after bool) string {
	const most, steps = 200, 100
	var parts []string
	for range steps {
		n = beside(n, after)
		if n == nil || utf8.RuneCountInString(strings.Join(parts, " ")) >= most {
			break
		}
		if n.Type == html.TextNode {
			if text := htmlcheck.Collapse(n.Data); after {
				parts = append(parts, text)
			} else {
				parts = append([]string{text}, parts...)
			}
		}
	}
	text := []rune(htmlcheck.Collapse(strings.Join(parts, " ")))
	switch {
	case len(text) <= most:
	case after:
		text = text[:most]
	default:
		text = text[len(text)-most:]
	}
	return string(text)
}

// beside returns the next or the previous node in the order of the document, parents left out.
func beside(n *html.Node, after bool) *html.Node {
	for n != nil {
		sibling := n.PrevSibling
		if after {
			sibling = n.NextSibling
		}
		if sibling == nil {
			n = n.Parent
			continue
		}
		for {
			child := sibling.LastChild
			if after {
				child = sibling.FirstChild
			}
			if child == nil || sibling.Data == "script" || sibling.Data == "style" || sibling.Data == "head" {
				return sibling
			}
			sibling = child
		}
	}
	return nil
}

// drawing names a drawing by its description, or hides it beside the text of its link or button.
func (p *plan) drawing(f htmlcheck.Finding) {
	if control := p.control(f.Node); control != nil && p.hasText(control) {
		p.add(p.start(f.Rule, f.Node, "drawing hidden from assistive technology: the link or button has a text").remove(f.Node, "role").set(f.Node, "aria-hidden", "true"))
		return
	}
	for _, kid := range htmlcheck.Kids(f.Node) {
		if text := htmlcheck.Text(kid); kid.Data == "desc" && saysSomething(text) {
			p.add(p.start(f.Rule, f.Node, "name taken from the description").set(f.Node, "aria-label", text))
			return
		}
	}
}
