package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// maxBlocks is how many blocks of a page an annotation is compared with.
const maxBlocks = 2000

// block is a kid of the body, by its index, with its area on a page.
type block struct {
	index int
	area  pagetext.Rect
}

// loosePlacer finds places for annotations that the structure does not name.
type loosePlacer struct {
	*work
	blocks map[int][]block
	// ends gives for each page the number of kids of the body that begin on it or before.
	ends []int
	// added has what comes before each kid of the body, by its index.
	added map[int][]kid
}

// placeLooseAnnotations tags the annotations that the structure does not name, each after the block of its page that it
// lies nearest to.
func (w *work) placeLooseAnnotations() {
	var p *loosePlacer
	for number := 1; number <= len(w.pages); number++ {
		list, _ := w.file.Array(w.pages[number-1].Dict["Annots"])
		for _, o := range list {
			ref, isRef := o.(pdf.Ref)
			d, ok := w.file.Dict(o)
			if !ok || !isRef || w.placed[ref] || !w.needsTag(d, number) {
				continue
			}
			if p == nil {
				p = w.newLoosePlacer()
			}
			p.place(ref, d, number)
		}
	}
	if p == nil {
		return
	}
	body := w.outline.body
	kids := make([]kid, 0, len(body.kids)+len(p.added))
	for i, k := range body.kids {
		kids = append(append(kids, p.added[i]...), k)
	}
	body.kids = append(kids, p.added[len(body.kids)]...)
}

// newLoosePlacer lists the blocks of all pages, in one go over the structure.
func (w *work) newLoosePlacer() *loosePlacer {
	p := &loosePlacer{work: w, blocks: map[int][]block{}, ends: make([]int, len(w.pages)+1), added: map[int][]kid{}}
	index := map[*element]int{}
	for i, k := range w.outline.body.kids {
		if k.element == nil {
			continue
		}
		index[k.element] = i
		k.element.each(func(e, _ *element) { index[e] = i })
		if first := w.firstPage(k.element); first > 0 && first < len(p.ends) {
			p.ends[first] = max(p.ends[first], i+1)
		}
	}
	for page := 1; page < len(p.ends); page++ {
		p.ends[page] = max(p.ends[page], p.ends[page-1])
	}
	for _, l := range w.outline.leaves {
		i, known := index[l.element]
		if !known || l.annotation != (pdf.Ref{}) {
			continue
		}
		for _, run := range l.content.Runs {
			if page := l.page; run >= 0 && run < len(w.shown[page-1].Runs()) {
				p.extend(page, i, w.shown[page-1].Runs()[run].Box)
			}
		}
	}
	if w.keptTags != nil {
		for _, page := range w.shown {
			for _, run := range page.Runs() {
				if e := w.taggedBy(page, run.Place); e != nil {
					if i, known := index[e]; known {
						p.extend(page.Number, i, run.Box)
					}
				}
			}
		}
	}
	return p
}

// extend adds an area to a block, which is mostly the one that was extended before.
func (p *loosePlacer) extend(page, index int, area pagetext.Rect) {
	list := p.blocks[page]
	if n := len(list); n > 0 && list[n-1].index == index {
		list[n-1].area = list[n-1].area.Union(area)
		return
	}
	if len(list) < maxBlocks {
		p.blocks[page] = append(list, block{index, area})
	}
}

func (p *loosePlacer) place(ref pdf.Ref, d pdf.Dict, page int) {
	at := p.ends[page]
	if r, ok := p.file.Rectangle(d["Rect"]); ok {
		box := p.frames[page-1].Rect(r)
		best := -1.0
		for _, b := range p.blocks[page] {
			if gap := distance(b.area, box); best < 0 || gap < best {
				best, at = gap, b.index+1
			}
		}
	}
	body := p.outline.body
	around := &element{kind: body.kind, dict: body.dict, ref: body.ref}
	if elementKind(p.file.Name(d["Subtype"])) == "Link" {
		// A link belongs into a block.
		paragraph := p.newElement("P", &structure.Node{Type: "P"}, nil)
		paragraph.dict["P"] = body.ref
		p.placeAnnotation(ref, page, paragraph)
		around.kids = []kid{{element: paragraph}}
	} else {
		p.placeAnnotation(ref, page, around)
	}
	p.added[at] = append(p.added[at], around.kids...)
}
