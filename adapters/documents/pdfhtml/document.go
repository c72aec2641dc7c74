package pdfhtml

import (
	_ "embed" // the style sheet
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

//go:embed style.css
var styleSheet string

// numbered gives an identifier with the next free number after a prefix. Numbers only grow, so that many identifiers
// of one prefix take no longer each.
func (b *builder) numbered(prefix string) string {
	for {
		b.counters[prefix]++
		id := prefix + "-" + strconv.Itoa(b.counters[prefix])
		if !b.ids[id] {
			b.ids[id] = true
			return id
		}
	}
}

// finish gives the document what it must have: the title, a heading of the first level, and the targets of its links.
func (b *builder) finish(main *html.Node) {
	if b.result.Title == "" && b.firstHeading != nil {
		b.result.Title = textOf(b.firstHeading)
	}
	if b.result.Title == "" {
		b.result.Title = shorten(b.firstText(main), maxTitle)
		if b.result.Title == "" {
			b.result.Title = b.words.document
		}
		b.flag("document-title", 0, "the document has no title; its first words stand for it")
	}
	if b.firstHeading == nil {
		b.titleHeading(main)
	}
	if len(b.navigation) == 0 {
		b.outline()
	}
	b.connect()
	b.dangling(main)
	b.unreachedFields(main)
	b.nameGroups()
}

// maxTitle is how many characters a title made of the first words has at the most.
const maxTitle = 80

// firstText gives the text of the first block that has any.
func (b *builder) firstText(main *html.Node) string {
	for c := main.FirstChild; c != nil; c = c.NextSibling {
		if s := textOf(c); c.Type == html.ElementNode && s != "" {
			return s
		}
	}
	return ""
}

// titleHeading makes the title a heading where the document has none: its first paragraph if that is the title, else
// one before the content.
func (b *builder) titleHeading(main *html.Node) {
	for c := main.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode || !hasContent(c) {
			continue
		}
		if c.Data == "p" && textOf(c) == b.result.Title {
			c.Data, c.DataAtom = "h1", element("h1").DataAtom
			return
		}
		break
	}
	h := element("h1")
	h.AppendChild(text(b.result.Title))
	main.InsertBefore(h, main.FirstChild)
	main.InsertBefore(text("\n"), h)
}

// document puts the parts together.
func (b *builder) document(main *html.Node) *html.Node {
	document := &html.Node{Type: html.DocumentNode}
	document.AppendChild(&html.Node{Type: html.DoctypeNode, Data: "html"})
	root := element("html")
	if b.language != "" {
		set(root, "lang", b.language)
	}
	if b.rightToLeft {
		set(root, "dir", "rtl")
	}
	document.AppendChild(root)
	head := element("head")
	b.add(root, head)
	b.add(head, element("meta", "charset", "utf-8"))
	b.add(head, element("meta", "name", "viewport", "content", "width=device-width, initial-scale=1"))
	title := element("title")
	title.AppendChild(text(b.result.Title))
	b.add(head, title)
	style := element("style")
	style.AppendChild(text("\n" + strings.TrimSpace(styleSheet) + "\n"))
	b.add(head, style)
	head.AppendChild(text("\n"))
	body := element("body")
	b.add(root, body)
	skip := element("a", "class", "skip", "href", "#"+get(main, "id"))
	skip.AppendChild(text(b.words.skip))
	b.word(skip)
	b.add(body, skip)
	for _, nav := range b.navigation {
		if nav.Parent == nil {
			b.add(body, nav)
		}
	}
	main.AppendChild(text("\n"))
	b.add(body, main)
	body.AppendChild(text("\n"))
	return document
}

// word marks an element whose words are not in the language of the document.
func (b *builder) word(n *html.Node) {
	if b.words.tag != "" && !strings.HasPrefix(strings.ToLower(b.language), b.words.tag) {
		set(n, "lang", b.words.tag)
		if b.rightToLeft {
			set(n, "dir", "ltr")
		}
	}
}
