package pdfhtml

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// destination is a place in the document; its page is 0 if there is none.
type destination struct {
	page      int
	left, top float64
	// element is the structure element that is meant, the zero value if only the place is known.
	element pdf.Ref
	// exact tells that it is a place on the page, not the page as a whole.
	exact bool
}

// places reads destinations (ISO 32000-1, 12.3.2).
type places struct {
	names   map[string]pdf.Object
	numbers map[pdf.Ref]int
	pages   []pdf.Page
	// printed tells that named destinations do not count from the corner of the page.
	printed bool
	corners map[int][2]float64
}

// Bounds of the name tree of destinations.
const (
	maxNames     = 200_000
	maxNameDepth = 32
)

func (b *builder) openPlaces() *places {
	if b.places != nil {
		return b.places
	}
	p := &places{
		names: map[string]pdf.Object{}, numbers: map[pdf.Ref]int{}, printed: b.printed(), corners: map[int][2]float64{},
	}
	b.places = p
	// What the file has beyond the pages that were read does not count.
	p.pages, _ = b.file.Pages(1 << 20)
	for i, page := range p.pages {
		p.numbers[page.Ref] = i + 1
	}
	old, _ := b.file.Dict(b.file.Catalog()["Dests"])
	for name, o := range old {
		p.names[string(name)] = o
	}
	names, _ := b.file.Dict(b.file.Catalog()["Names"])
	for key, value := range b.file.Pairs(names["Dests"], "Names", maxNameDepth) {
		if len(p.names) >= maxNames {
			break
		}
		if name, ok := b.file.String(key); ok {
			p.names[string(name)] = value
		}
	}
	return p
}

// destination reads an explicit or named destination.
func (b *builder) destination(o pdf.Object) destination {
	p := b.openPlaces()
	named := false
	for range 4 { // a name may stand for a dictionary that holds the array
		switch v := b.file.Resolve(o).(type) {
		case pdf.Name:
			o, named = p.names[string(v)], true
		case pdf.String:
			o, named = p.names[string(v)], true
		case pdf.Dict:
			o = v["D"]
		case pdf.Array:
			d := b.explicit(v)
			if named && d.exact && p.printed {
				corner, known := p.corners[d.page]
				if !known {
					corner[0], corner[1] = b.corner(p.pages[d.page-1])
					p.corners[d.page] = corner
				}
				d.left, d.top = d.left+corner[0], d.top-corner[1]
			}
			return d
		default:
			return destination{}
		}
	}
	return destination{}
}

func (b *builder) explicit(list pdf.Array) destination {
	if len(list) == 0 {
		return destination{}
	}
	var d destination
	if ref, ok := list[0].(pdf.Ref); ok {
		d.page = b.places.numbers[ref]
	} else if n, ok := b.file.Integer(list[0]); ok && n >= 0 && n < int64(len(b.places.pages)) {
		d.page = int(n) + 1
	}
	if b.pageOf(d.page) == nil || d.page > len(b.places.pages) {
		return destination{}
	}
	at := func(i int) (float64, bool) {
		if i >= len(list) {
			return 0, false
		}
		return b.file.Number(list[i])
	}
	kind := pdf.Name("")
	if len(list) > 1 {
		kind = b.file.Name(list[1])
	}
	var x, y float64
	switch kind {
	case "XYZ":
		x, _ = at(2)
		y, d.exact = at(3)
	case "FitH", "FitBH":
		y, d.exact = at(2)
	case "FitR":
		x, _ = at(2)
		y, d.exact = at(5)
	}
	if d.exact {
		d.left, d.top = pagetext.NewFrame(b.file, b.places.pages[d.page-1]).Point(x, y)
	}
	return d
}
