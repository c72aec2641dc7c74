package pdfhtml

import (
	"slices"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// areas are the areas of the link annotations of a page: text that lies in one is a link, whether the structure says so
// or not.
type areas struct {
	links []structure.Link
	// bands are the links whose areas reach into a band of the page, by its number from the bottom.
	bands map[int][]int
}

const (
	// bandHeight is the height of a band in points: about a line.
	bandHeight = 16
	// maxBands is how many bands one area may reach into; larger ones are no links of text.
	maxBands = 200
	// coveredShare is how much of a text must lie in an area to be a link.
	coveredShare = 0.6
)

// areasOf gives the link areas of a page.
func (b *builder) areasOf(page int) *areas {
	if b.areas == nil {
		b.areas = map[int]*areas{}
		for _, l := range structure.ReadHints(b.file, b.openPlaces().pages).Links {
			a := b.areas[l.Page]
			if a == nil {
				a = &areas{bands: map[int][]int{}}
				b.areas[l.Page] = a
			}
			a.links = append(a.links, l)
			for _, area := range l.Areas {
				from, to := band(area.Bottom), band(area.Top)
				for i := from; i <= to && to-from <= maxBands; i++ {
					a.bands[i] = append(a.bands[i], len(a.links)-1)
				}
			}
		}
	}
	return b.areas[page]
}

func band(y float64) int { return int(min(max(y, -1e6), 1e6)) / bandHeight }

// linkOver gives the link annotation that a text lies in, the zero value if there is none.
func (b *builder) linkOver(page int, run *pagetext.Run) pdf.Ref {
	a := b.areasOf(page)
	if a == nil {
		return pdf.Ref{}
	}
	middle := (run.Box.Bottom + run.Box.Top) / 2
	for _, i := range a.bands[band(middle)] {
		for _, area := range a.links[i].Areas {
			width := min(area.Right, run.Box.Right) - max(area.Left, run.Box.Left)
			if middle >= area.Bottom && middle <= area.Top && width >= coveredShare*run.Box.Width() {
				return a.links[i].Annotation
			}
		}
	}
	return pdf.Ref{}
}

// automatic gives the elements around a run that lies in the area of a link, together with its neighbours.
func (g *gatherer) automatic(page int, run *pagetext.Run, wraps []*wrap) []*wrap {
	ref := g.linkOver(page, run)
	if (ref == pdf.Ref{}) {
		return wraps
	}
	if g.over == nil || g.overRef != ref {
		d, _ := g.file.Dict(ref)
		a := element("a")
		w := &wrap{node: a}
		address, to := g.action(d)
		switch {
		case address != "":
			set(a, "href", address)
		case to.page > 0:
			w.link = &link{nodes: []*html.Node{a}, to: to}
			g.anchors.links = append(g.anchors.links, w.link)
		default:
			return wraps
		}
		g.over, g.overRef = w, ref
	}
	return append(slices.Clip(wraps), g.over)
}
