package structure_test

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// canvas is a page that tests set text on. Letters are half an em wide.
type canvas struct{ page *pagetext.Page }

// look changes the look of a run.
type look func(*pagetext.Run)

func bold(r *pagetext.Run) { r.Bold = true }

func mono(r *pagetext.Run) {
	r.Mono = true
	r.Box.Right = r.Box.Left + 0.6*r.Size*float64(utf8.RuneCountInString(r.Text))
}

func sized(size float64) look {
	return func(r *pagetext.Run) { r.Size = size }
}

func newCanvas(number int) *canvas {
	return &canvas{&pagetext.Page{Number: number, Width: 600, Height: 800, Streams: []pagetext.Stream{{Outer: -1}}}}
}

// text puts text on a page, at 10 points if no look says something else.
func (c *canvas) text(x, y float64, text string, looks ...look) *canvas {
	r := pagetext.Run{Text: text, Baseline: y, Size: 10, Box: pagetext.Rect{Left: x}}
	r.Place = pagetext.Place{Operation: len(c.page.Runs()), Mark: -1}
	for _, l := range looks {
		l(&r)
	}
	if r.Box.Right == 0 {
		r.Box.Right = x + 0.5*r.Size*float64(utf8.RuneCountInString(text))
	}
	r.Box.Bottom, r.Box.Top = y-0.22*r.Size, y+0.75*r.Size
	c.page.SetRuns(append(c.page.Runs(), r))
	return c
}

// painted gives text as it is painted from left to right, if it is read from right to left.
func painted(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// prose is a line of running text that fills a column of a width, different for each number.
func prose(width float64, number int) string {
	words := strings.Fields("the wells of this village were repaired before winter by people who had read about pumps and costs")
	letters := int(width / 5)
	out := fmt.Sprintf("and%d", number)
	for i := number; ; i++ {
		word := words[i%len(words)]
		if len(out)+1+len(word) > letters {
			return out + strings.Repeat("e", letters-len(out))
		}
		out += " " + word
	}
}

// paragraph puts lines of running text below each other, the last one short and with a period, and gives the next free
// baseline.
func (c *canvas) paragraph(x, y, width float64, lines int, looks ...look) float64 {
	for i := range lines {
		text := prose(width, i+int(y))
		if i == lines-1 {
			text = "End of it."
		}
		c.text(x, y, text, looks...)
		y -= 12
	}
	return y - 8
}

func (c *canvas) rule(x0, y0, x1, y1 float64) *canvas {
	c.page.Rules = append(c.page.Rules, pagetext.Rect{Left: x0, Bottom: y0, Right: x1, Top: y1})
	return c
}

func (c *canvas) fill(x0, y0, x1, y1 float64, rgb uint32) *canvas {
	c.page.Fills = append(c.page.Fills, pagetext.Fill{Rect: pagetext.Rect{Left: x0, Bottom: y0, Right: x1, Top: y1}, Color: rgb})
	return c
}

func (c *canvas) image(x0, y0, x1, y1 float64) *canvas {
	c.page.Images = append(c.page.Images, pagetext.Image{
		Place: pagetext.Place{Operation: 1000 + len(c.page.Images), Mark: -1},
		Box:   pagetext.Rect{Left: x0, Bottom: y0, Right: x1, Top: y1},
	})
	return c
}

func (c *canvas) shape(x0, y0, x1, y1 float64) *canvas {
	c.page.SetShapes(append(c.page.Shapes(), pagetext.Shape{
		Box: pagetext.Rect{Left: x0, Bottom: y0, Right: x1, Top: y1}, Filled: true,
	}))
	return c
}

func pagesOf(list ...*canvas) []*pagetext.Page {
	var out []*pagetext.Page
	for _, c := range list {
		out = append(out, c.page)
	}
	return out
}

// sketch writes a node as its type and what is in it, long text cut off.
func sketch(n *structure.Node, pages []*pagetext.Page) string {
	if n.Type == "Code" {
		return "Code(" + structure.Text(n, pages) + ")"
	}
	if n.Type == "" {
		out := structure.Text(n, pages)
		if len(out) > 24 {
			out = out[:10] + "…" + out[len(out)-10:]
		}
		out += strings.Repeat("▣", len(n.Content.Images)) + strings.Repeat("△", len(n.Content.Shapes))
		if n.Content.Annotation.Number != 0 {
			out += fmt.Sprintf("@%d", n.Content.Annotation.Number)
		}
		return out
	}
	name := string(n.Type)
	if n.Attributes().Scope != "" {
		name += ":" + string(n.Attributes().Scope)
	}
	if n.Attributes().Numbering != "" {
		name += ":" + string(n.Attributes().Numbering)
	}
	if n.Attributes().RowSpan > 1 || n.Attributes().ColSpan > 1 {
		name += fmt.Sprintf(":%dx%d", max(1, n.Attributes().RowSpan), max(1, n.Attributes().ColSpan))
	}
	var kids []string
	for _, k := range n.Kids {
		kids = append(kids, sketch(k, pages))
	}
	return name + "(" + strings.Join(kids, " ") + ")"
}

// sketchAll writes the kids of the root a line each, then the artifacts that are text.
func sketchAll(tree *structure.Tree, pages []*pagetext.Page) string {
	var out []string
	for _, k := range tree.Root.Kids {
		out = append(out, sketch(k, pages))
	}
	for _, a := range tree.Artifacts {
		out = append(out, fmt.Sprintf("-%s(%s)", a.Kind, sketch(&structure.Node{Content: a.Content}, pages)))
	}
	return strings.Join(out, "\n")
}
