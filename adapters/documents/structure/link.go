package structure

import (
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// stripHeight is the height of the strips, in points, by which links are found.
const stripHeight = 24.0

// linkIndex finds the links of one page by place.
type linkIndex struct {
	links []*pageLink
	bands map[int][]*pageLink
}

// pageLink is a link annotation, and whether it is in the tree.
type pageLink struct {
	*Link
	placed bool
}

// addLinks makes elements of links: of the text that lies under them, and of the annotation itself.
func (d *document) addLinks(t *Tree) {
	if len(d.hints.Links) == 0 {
		return
	}
	indexes := map[int]*linkIndex{}
	for i := range d.hints.Links {
		l := &d.hints.Links[i]
		if l.Page < 1 || l.Page > len(d.pages) {
			continue
		}
		index := indexes[l.Page]
		if index == nil {
			index = &linkIndex{bands: map[int][]*pageLink{}}
			indexes[l.Page] = index
		}
		index.add(l, d.pages[l.Page-1])
	}
	d.linkKids(t.Root, indexes)
	last := map[int]int{} // where the content of a page ends in the root
	for i, n := range t.Root.Kids {
		walkLeaves(n, func(leaf *Node) { last[leaf.Content.Page] = i + 1 })
	}
	var kids []*Node
	add := func(page int) {
		index := indexes[page]
		if index == nil {
			return
		}
		for _, l := range index.links {
			if !l.placed {
				l.placed = true
				kids = append(kids, &Node{Type: "P", Kids: []*Node{{Type: "Link", Kids: []*Node{l.leaf()}}}})
			}
		}
	}
	ends := map[int][]int{}
	for page := 1; page <= len(d.pages); page++ {
		if at, shown := last[page]; shown {
			ends[at] = append(ends[at], page)
		}
	}
	for i, n := range t.Root.Kids {
		kids = append(kids, n)
		for _, page := range ends[i+1] {
			add(page)
		}
	}
	for page := range d.pages {
		add(page + 1)
	}
	t.Root.Kids = kids
}

func (l *pageLink) leaf() *Node {
	return &Node{Content: Content{Page: l.Page, Annotation: l.Annotation}}
}

func (x *linkIndex) add(l *Link, p *pagetext.Page) {
	one := &pageLink{Link: l}
	x.links = append(x.links, one)
	for _, area := range l.Areas {
		low, high := strip(max(area.Bottom, 0)), strip(min(area.Top, p.Height))
		for b := low; b <= high && b-low < 1000; b++ {
			x.bands[b] = append(x.bands[b], one)
		}
	}
}

func strip(y float64) int {
	const most = 1e6
	return int(math.Floor(min(max(y, -most), most) / stripHeight))
}

// under finds the link that a box lies under, nil if there is none.
func (x *linkIndex) under(box pagetext.Rect) *pageLink {
	const most = 200 // links in one strip that are looked at
	y := (box.Bottom + box.Top) / 2
	for i, l := range x.bands[strip(y)] {
		if i == most {
			break
		}
		for _, area := range l.Areas {
			if y < area.Bottom || y > area.Top {
				continue
			}
			shared := min(box.Right, area.Right) - max(box.Left, area.Left)
			// Half of the text, or all of the link: a link may be a part of what one operation shows.
			if shared > 0.5*box.Width() && shared > 0 || shared > 0.8*area.Width() && area.Width() > 2 {
				return l
			}
		}
	}
	return nil
}

// linkKids divides the leaves of a node at links. Inferred trees are not deep.
func (d *document) linkKids(n *Node, indexes map[int]*linkIndex) {
	if !slices.ContainsFunc(n.Kids, func(kid *Node) bool { return kid.Type == "" && indexes[kid.Content.Page] != nil }) {
		for _, kid := range n.Kids {
			d.linkKids(kid, indexes)
		}
		return
	}
	var kids []*Node
	var open *Node // the link at the end of kids
	var last *pageLink
	for _, kid := range n.Kids {
		index := indexes[kid.Content.Page]
		if kid.Type != "" {
			d.linkKids(kid, indexes)
		}
		if kid.Type != "" || index == nil {
			kids, open, last = append(kids, kid), nil, nil
			continue
		}
		page := d.pages[kid.Content.Page-1]
		if !index.touches(page, kid.Content) {
			kids, open, last = append(kids, kid), nil, nil
			continue
		}
		var loose *Node
		for _, run := range kid.Content.Runs {
			l := index.under(page.Runs()[run].Box)
			switch {
			case l == nil:
				if loose == nil {
					loose = &Node{Content: Content{Page: kid.Content.Page}}
					kids = append(kids, loose)
				}
				loose.Content.Runs = append(loose.Content.Runs, run)
				open, last = nil, nil
				continue
			case open == nil || !sameLink(l, last):
				open = &Node{Type: "Link"}
				kids = append(kids, open)
			}
			loose = nil
			d.extend(open, l, kid.Content.Page, run)
			last = l
		}
		if len(kid.Content.Images) > 0 || len(kid.Content.Runs) == 0 {
			rest := &Node{Content: kid.Content}
			rest.Content.Runs = nil
			for _, m := range rest.Content.Images {
				if l := index.under(page.Images[m].Box); l != nil && !l.placed {
					l.placed = true
					rest = &Node{Type: "Link", Kids: []*Node{rest, l.leaf()}}
					break
				}
			}
			kids = append(kids, rest)
		}
	}
	n.Kids = kids
}

// touches tells whether there is anything in a leaf that a link may be made of.
func (x *linkIndex) touches(page *pagetext.Page, c Content) bool {
	if len(c.Images) > 0 || len(c.Shapes) > 0 || len(c.Runs) == 0 || c.Annotation != (Content{}).Annotation {
		return true
	}
	runs := page.Runs()
	return slices.ContainsFunc(c.Runs, func(run int) bool { return x.under(runs[run].Box) != nil })
}

// sameLink tells whether two annotations are parts of one link, as over a line end.
func sameLink(a, b *pageLink) bool {
	return a == b || b != nil && a.URI == b.URI && a.Target == b.Target && (a.URI != "" || a.Target > 0)
}

// extend adds a run to a link, and its annotation at the end if it is not there yet.
func (d *document) extend(link *Node, l *pageLink, page, run int) {
	n := len(link.Kids)
	at := n
	for at > 0 && link.Kids[at-1].Content.Annotation != (Content{}).Annotation {
		at--
	}
	if at > 0 && link.Kids[at-1].Content.Page == page {
		link.Kids[at-1].Content.Runs = append(link.Kids[at-1].Content.Runs, run)
	} else {
		leaf := &Node{Content: Content{Page: page, Runs: []int{run}}}
		link.Kids = append(link.Kids[:at:at], append([]*Node{leaf}, link.Kids[at:]...)...)
	}
	if !l.placed {
		l.placed = true
		link.Kids = append(link.Kids, l.leaf())
	}
}
