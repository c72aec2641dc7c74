package tagging

import (
	"fmt"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// placeholder is in the alternative text that is written where none was supplied, after the kind of the element. It
// says what is known and no more, and the analysis counts it as a finding.
const placeholder = "without description"

// describeFigures gives alternative texts to figures (ISO 14289-1, 7.3): from the service that describes them, else their caption,
// else a text that says that there is none.
func (w *work) describeFigures() {
	count := map[int]int{}
	for _, e := range w.figures {
		page := w.firstPage(e)
		if page == 0 && !e.old {
			continue // it holds nothing and is left out
		}
		count[page]++
		if e.dict["Alt"] != nil || e.dict["ActualText"] != nil {
			continue
		}
		figure := w.figure(e.node, page, count[page], w.options.Describe != nil)
		e.set("Alt", pdf.TextString(w.alternative(w.standardKind(e.kind), figure)))
	}
}

// alternative gives the text for a figure, and notes what is left to do.
func (w *work) alternative(kind pdf.Name, figure Figure) string {
	rule, condition := "7.3-1", "13-007"
	if kind == "Formula" {
		rule, condition = "7.7-1", "17-001"
	}
	if w.options.Describe != nil {
		if text := strings.TrimSpace(w.options.Describe(figure)); text != "" {
			w.fixed(rule, "", 1)
			w.flag(condition, figure.Page, "An alternative text was written by a program: "+shorten(text, maxDescription))
			return text
		}
	}
	if figure.Caption != "" {
		w.fixed(rule, "", 1)
		w.flag(condition, figure.Page, "An alternative text was taken from the caption: "+shorten(figure.Caption, maxDescription))
		return shorten(figure.Caption, 4*maxDescription)
	}
	w.result.Undescribed++
	w.flag("placeholder-alt", figure.Page, "A figure or formula has no alternative text")
	if figure.Page == 0 {
		return fmt.Sprintf("%s %s", kind, placeholder)
	}
	return fmt.Sprintf("%s %s on page %d", kind, placeholder, figure.Page)
}

// figure gathers what is known of a figure; its image only if it is wanted.
func (w *work) figure(n *structure.Node, page, number int, withImage bool) Figure {
	f := Figure{Key: fmt.Sprintf("%d/%d", page, number), Page: page}
	if n == nil || page == 0 {
		return f
	}
	f.Caption = w.captionOf(n)
	if withImage {
		w.imageOf(n, &f, 0)
		f.Context = w.contextOf(page)
	}
	return f
}

// captionOf gives the text of a figure's caption, which lies in it or right beside it.
func (w *work) captionOf(n *structure.Node) string {
	for _, kid := range n.Kids {
		if kid.Type == "Caption" {
			return structure.Text(kid, w.shown)
		}
	}
	parent, at := w.parentOf(n)
	if parent == nil {
		return ""
	}
	for _, i := range []int{at + 1, at - 1} {
		if i >= 0 && i < len(parent.Kids) && parent.Kids[i].Type == "Caption" {
			return structure.Text(parent.Kids[i], w.shown)
		}
	}
	return ""
}

// parentOf finds the parent of a figure and its place there; all figures are looked up at once.
func (w *work) parentOf(n *structure.Node) (*structure.Node, int) {
	if w.figureParents == nil {
		w.figureParents = map[*structure.Node]figureParent{}
		var walk func(n *structure.Node, depth int)
		walk = func(n *structure.Node, depth int) {
			for i, kid := range n.Kids {
				if kid.Type == "Figure" || kid.Type == "Formula" {
					w.figureParents[kid] = figureParent{n, i}
				}
				if depth < maxDepth {
					walk(kid, depth+1)
				}
			}
		}
		walk(w.tree.Root, 0)
	}
	p := w.figureParents[n]
	return p.node, p.at
}

type figureParent struct {
	node *structure.Node
	at   int
}

// imageOf finds the first image of a figure that can be shown elsewhere.
func (w *work) imageOf(n *structure.Node, f *Figure, depth int) {
	if n.Type == "" {
		page := n.Content.Page
		if page < 1 || page > len(w.shown) {
			return
		}
		for _, i := range n.Content.Images {
			if i < 0 || i >= len(w.shown[page-1].Images) || f.Image != nil {
				continue
			}
			if image, err := pdfimage.Encode(w.file, w.shown[page-1].Images[i].Stream, pdfimage.Limits{}); err == nil {
				f.MIME, f.Image = image.MIME, image.Data
			}
		}
		return
	}
	for _, kid := range n.Kids {
		if f.Image == nil && depth < maxDepth {
			w.imageOf(kid, f, depth+1)
		}
	}
}

// maxContext is how many characters of a page go with a figure.
const maxContext = 1000

// contextOf gives text of a page, to tell what its figures are about.
func (w *work) contextOf(page int) string {
	var out strings.Builder
	for _, run := range w.shown[page-1].Runs() {
		if out.Len() > 4*maxContext {
			break
		}
		if !run.Hidden && run.Text != "" {
			out.WriteString(run.Text)
			out.WriteByte(' ')
		}
	}
	return shorten(strings.Join(strings.Fields(out.String()), " "), maxContext)
}
