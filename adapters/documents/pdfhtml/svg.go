package pdfhtml

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

const (
	// maxShapes bounds the paths of one drawing.
	maxShapes = 20_000
	// leastDrawing is the least width and height in points of a drawing that is shown.
	leastDrawing = 4
	// drawingMargin is the space around a drawing in points, for the width of its lines.
	drawingMargin = 1
)

// svg draws the paths and the text of a figure; nil if it has no paths that can be drawn. The text stays text.
func (b *builder) svg(parts []*structure.Node) *html.Node {
	var p *pagetext.Page
	var shapes []drawn
	var box pagetext.Rect
	for _, part := range parts {
		page := b.pageOf(part.Content.Page)
		if page == nil || p != nil && page != p {
			continue
		}
		list := map[operationAt]drawn(nil)
		for _, i := range part.Content.Shapes {
			if i < 0 || i >= len(page.Shapes()) || len(shapes) >= maxShapes {
				continue
			}
			if list == nil {
				list = b.drawnOn(page.Number)
			}
			at := page.Shapes()[i].Place
			shape, ok := list[operationAt{at.Stream, at.Operation}]
			if !ok {
				continue
			}
			if p == nil {
				p, box = page, page.Shapes()[i].Box
			}
			box = box.Union(page.Shapes()[i].Box)
			shapes = append(shapes, shape)
		}
	}
	if p == nil || box.Width() < leastDrawing && box.Height() < leastDrawing {
		return nil
	}
	s := &svgWriter{builder: b, page: p, clips: map[pagetext.Rect]string{}}
	root := vector("svg")
	for _, shape := range shapes {
		s.path(root, shape)
	}
	for _, part := range parts {
		if part.Content.Page == p.Number {
			box = box.Union(s.texts(root, part.Content.Runs, box))
		}
	}
	box = box.Grow(drawingMargin)
	area := []string{short(box.Left), short(p.Height - box.Top), short(box.Width()), short(box.Height())}
	set(root, "viewBox", strings.Join(area, " "))
	set(root, "width", short(math.Round(box.Width()*pixelsPerPoint)))
	set(root, "height", short(math.Round(box.Height()*pixelsPerPoint)))
	return root
}

func vector(tag string, attributes ...string) *html.Node {
	n := element(tag, attributes...)
	n.Namespace = "svg"
	return n
}

type svgWriter struct {
	*builder
	page *pagetext.Page
	// clips are the identifiers of areas that paths are cut to.
	clips map[pagetext.Rect]string
}

var (
	lineCaps  = map[int]string{1: "round", 2: "square"}
	lineJoins = map[int]string{1: "round", 2: "bevel"}
)

func (s *svgWriter) path(root *html.Node, d drawn) {
	e := vector("path", "d", strings.TrimSpace(d.d), "fill", d.fill)
	if d.evenOdd && d.fill != "none" {
		set(e, "fill-rule", "evenodd")
	}
	if d.fillOpacity < 1 && d.fill != "none" {
		set(e, "fill-opacity", short(d.fillOpacity))
	}
	if d.stroke != "" {
		set(e, "stroke", d.stroke)
		set(e, "stroke-width", short(max(d.width, 0.25))) // the thinnest line of a device is still seen
		if d.dash != "" {
			set(e, "stroke-dasharray", strings.TrimSpace(d.dash))
		}
		if d.strokeOpacity < 1 {
			set(e, "stroke-opacity", short(d.strokeOpacity))
		}
		if v := lineCaps[d.cap]; v != "" {
			set(e, "stroke-linecap", v)
		}
		if v := lineJoins[d.join]; v != "" {
			set(e, "stroke-linejoin", v)
		}
	}
	const slack = 0.5 // points by which a path may reach beyond its clip unseen
	if c := d.clip.Grow(slack); c.Intersect(d.box) != d.box {
		set(e, "clip-path", "url(#"+s.clip(root, d.clip)+")")
	}
	s.put(root, e)
}

func (s *svgWriter) clip(root *html.Node, area pagetext.Rect) string {
	if id, known := s.clips[area]; known {
		return id
	}
	id := s.numbered("clip")
	s.clips[area] = id
	e := vector("clipPath", "id", id)
	e.AppendChild(vector(
		"rect", "x", short(area.Left), "y", short(s.page.Height-area.Top),
		"width", short(max(area.Width(), 0)), "height", short(max(area.Height(), 0)),
	))
	s.put(root, e)
	return id
}

// texts writes the text of a drawing where it stands, and gives the area that it takes.
func (s *svgWriter) texts(root *html.Node, runs []int, box pagetext.Rect) pagetext.Rect {
	for _, i := range runs {
		if i < 0 || i >= len(s.page.Runs()) {
			continue
		}
		run := &s.page.Runs()[i]
		words := strings.TrimSpace(strings.TrimRight(clean(run.Text), string(softHyphen)))
		if words == "" || run.Hidden || run.Invisible {
			continue
		}
		x, y := run.Box.Left, s.page.Height-run.Baseline
		length := run.Box.Width()
		e := vector("text", "font-size", short(run.Size), "fill", fmt.Sprintf("#%06x", run.Color&0xffffff))
		if run.Angle != 0 {
			length = run.Box.Height()
			switch run.Angle {
			case 90:
				x, y = run.Box.Right-run.Size/4, s.page.Height-run.Box.Bottom
			case 270:
				x, y = run.Box.Left+run.Size/4, s.page.Height-run.Box.Top
			}
			set(e, "transform", fmt.Sprintf("rotate(%s %s %s)", short(-run.Angle), short(x), short(y)))
		}
		set(e, "x", short(x))
		set(e, "y", short(y))
		if length > 1 && len([]rune(words)) > 1 {
			set(e, "textLength", short(length))
			set(e, "lengthAdjust", "spacingAndGlyphs")
		}
		if run.Bold {
			set(e, "font-weight", "bold")
		}
		e.AppendChild(text(words))
		s.add(root, e)
		box = box.Union(run.Box)
	}
	return box
}
