package tagging

import (
	"cmp"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// streamPlan says what becomes of the operations of one content stream as it is painted once.
type streamPlan struct {
	parts map[int][]part
	// forms are the streams that are painted by its operations.
	forms map[int]int
	// whole is what all its content belongs to, if it is not mixed; an artifact if there is none.
	whole belongs
	mixed bool
}

// planPage spreads the leaves and artifacts of a page over its content streams.
func (w *work) planPage(page *pagetext.Page, leaves []int, artifacts []structure.Artifact) []streamPlan {
	plans := make([]streamPlan, max(1, len(page.Streams)))
	for i := range plans {
		plans[i] = streamPlan{parts: map[int][]part{}, forms: map[int]int{}}
	}
	for i, s := range page.Streams {
		if s.Outer >= 0 && s.Outer < i {
			plans[s.Outer].forms[s.Operation] = i
		}
	}
	put := func(place pagetext.Place, b belongs) {
		if place.Stream >= 0 && place.Stream < len(plans) {
			parts := plans[place.Stream].parts
			parts[place.Operation] = append(parts[place.Operation], part{place.From, b})
		}
	}
	spread := func(c *structure.Content, leaf int) {
		for i, run := range c.Runs {
			if run >= 0 && run < len(page.Runs()) {
				put(page.Runs()[run].Place, belongs{leaf, i})
			}
		}
		for i, image := range c.Images {
			if image >= 0 && image < len(page.Images) {
				put(page.Images[image].Place, belongs{leaf, len(c.Runs) + i})
			}
		}
		for i, shape := range c.Shapes {
			if shape >= 0 && shape < len(page.Shapes()) {
				put(page.Shapes()[shape].Place, belongs{leaf, len(c.Runs) + len(c.Images) + i})
			}
		}
	}
	for _, l := range leaves {
		spread(w.outline.leaves[l].content, l)
	}
	for _, a := range artifacts {
		kind := artifact
		switch a.Kind {
		case "Header":
			kind = header
		case "Footer":
			kind = footer
		}
		spread(&a.Content, kind)
	}
	for i := len(plans) - 1; i >= 0; i-- {
		plans[i].summarise(plans)
	}
	return plans
}

// summarise orders the parts of each operation and finds whether all content is of one leaf. Streams that are painted
// by this one come after it and are summarised already.
func (p *streamPlan) summarise(plans []streamPlan) {
	p.whole = belongs{leaf: artifact}
	add := func(b belongs) {
		switch {
		case b.leaf < 0:
		case p.whole.leaf < 0:
			p.whole = b
		case p.whole.leaf != b.leaf:
			p.mixed = true
		default:
			p.whole.order = min(p.whole.order, b.order)
		}
	}
	for number, parts := range p.parts {
		slices.SortStableFunc(parts, func(a, b part) int {
			return cmp.Or(cmp.Compare(a.from.Element, b.from.Element), cmp.Compare(a.from.Byte, b.from.Byte))
		})
		p.parts[number] = parts
		for _, part := range parts {
			add(part.belongs)
		}
	}
	for _, form := range p.forms {
		add(plans[form].whole)
		p.mixed = p.mixed || plans[form].mixed
	}
	if !p.mixed || p.whole.leaf < 0 {
		return
	}
	// Where the content cannot be marked inside of the form, all goes to the leaf that comes first.
	for _, parts := range p.parts {
		for _, part := range parts {
			if part.leaf >= 0 && part.leaf < p.whole.leaf {
				p.whole = part.belongs
			}
		}
	}
}

// countPaintings counts how often each form is painted in the document.
func countPaintings(pages []*pagetext.Page) map[pdf.Ref]int {
	count := map[pdf.Ref]int{}
	for _, page := range pages {
		for _, s := range page.Streams {
			if s.Outer >= 0 {
				count[s.Form]++
			}
		}
	}
	return count
}
