package typeset

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/typeset/style"
)

// open makes the structure element of a block-level element, if it has one, and changes the context to be in it.
func (b *builder) open(n *html.Node, s *style.Style, ctx *context) {
	role, _ := attr(n, "role")
	into := func(name pdf.Name, direct bool) {
		ctx.elem, ctx.direct = b.parent(ctx).child(name), direct
	}
	switch source, presentational := level(n), role == "presentation" || role == "none"; {
	case source > 0 && !ctx.artifact:
		into(pdf.Name(fmt.Sprintf("H%d", source)), true)
		ctx.elem.level = source
		ctx.box.heading = &bookmark{title: clip(squeeze(textOf(n)), 200), level: source}
		ctx.elem.heading = ctx.box.heading
	case role == "doc-footnote" || role == "note":
		into("Note", !hasBlocks(n))
		b.notes++
		ctx.elem.id = fmt.Sprintf("note%d", b.notes)
	case presentational && n.Data != "li":
	default:
		b.openTag(n, s, ctx, into)
	}
	b.language(n, ctx)
}

func (b *builder) openTag(n *html.Node, s *style.Style, ctx *context, into func(pdf.Name, bool)) {
	switch n.Data {
	case "p", "summary", "legend", "h1", "h2", "h3", "h4", "h5", "h6":
		if !ctx.direct {
			into("P", true)
		}
	case "pre", "listing", "xmp", "plaintext":
		if !ctx.direct {
			into("P", true)
		}
		into("Code", true)
	case "address":
		if !ctx.direct && !hasBlocks(n) {
			into("P", true)
		}
	case "section", "nav", "aside", "search":
		into("Sect", false)
	case "article":
		into("Art", false)
	case "blockquote":
		into("BlockQuote", false)
	case "figure":
		b.openFigure(n, ctx, into)
	case "figcaption":
		into("Caption", !hasBlocks(n))
	case "ul", "ol", "menu", "dir", "dl":
		into("L", false)
		ctx.elem.numbering = numbering(n, s)
	case "li":
		b.openItem(n, s, ctx)
	case "dt", "dd":
		b.openDescription(n, ctx)
	}
}

// language notes that an element is in another language.
func (b *builder) language(n *html.Node, ctx *context) {
	lang, ok := attr(n, "lang")
	if !ok || !languageTag.MatchString(lang) || n.Data == "html" || n.Data == "body" {
		return
	}
	if ctx.elem == b.root || len(ctx.elem.kids) > 0 {
		if ctx.direct {
			return
		}
		ctx.elem = b.parent(ctx).child("Div")
	}
	ctx.elem.language = lang
}

// openFigure makes a figure: of one picture, the structure element Figure with the picture as its content; of
// something else, a division.
func (b *builder) openFigure(n *html.Node, ctx *context, into func(pdf.Name, bool)) {
	pictures := 0
	var caption *html.Node
	each(n, func(k *html.Node) bool {
		switch {
		case k.Type != html.ElementNode:
		case k.Data == "img" || k.Data == "svg":
			pictures++
			return false
		case k.Data == "figcaption" && caption == nil:
			caption = k
		}
		return true
	})
	into("Div", false)
	if caption != nil {
		b.captions[n] = squeeze(textOf(caption))
	}
	if pictures == 1 {
		ctx.figure = n
	}
}

// openItem makes a list item with its label and body.
func (b *builder) openItem(n *html.Node, s *style.Style, ctx *context) {
	list := ctx.elem
	if list.role != "L" {
		// An item without a list has none to belong to.
		return
	}
	item := list.child("LI")
	if marker := markerText(n, s); marker != "" {
		label := item.child("Lbl")
		p := &paragraph{style: s.Anonymous()}
		sp := span{style: p.style}
		if !ctx.artifact {
			sp.slot = label.content()
		}
		p.add([]rune(marker), sp)
		ctx.box.marker = p
	}
	ctx.elem, ctx.direct = item.child("LBody"), !hasBlocks(n)
}

// openDescription puts dt and dd into list items: terms as labels, descriptions as bodies.
func (b *builder) openDescription(n *html.Node, ctx *context) {
	list := ctx.elem
	if list.role != "L" {
		return
	}
	item := b.items[list]
	described := item != nil && len(item.kids) > 0 && item.kids[len(item.kids)-1].element.role == "LBody"
	if item == nil || n.Data == "dt" && described {
		item = list.child("LI")
		b.items[list] = item
	}
	role := pdf.Name("LBody")
	if n.Data == "dt" {
		role = "Lbl"
	}
	ctx.elem, ctx.direct = item.child(role), !hasBlocks(n)
}

// blockTags are elements that make blocks of their own.
var blockTags = strings.Fields(`address article aside blockquote center details dialog dir div dl dd dt fieldset figure
	figcaption footer form h1 h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre search section table ul summary`)

// hasBlocks tells whether there are blocks in an element, so that its text needs paragraphs.
func hasBlocks(n *html.Node) bool {
	found := false
	each(n, func(k *html.Node) bool {
		if k != n && k.Type == html.ElementNode && slices.Contains(blockTags, k.Data) {
			found = true
		}
		return !found
	})
	return found
}

// wrapper gives how the structure element of an inline element is made, nil if it has none. For a link it changes the
// context.
func (b *builder) wrapper(n *html.Node, ctx *context) wrap {
	if ctx.artifact {
		return nil
	}
	role, _ := attr(n, "role")
	lang, _ := attr(n, "lang")
	title, _ := attr(n, "title")
	if !languageTag.MatchString(lang) {
		lang = ""
	}
	simple := func(name pdf.Name) wrap {
		return func(parent *element) *element {
			e := parent.child(name)
			e.language = lang
			return e
		}
	}
	switch {
	case role == "doc-footnote" || role == "note":
		return func(parent *element) *element {
			b.notes++
			e := parent.child("Note")
			e.language, e.id = lang, fmt.Sprintf("note%d", b.notes)
			return e
		}
	case n.Data == "a":
		return b.linkWrap(n, ctx, role, lang)
	case (n.Data == "code" || n.Data == "kbd" || n.Data == "samp") && ctx.elem.role != "Code":
		return simple("Code")
	case n.Data == "q":
		return simple("Quote")
	case n.Data == "abbr" && squeeze(title) != "":
		return func(parent *element) *element {
			e := parent.child("Span")
			e.language, e.expansion = lang, squeeze(title)
			return e
		}
	case lang != "":
		return simple("Span")
	}
	return nil
}

// linkWrap makes links. What leads nowhere, or runs a script, is text.
func (b *builder) linkWrap(n *html.Node, ctx *context, role, lang string) wrap {
	href, ok := attr(n, "href")
	href = strings.TrimSpace(href)
	if !ok || href == "" || ctx.link != nil {
		return nil
	}
	l := &link{text: b.linkText(n, href), silent: !says(n)}
	switch {
	case href == "#" || strings.EqualFold(href, "#top"):
		return nil
	case strings.HasPrefix(href, "#"):
		l.anchor = fragment(href)
		if b.doc.ids[l.anchor] == nil {
			b.doc.notes.warn("A link leads to an anchor that the document does not have; it is set as text.")
			return nil
		}
	default:
		target, err := url.Parse(href)
		if err == nil && b.doc.base != nil {
			target = b.doc.base.ResolveReference(target)
		}
		if err != nil || !slices.Contains([]string{"", "http", "https", "mailto", "tel", "ftp", "sms"}, strings.ToLower(target.Scheme)) {
			b.doc.notes.warn("A link that is no address, such as a script, is set as text.")
			return nil
		}
		l.url = target.String()
	}
	ctx.link = l
	return func(parent *element) *element {
		if role == "doc-noteref" {
			parent = parent.child("Reference")
		}
		e := parent.child("Link")
		e.language = lang
		l.element = e
		return e
	}
}

// says tells whether an element has text, or a picture that stands for some.
func says(n *html.Node) bool {
	found := squeeze(textOf(n)) != ""
	each(n, func(k *html.Node) bool {
		if alt, _ := attr(k, "alt"); k.Type == html.ElementNode && k.Data == "img" && squeeze(alt) != "" {
			found = true
		}
		return !found
	})
	return found
}

// shows tells whether there is a picture or the like in an element.
func shows(n *html.Node) bool {
	found := false
	each(n, func(k *html.Node) bool {
		if k.Type == html.ElementNode && slices.Contains([]string{"img", "svg", "math", "input", "select", "textarea", "canvas", "object", "video", "audio", "iframe", "hr"}, k.Data) {
			found = true
		}
		return !found
	})
	return found
}

// nameLink shows the name of a link in which nothing is, so that readers of the page find it as those of the HTML do who
// hear it.
func (b *builder) nameLink(n *html.Node, s *style.Style, ctx *context) {
	if l := ctx.link; l == nil || !l.silent || shows(n) {
		return
	}
	for _, key := range []string{"aria-label", "title"} {
		if name, _ := attr(n, key); squeeze(name) != "" {
			b.text(clip(squeeze(name), 500), s, ctx)
			return
		}
	}
}

// linkText is what a link is called (ISO 14289-1, 7.18.5).
func (b *builder) linkText(n *html.Node, href string) string {
	if label, _ := attr(n, "aria-label"); squeeze(label) != "" {
		return squeeze(label)
	}
	text := squeeze(textOf(n))
	each(n, func(k *html.Node) bool {
		if alt, ok := attr(k, "alt"); ok && k.Type == html.ElementNode && k.Data == "img" {
			text = squeeze(text + " " + alt)
		}
		return true
	})
	if text != "" {
		return clip(text, 500)
	}
	if title, _ := attr(n, "title"); squeeze(title) != "" {
		return squeeze(title)
	}
	b.doc.notes.look("A link to %s has no text: say where it leads.", clip(href, 100))
	return clip(href, 500)
}
