package tagging

import (
	"maps"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// repeat is tagged content of a form that is painted more than once: one sequence cannot be in several places
// (ISO 14289-1, 7.20).
type repeat struct {
	element *element
	key     contentKey
}

// painted is where a form was painted: a stream of a page.
type painted struct{ page, stream int }

// divideRepeats gives each painting of such content an element of its own: the first keeps the one it had, the others
// get one of the same type after it.
func (w *work) divideRepeats(root *element, repeats []repeat) {
	if len(repeats) == 0 {
		return
	}
	content, order := w.repeatedContent(repeats)
	parents := map[*element]*element{}
	root.each(func(e, parent *element) { parents[e] = parent })
	added := map[*element]map[painted]*element{}
	after := map[*element][]kid{}
	for _, r := range repeats {
		for i, at := range order[r.key] {
			c := content[r.key][at]
			if i == 0 || parents[r.element] == nil {
				w.newLeaf(r.element, c)
				continue
			}
			if added[r.element] == nil {
				added[r.element] = map[painted]*element{}
			}
			twin := added[r.element][at]
			if twin == nil {
				twin = w.newElement(r.element.kind, &structure.Node{Type: r.element.kind}, nil)
				twin.dict["P"] = parents[r.element].ref
				for _, key := range []pdf.Name{"Alt", "ActualText", "Lang", "A", "C"} {
					if value := r.element.dict[key]; value != nil {
						twin.dict[key] = value
					}
				}
				added[r.element][at] = twin
				after[r.element] = append(after[r.element], kid{element: twin})
			}
			w.newLeaf(twin, c)
		}
	}
	changed := map[*element]bool{}
	for e := range after {
		changed[parents[e]] = true
	}
	for parent := range changed {
		var kids []kid
		for _, k := range parent.kids {
			kids = append(append(kids, k), after[k.element]...)
		}
		parent.kids = kids
	}
	w.fixed("7.20-2", "", len(repeats))
	w.flag("09-001", 0, "Content that is painted more than once was tagged in each place")
}

// repeatedContent finds what each sequence shows in each place that its form is painted in, in the order of painting.
func (w *work) repeatedContent(repeats []repeat) (map[contentKey]map[painted]*structure.Content, map[contentKey][]painted) {
	content, order := map[contentKey]map[painted]*structure.Content{}, map[contentKey][]painted{}
	for _, r := range repeats {
		content[r.key] = map[painted]*structure.Content{}
	}
	find := func(page *pagetext.Page, at pagetext.Place) *structure.Content {
		if at.Mark < 0 || at.MarkStream < 0 || at.MarkStream >= len(page.Streams) {
			return nil
		}
		key := contentKey{form: page.Streams[at.MarkStream].Form, id: at.Mark}
		places, wanted := content[key]
		if !wanted {
			return nil
		}
		where := painted{page.Number, at.MarkStream}
		if places[where] == nil {
			places[where] = &structure.Content{Page: page.Number}
			order[key] = append(order[key], where)
		}
		return places[where]
	}
	for _, page := range w.shown {
		for i := range page.Runs() {
			if c := find(page, page.Runs()[i].Place); c != nil {
				c.Runs = append(c.Runs, i)
			}
		}
		for i := range page.Images {
			if c := find(page, page.Images[i].Place); c != nil {
				c.Images = append(c.Images, i)
			}
		}
		for i := range page.Shapes() {
			if c := find(page, page.Shapes()[i].Place); c != nil {
				c.Shapes = append(c.Shapes, i)
			}
		}
	}
	maps.DeleteFunc(content, func(_ contentKey, places map[painted]*structure.Content) bool { return len(places) == 0 })
	return content, order
}
