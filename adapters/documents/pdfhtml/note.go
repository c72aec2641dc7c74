package pdfhtml

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// notes are the notes of the document with the references to them.
type notes struct {
	// of gives the note that a reference, or a link, refers to.
	of map[*structure.Node]*footnote
	// known are all notes by their element.
	known map[*structure.Node]*footnote
	// pending are notes inside of the block that is being written, which follow it.
	pending []*structure.Node
}

// footnote is a note and its identifiers.
type footnote struct {
	label string
	page  int
	// id is that of the note, back that of the first reference to it, "" if it has none.
	id, back string
	written  bool
}

const (
	// maxNotes bounds the notes of a document.
	maxNotes = 50_000
	// longestMark is how many characters a reference to a note has at the most.
	longestMark = 6
	// furthestNote is how many pages after its reference a note may stand, unless a link leads to it.
	furthestNote = 1
)

// findNotes finds the notes and the references to them: by the destination of a link, else by the same mark on the same
// page or the next one.
func (b *builder) findNotes(root *structure.Node) {
	b.notes.of, b.notes.known = map[*structure.Node]*footnote{}, map[*structure.Node]*footnote{}
	var references []*structure.Node
	waiting := map[string][]*footnote{}
	var walk func(n *structure.Node, inReference bool)
	walk = func(n *structure.Node, inReference bool) {
		switch {
		case n.Type == "Note" && len(b.notes.known) < maxNotes:
			note := &footnote{label: b.noteLabel(n)}
			note.page, _ = b.firstPlace(n)
			b.notes.known[n] = note
			if note.label != "" {
				waiting[note.label] = append(waiting[note.label], note)
			}
		case n.Type == "Reference":
			references = append(references, n)
			inReference = true
		case n.Type == "Link" && !inReference && len(n.Kids) > 0:
			if mark := b.mark(n); mark != "" {
				references = append(references, n)
			}
		}
		for _, kid := range n.Kids {
			walk(kid, inReference)
		}
	}
	walk(root, false)
	if len(b.notes.known) == 0 {
		return
	}
	for _, n := range references {
		mark := b.mark(n)
		page, _ := b.firstPlace(n)
		list := waiting[mark]
		for len(list) > 0 && list[0].page < page { // nothing refers to it any more
			list = list[1:]
		}
		waiting[mark] = list
		for i, note := range list {
			if mark != "" && note.page >= page && note.page <= page+furthestNote {
				b.refer(n, note)
				waiting[mark] = list[1:]
				if i > 0 {
					waiting[mark] = slices.Delete(list, i, i+1)
				}
				break
			}
			if note.page > page+furthestNote {
				break
			}
		}
	}
}

func (b *builder) refer(n *structure.Node, note *footnote) {
	b.notes.of[n] = note
	if note.id == "" {
		note.id, note.back = b.numbered("note"), b.numbered("note-reference")
	}
}

// mark gives the mark of a reference without brackets, "" if it is longer than a mark.
func (b *builder) mark(n *structure.Node) string { return markOf(b.plainText([]*structure.Node{n})) }

func markOf(s string) string {
	s = strings.Trim(strings.TrimSpace(s), "[]().:")
	if len([]rune(s)) > longestMark || strings.ContainsRune(s, ' ') {
		return ""
	}
	return s
}

// noteLabel gives the mark that a note begins with.
func (b *builder) noteLabel(n *structure.Node) string {
	for _, kid := range n.Kids {
		if kid.Type == "Lbl" {
			return b.mark(kid)
		}
	}
	// Without a label the number or sign at its beginning.
	run := b.firstRun(n)
	if run == nil {
		return ""
	}
	s := strings.TrimLeft(run.Text, " [(")
	end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) })
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		end = strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("*†‡§¶", r) })
	}
	return markOf(s[:max(end, 0)])
}

// reference gathers a reference to a note. If a link inside of it is the mark, the rest only stands beside it.
func (g *gatherer) reference(n *structure.Node, to *footnote, wraps []*wrap, m manner, depth int) {
	before, mark, after := n.Kids[:0], n.Kids, n.Kids[len(n.Kids):]
	isMark := func(kid *structure.Node) bool { return kid.Type == "Link" && g.mark(kid) == to.label }
	if i := slices.IndexFunc(n.Kids, isMark); i >= 0 {
		before, mark, after = n.Kids[:i], n.Kids[i:i+1], n.Kids[i+1:]
	}
	for _, kid := range before {
		g.node(kid, wraps, m, depth+1)
	}
	inner := append(slices.Clip(wraps), &wrap{node: element("sup")})
	if !m.inLink {
		inner = append(inner, &wrap{node: element("a", "role", "doc-noteref", "id", to.back, "href", "#"+to.id)})
	}
	start := len(g.segments)
	for _, kid := range mark {
		plain := style{bold: true, italic: true}
		g.node(kid, inner, manner{flat: true, noBreaks: m.noBreaks, inLink: true, plain: plain}, depth+1)
	}
	for i := start; i < len(g.segments); i++ {
		g.segments[i].raised = true
	}
	for _, kid := range after {
		g.node(kid, wraps, m, depth+1)
	}
}

// noteInside keeps a note for after the block that it stands in. If nothing refers to it, a reference is put in its
// place.
func (g *gatherer) noteInside(n *structure.Node, wraps []*wrap) {
	g.notes.pending = append(g.notes.pending, n)
	note := g.notes.known[n]
	if note == nil || note.id != "" {
		return
	}
	note.id, note.back = g.numbered("note"), g.numbered("note-reference")
	label := note.label
	if label == "" {
		label = "*"
	}
	a := element("a", "role", "doc-noteref", "id", note.back, "href", "#"+note.id)
	inner := append(slices.Clip(wraps), &wrap{node: element("sup")}, &wrap{node: a})
	g.segments = append(g.segments, segment{text: label, wraps: inner, tight: true})
}

// note writes a note with a link back to the first reference.
func (b *builder) note(parent *html.Node, n *structure.Node, f flow) {
	note := b.notes.known[n]
	e := element("div")
	f.tight, f.noHeadings = false, true
	f.depth++
	b.foreign(e, n)
	var label, body []*structure.Node
	for _, kid := range n.Kids {
		if kid.Type == "Lbl" && len(body) == 0 {
			label = append(label, kid)
		} else {
			body = append(body, kid)
		}
	}
	links := len(b.anchors.links)
	b.blocks(e, body, f)
	into := e
	for c := e.LastChild; c != nil; c = c.PrevSibling {
		if c.Data == "p" {
			into = c
			break
		}
	}
	if mark := b.plainText(label); mark != "" {
		first := e
		for c := e.FirstChild; c != nil; c = c.NextSibling {
			if c.Data == "p" {
				first = c
				break
			}
		}
		sup := element("sup")
		sup.AppendChild(text(mark))
		first.InsertBefore(text(" "), first.FirstChild)
		first.InsertBefore(sup, first.FirstChild)
	}
	if !hasContent(e) {
		b.keepMarks(parent, e)
		return
	}
	if note != nil && note.id != "" && !note.written {
		note.written = true
		set(e, "role", "doc-footnote")
		set(e, "id", note.id)
	}
	if get(e, "id") != "" && !b.leadsBack(e, note.back, links) {
		back := element("a", "role", "doc-backlink", "href", "#"+note.back, "aria-label", b.words.back)
		b.word(back)
		back.AppendChild(text("↩"))
		b.put(into, text(" "))
		b.put(into, back)
	}
	if get(e, "id") == "" {
		set(e, "role", "note")
	}
	e.AppendChild(text("\n"))
	b.place(e, n)
	b.add(parent, e)
}

// longestBack is how many characters a link back has at the most.
const longestBack = 20

// leadsBack makes the last link of a note its link back, if that is what it is: short, and into the document. The links
// of the note are those from an index on.
func (b *builder) leadsBack(e *html.Node, back string, from int) bool {
	if len(b.anchors.links) == from {
		return false
	}
	l := b.anchors.links[len(b.anchors.links)-1]
	a := l.nodes[0]
	if a.Parent == nil || len(textOf(a)) > longestBack || !strings.HasSuffix(textOf(e), textOf(a)) {
		return false
	}
	b.anchors.links = b.anchors.links[:len(b.anchors.links)-1]
	for _, a := range l.nodes {
		set(a, "role", "doc-backlink")
		set(a, "href", "#"+back)
	}
	return true
}

// dangling removes what refers to notes that were not written, or leads back to references that were not.
func (b *builder) dangling(main *html.Node) {
	ids := map[string]bool{}
	var all []*html.Node
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if id := get(n, "id"); id != "" {
			ids[id] = true
		}
		if role := get(n, "role"); role == "doc-noteref" || role == "doc-backlink" {
			all = append(all, n)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(main)
	for _, n := range all {
		if !ids[strings.TrimPrefix(get(n, "href"), "#")] {
			if get(n, "role") == "doc-backlink" {
				n.Parent.RemoveChild(n)
				continue
			}
			n.Data, n.DataAtom, n.Attr = "span", 0, nil
		}
	}
}

// annotated tells whether a node stands for an annotation.
func annotated(n *structure.Node) bool { return n.Content.Annotation != pdf.Ref{} }
