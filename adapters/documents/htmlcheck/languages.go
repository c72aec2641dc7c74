package htmlcheck

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/language"
)

// languages checks that the page and parts of it are in the language that they say.
func (c *checker) languages(root *html.Node) {
	texts := map[*html.Node]*strings.Builder{}
	var speakers []*html.Node
	add := func(speaker *html.Node, text string) {
		if speaker == nil || strings.TrimSpace(text) == "" {
			return
		}
		if texts[speaker] == nil {
			texts[speaker] = &strings.Builder{}
			speakers = append(speakers, speaker)
		}
		texts[speaker].WriteString(text + " ")
	}
	var walk func(n, speaker *html.Node)
	walk = func(n, speaker *html.Node) {
		if lang := Attr(n, "lang"); Has(n, "lang") {
			if speaker = n; !ValidLanguage(lang) {
				speaker = nil
			}
		}
		if c.Shown(n) {
			switch {
			case n.Data == "img" || n.Data == "area":
				from := speaker
				if Has(n, "aria-labelledby") && c.referenced(n) != nil {
					from = c.speakerOf(c.referenced(n))
				}
				add(from, c.Name(n))
			case n.Data != "input" && Has(n, "aria-label"):
				add(speaker, Attr(n, "aria-label"))
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			switch {
			case child.Type == html.ElementNode && child.Data != "template" && child.Data != "code" && child.Data != "pre":
				walk(child, speaker)
			case child.Type == html.TextNode && (c.Shown(n) || c.Visible(n)):
				add(speaker, child.Data)
			}
		}
	}
	walk(root, nil)
	for _, n := range speakers {
		least := 3
		if n == root {
			least = 4
		}
		if found, ok := language.Contradicts(texts[n].String(), Attr(n, "lang"), least); ok {
			c.fail("lang-mismatch", n, "%s, and it seems to be %s", Attr(n, "lang"), found)
		}
	}
}

// referenced returns the first element that names another one.
func (d *Document) referenced(n *html.Node) *html.Node {
	for id := range strings.FieldsSeq(Attr(n, "aria-labelledby")) {
		if targets := d.ids[id]; len(targets) > 0 {
			return targets[0]
		}
	}
	return nil
}

// speakerOf returns the element that says the language of another one, nil if none does or it is not one.
func (d *Document) speakerOf(n *html.Node) *html.Node {
	for ; n != nil && n.Type == html.ElementNode; n = n.Parent {
		if Has(n, "lang") {
			if !ValidLanguage(Attr(n, "lang")) {
				return nil
			}
			return n
		}
	}
	return nil
}
