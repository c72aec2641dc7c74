package pdfhtml

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// item is one item of a list.
type item struct {
	label string
	// sign are the parts of the structure that hold the label, body the others.
	sign, body []*structure.Node
}

// items gives the items of a list. Lists and other blocks between them belong to the item before.
func (b *builder) items(n *structure.Node) (before []*structure.Node, items []item) {
	for _, kid := range n.Kids {
		switch {
		case kid.Type == "LI":
			items = append(items, b.item(kid))
		case transparent(kid) && hasKid(kid, "LI"):
			first, inner := b.items(kid)
			if len(items) == 0 {
				before = append(before, first...)
			} else {
				last := &items[len(items)-1]
				last.body = append(last.body, first...)
			}
			items = append(items, inner...)
		case len(items) == 0 && kid.Type != "L":
			before = append(before, kid)
		case len(items) == 0:
			items = append(items, item{body: []*structure.Node{kid}})
		default:
			last := &items[len(items)-1]
			last.body = append(last.body, kid)
		}
	}
	return before, items
}

func hasKid(n *structure.Node, kind string) bool {
	for _, kid := range n.Kids {
		if string(kid.Type) == kind {
			return true
		}
	}
	return false
}

func (b *builder) item(n *structure.Node) item {
	var it item
	for _, kid := range n.Kids {
		if kid.Type == "Lbl" {
			it.sign = append(it.sign, kid)
		} else {
			it.body = append(it.body, kid)
		}
	}
	it.label = b.plainText(it.sign)
	return it
}

// plainText gives the text of nodes in one line.
func (b *builder) plainText(nodes []*structure.Node) string {
	var out strings.Builder
	for _, s := range b.join(b.quietly(nodes)) {
		out.WriteString(s.text)
	}
	return strings.TrimSpace(out.String())
}

// quietly gathers text without page breaks, images and notes.
func (b *builder) quietly(nodes []*structure.Node) []segment {
	var out []segment
	for _, n := range nodes {
		if n.Attributes().ActualText != "" {
			out = append(out, segment{text: clean(n.Attributes().ActualText)})
			continue
		}
		b.eachRun(n, func(page int, run *pagetext.Run) bool {
			out = append(out, segment{text: clean(run.Text), run: run, page: page})
			return true
		})
	}
	return out
}

func (b *builder) list(parent *html.Node, n *structure.Node, f flow) {
	before, items := b.items(n)
	b.blocks(parent, before, f)
	if len(items) == 0 {
		return
	}
	counts := map[labelKind]int{}
	labels := make([]string, len(items))
	for i, it := range items {
		labels[i] = it.label
		counts[kindOfLabel(it.label)]++
	}
	told := numberings[n.Attributes().Numbering]
	switch {
	case counts[word]*2 > len(items):
		b.definitions(parent, n, items, f)
	case counts[noLabel] == len(items) && told == "" && b.signed(items):
		b.plainList(parent, n, element("ul", "class", "labels"), items, f, false)
	case counts[noLabel] == len(items) && told != "":
		b.plainList(parent, n, ordered(told), items, f, false)
	case counts[noLabel]+counts[bullet] == len(items):
		b.plainList(parent, n, element("ul"), items, f, false)
	default:
		if kind, values := numberingOf(labels, told); kind != "" {
			b.numberedList(parent, n, kind, values, items, f)
		} else {
			b.plainList(parent, n, element("ul", "class", "labels"), items, f, true)
		}
	}
}

// signed tells whether the text of most items begins with a bullet or number, which then is its label.
func (b *builder) signed(items []item) bool {
	with := 0
	for _, it := range items {
		for _, n := range it.body {
			if run := b.firstRun(n); run != nil {
				first, _, _ := strings.Cut(strings.TrimSpace(run.Text), " ")
				kind := kindOfLabel(first)
				with += one(first != "" && (kind == bullet || kind == number && len(first) > 1))
				break
			}
		}
	}
	return with*2 > len(items)
}

func ordered(kind numbering) *html.Node {
	if kind == decimal {
		return element("ol")
	}
	return element("ol", "type", string(kind))
}

func (b *builder) plainList(parent *html.Node, n *structure.Node, list *html.Node, items []item, f flow, write bool) {
	b.foreign(list, n)
	for _, it := range items {
		li := element("li")
		if write && it.label != "" {
			label := element("span", "class", "label")
			b.fill(label, b.gather(it.sign, manner{flat: true, noBreaks: true}))
			b.put(li, label)
			b.put(li, text(" "))
		}
		b.entry(list, li, it.body, f)
	}
	b.close(parent, list)
}

func (b *builder) numberedList(parent *html.Node, n *structure.Node, kind numbering, values []int, items []item, f flow) {
	list := ordered(kind)
	b.foreign(list, n)
	if values[0] != 1 {
		set(list, "start", strconv.Itoa(values[0]))
	}
	for i, it := range items {
		li := element("li")
		if i > 0 && values[i] != values[i-1]+1 {
			set(li, "value", strconv.Itoa(values[i]))
		}
		b.entry(list, li, it.body, f)
	}
	b.close(parent, list)
}

// definitions writes a list of terms and what they mean.
func (b *builder) definitions(parent *html.Node, n *structure.Node, items []item, f flow) {
	list := element("dl")
	b.foreign(list, n)
	for _, it := range items {
		term := element("dt")
		b.fill(term, b.gather(it.sign, manner{flat: true, noBreaks: true, plain: style{bold: true}}))
		b.place(term, it.sign...)
		if hasContent(term) {
			b.add(list, term)
		}
		meaning := element("dd")
		inner := f
		inner.tight = true
		b.blocks(meaning, it.body, inner)
		b.place(meaning, it.body...)
		b.add(list, meaning)
	}
	b.close(parent, list)
}

// entry writes what an item holds.
func (b *builder) entry(list, li *html.Node, body []*structure.Node, f flow) {
	f.tight = true
	b.blocks(li, body, f)
	b.place(li, body...)
	b.add(list, li)
}

// close ends a list and puts it in its place.
func (b *builder) close(parent, list *html.Node) {
	list.AppendChild(text("\n"))
	b.add(parent, list)
}
