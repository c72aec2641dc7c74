package structure

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// noteSize is how large footnotes are at the most, by the size of running text.
	noteSize = 0.94
	// noteShare is the part of the page, from below, in which footnotes are.
	noteShare = 0.6
	// markSize is how large the mark of a note is at the most, by the size of the text around it.
	markSize = 0.83
	// longestMark is how many characters a mark has at the most.
	longestMark = 4
)

// findNotes marks the blocks at the foot of columns that are set smaller and begin with the mark of a note.
func (d *document) findNotes() {
	for _, s := range d.sheets {
		blocks := s.blocks
		for i := len(blocks) - 1; i >= 0; i-- {
			b := blocks[i]
			if b.kind != paragraph || len(b.lines) == 0 {
				if b.kind == figure || b.kind == table {
					continue
				}
				break
			}
			small := b.size <= noteSize*d.body.size
			if !small || b.box.Top > noteShare*s.height {
				if i < len(blocks)-1 {
					break
				}
				continue
			}
			mark, runs := s.noteMark(b)
			if mark != "" && (runs > 0 || s.ruledAbove(b)) && (s.ruledAbove(b) || s.refers(b, mark)) {
				b.kind, b.mark, b.label = note, mark, label{runs: runs}
			}
		}
	}
	d.continueNotes()
}

// refers tells whether the page has a small run above a block that shows its mark.
func (s *sheet) refers(b *block, mark string) bool {
	for i := range s.page.Runs() {
		r := &s.page.Runs()[i]
		if len(r.Text) <= len(mark)+4 && s.box(i).Bottom > b.box.Top && strings.Trim(strings.TrimSpace(r.Text), "[]") == mark &&
			r.Size < b.size {
			return true
		}
	}
	return false
}

// continueNotes adds small paragraphs that follow a note to it.
func (d *document) continueNotes() {
	gone := map[*block]bool{}
	var last *block
	for _, b := range d.blocks {
		switch {
		case b.kind == note:
			last = b
		case last != nil && b.kind == paragraph && len(b.lines) > 0 && b.page == last.page && b.lines[0].column == last.lines[0].column &&
			b.size <= noteSize*d.body.size && b.box.Top < last.box.Bottom+last.size:
			last.more = append(last.more, b)
			gone[b] = true
		default:
			last = nil
		}
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// noteMark gives the mark that a block begins with, and how many runs it is; "" if there is none.
func (s *sheet) noteMark(b *block) (string, int) {
	first := b.lines[0]
	runs := first.runs()
	if len(runs) > 1 {
		r := &s.page.Runs()[runs[0]]
		text := strings.TrimSpace(r.Text)
		raised := s.baseline(runs[0])-first.baseline > 0.15*first.size || r.Size < markSize*first.size
		if isMark(text) && (raised || s.box(runs[1]).Left > s.box(runs[0]).Right+0.15*first.size) {
			return strings.Trim(text, "[]"), 1
		}
	}
	token, _, ok := strings.Cut(first.text, " ")
	if ok && isMark(token) {
		return strings.Trim(token, "[]"), 0
	}
	return "", 0
}

// isMark tells whether text may be the mark of a note: a number, a letter or one of the usual signs.
func isMark(s string) bool {
	s = strings.Trim(s, "[]")
	n := utf8.RuneCountInString(s)
	if n == 0 || n > longestMark {
		return false
	}
	if isDigits(s) {
		return n <= 3
	}
	r, _ := utf8.DecodeRuneInString(s)
	return n == 1 && unicode.IsLower(r) || strings.Trim(s, "*†‡§¶‖#⁰¹²³⁴⁵⁶⁷⁸⁹") == ""
}

// ruledAbove tells whether a short line lies above a block, or above the notes before it.
func (s *sheet) ruledAbove(b *block) bool {
	for _, r := range s.page.Rules {
		r = s.upright(r)
		const longest = 0.5 // of the width of the page
		if r.Height() < 2 && r.Width() > 20 && r.Width() < longest*s.width && r.Bottom > b.box.Top-2 &&
			r.Bottom < b.box.Top+8*b.size && r.Left > b.box.Left-2*b.size && r.Left < b.box.Left+2*b.size {
			return true
		}
	}
	return false
}

// noteNode makes the element of a note, which has an identifier (ISO 14289-1, 7.9).
func (d *document) noteNode(b *block) *Node {
	d.notes++
	b.id = fmt.Sprintf("note-%d", d.notes)
	n := &Node{Type: "Note", Extra: &Attributes{ID: b.id}}
	kids := d.leaves(b)
	if k := b.label.runs; k > 0 && len(kids) > 0 && k < len(kids[0].Content.Runs) {
		c := &kids[0].Content
		lbl := &Node{Content: Content{Page: b.page, Runs: c.Runs[:k:k]}}
		c.Runs = c.Runs[k:]
		n.Kids = append(n.Kids, &Node{Type: "Lbl", Kids: []*Node{lbl}})
	}
	n.Kids = append(n.Kids, &Node{Type: "P", Kids: kids})
	return n
}

// noteMarks gives the marks of the notes of each page.
func (d *document) noteMarks() map[int]map[string]bool {
	marks := map[int]map[string]bool{}
	for _, b := range d.blocks {
		if b.kind == note {
			if marks[b.page] == nil {
				marks[b.page] = map[string]bool{}
			}
			marks[b.page][b.mark] = true
		}
	}
	return marks
}

// referenceKids makes elements of the marks in the text that lead to notes of the same page.
func (d *document) referenceKids(n *Node, marks map[int]map[string]bool) {
	if n.Type == "Note" {
		return
	}
	var kids []*Node
	for _, kid := range n.Kids {
		here := marks[kid.Content.Page]
		if kid.Type != "" {
			d.referenceKids(kid, marks)
		}
		if kid.Type != "" || here == nil || n.Type == "Lbl" {
			kids = append(kids, kid)
			continue
		}
		s := d.sheets[kid.Content.Page-1]
		start := 0
		runs := kid.Content.Runs
		cut := func(end int) {
			if end > start {
				kids = append(kids, &Node{Content: Content{Page: kid.Content.Page, Runs: runs[start:end:end]}})
			}
		}
		for i, r := range runs {
			if !here[strings.Trim(strings.TrimSpace(s.page.Runs()[r].Text), "[]")] || !s.isRaised(runs, i) {
				continue
			}
			cut(i)
			leaf := &Node{Content: Content{Page: kid.Content.Page, Runs: []int{r}}}
			kids = append(kids, &Node{Type: "Reference", Kids: []*Node{leaf}})
			start = i + 1
		}
		if start == 0 {
			kids = append(kids, kid)
			continue
		}
		cut(len(runs))
		if len(kid.Content.Images)+len(kid.Content.Shapes) > 0 || kid.Content.Annotation.Number != 0 {
			rest := kid.Content
			rest.Runs = nil
			kids = append(kids, &Node{Content: rest})
		}
	}
	n.Kids = kids
}

// isRaised tells whether a run stands above the line of its neighbour, and smaller.
func (s *sheet) isRaised(runs []int, i int) bool {
	beside := i - 1
	if i == 0 {
		if len(runs) == 1 {
			return false
		}
		beside = 1
	}
	r, other := &s.page.Runs()[runs[i]], &s.page.Runs()[runs[beside]]
	return r.Size <= markSize*other.Size && s.baseline(runs[i])-s.baseline(runs[beside]) > 0.12*other.Size ||
		r.Size <= other.Size && s.baseline(runs[i])-s.baseline(runs[beside]) > 0.2*other.Size &&
			s.baseline(runs[i])-s.baseline(runs[beside]) < other.Size
}
