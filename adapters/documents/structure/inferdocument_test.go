package structure_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// TestTitle takes the metadata before the first heading.
func TestTitle(t *testing.T) {
	t.Parallel()
	c := newCanvas(1).text(50, 750, "On wells", sized(20))
	c.paragraph(50, 720, 400, 4)
	for given, want := range map[string]string{"": "On wells", "Given": "Given"} {
		if got := structure.Infer(pagesOf(c), structure.Hints{Title: given}).Title; got != want {
			t.Error(cmp.Diff(want, got))
		}
	}
}

// TestInferTurned finds the same on a page whose text is turned.
func TestInferTurned(t *testing.T) {
	t.Parallel()
	build := func() *canvas {
		c := newCanvas(1).text(50, 550, "On wells", sized(20))
		y := c.paragraph(50, 520, 400, 4)
		c.text(60, y, "•").text(72, y, "First").text(60, y-12, "•").text(72, y-12, "Second")
		return c
	}
	upright, turned := pagesOf(build()), pagesOf(build())
	p := turned[0]
	for i := range p.Runs() {
		r := &p.Runs()[i]
		r.Angle = 90
		r.Box = pagetext.Rect{Left: p.Width - r.Box.Top, Right: p.Width - r.Box.Bottom, Bottom: r.Box.Left, Top: r.Box.Right}
	}
	want := sketchAll(structure.Infer(upright, structure.Hints{}), upright)
	if diff := cmp.Diff(want, sketchAll(structure.Infer(turned, structure.Hints{}), turned)); diff != "" {
		t.Error(diff)
	}
}

// TestLooseLinks puts links that cover nothing behind a list that goes on over their pages, in the order of the pages.
func TestLooseLinks(t *testing.T) {
	t.Parallel()
	var list []*canvas
	var hints structure.Hints
	for page := 1; page <= 6; page++ {
		c := newCanvas(page)
		for k := range 40 {
			y := 750 - 15*float64(k)
			c.text(50, y, strconv.Itoa(40*(page-1)+k+1)+".").text(72, y, "An item of the list")
		}
		list = append(list, c)
		hints.Links = append(hints.Links, structure.Link{
			Page: page, Areas: []pagetext.Rect{{Left: 500, Bottom: 20, Right: 520, Top: 30}}, Annotation: pdf.Ref{Number: page},
		})
	}
	pages := pagesOf(list...)
	for range 20 {
		tree := structure.Infer(pages, hints)
		if len(tree.Root.Kids) != 7 || tree.Root.Kids[0].Type != "L" {
			t.Fatalf("found %s", sketchAll(tree, pages))
		}
		for i, n := range tree.Root.Kids[1:] {
			if got := n.Kids[0].Kids[0].Content.Annotation.Number; got != i+1 {
				t.Fatalf("link %d is in place %d", got, i+1)
			}
		}
	}
}
