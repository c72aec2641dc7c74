package typeset

import (
	"math"
	"slices"
)

// page is a part of the strip.
type page struct {
	start, end float64
	// shift is the height that a repeated table head takes at the top, of the repeat with that number; -1 is none.
	shift  float64
	repeat int
}

// paginate cuts the strip into pages, where nothing is cut in two and, if it can be, nothing torn apart that belongs
// together.
func paginate(s *strip, paper sheet, limit int) ([]page, error) {
	height := paper.innerHeight()
	byTop := func(list []extent) { slices.SortFunc(list, func(a, b extent) int { return compare(a.top, b.top) }) }
	byTop(s.atoms)
	byTop(s.keeps)
	slices.Sort(s.forced)
	tops := contentTops(s)
	atoms, keeps := window{list: s.atoms}, window{list: s.keeps}
	repeats := slices.Clone(s.repeats)
	order := make([]int, len(repeats))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compare(repeats[a].body.top, repeats[b].body.top) })
	var pages []page
	start, forced := 0.0, 0
	for {
		if len(pages) >= limit {
			return nil, &LimitError{"pages", limit}
		}
		p := page{start: start, repeat: -1}
		for _, i := range order {
			r := &repeats[i]
			if r.body.top >= start-0.01 {
				break
			}
			if r.body.bottom > start+0.01 && r.bottom-r.top < height/3 {
				p.repeat, p.shift = i, r.bottom-r.top
			}
		}
		for len(order) > 0 && repeats[order[0]].body.bottom <= start {
			order = order[1:]
		}
		p.end = start + height - p.shift
		for forced < len(s.forced) && s.forced[forced] <= start+0.01 {
			forced++
		}
		cut := s.height
		must := false
		if forced < len(s.forced) && s.forced[forced] <= p.end {
			cut, must = s.forced[forced], true
		}
		if !must && s.height <= p.end+0.01 {
			pages = append(pages, p)
			return pages, nil
		}
		if !must {
			atoms.advance(start - height)
			keeps.advance(start - height)
			cut = cutAt(&atoms, &keeps, start, p.end)
		}
		next := nextTop(tops, cut)
		if math.IsInf(next, 1) {
			pages = append(pages, p)
			return pages, nil
		}
		p.end = cut
		pages = append(pages, p)
		start = max(cut, min(next, s.height))
	}
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// window is the extents that may matter for the current page.
type window struct {
	list []extent
	from int
}

func (w *window) advance(y float64) {
	for w.from < len(w.list) && w.list[w.from].top < y {
		w.from++
	}
}

// above moves a cut above the extents that it would go through.
func (w *window) above(cut float64) float64 {
	end, _ := slices.BinarySearchFunc(w.list[w.from:], cut, func(e extent, y float64) int { return compare(e.top, y) })
	for i := w.from + end - 1; i >= w.from; i-- {
		e := w.list[i]
		if e.bottom > cut+0.01 && e.top < cut-0.01 {
			cut = e.top
		}
	}
	return cut
}

// cutAt finds the lowest place for a cut above a height. What shall be kept together is torn where there is no other
// way; what must not be cut is, if it alone is higher than the page.
func cutAt(atoms, keeps *window, start, end float64) float64 {
	cut := end
	for {
		moved := keeps.above(atoms.above(cut))
		if moved == cut {
			break
		}
		cut = moved
	}
	if cut > start+1 {
		return cut
	}
	cut = end
	for {
		moved := atoms.above(cut)
		if moved == cut {
			break
		}
		cut = moved
	}
	if cut > start+1 {
		return cut
	}
	return end
}

// contentTops are the heights at which something begins, in their order.
func contentTops(s *strip) []float64 {
	tops := make([]float64, 0, len(s.items)+len(s.decos)+len(s.keeps))
	for i := range s.keeps {
		tops = append(tops, s.keeps[i].top)
	}
	for i := range s.items {
		tops = append(tops, s.items[i].top)
	}
	for i := range s.decos {
		tops = append(tops, s.decos[i].top)
	}
	slices.Sort(tops)
	return tops
}

// nextTop is where the first thing at or below a height begins; infinite if there is nothing.
func nextTop(tops []float64, y float64) float64 {
	i, _ := slices.BinarySearch(tops, y-0.02)
	if i == len(tops) {
		return math.Inf(1)
	}
	return tops[i]
}

// pageOf gives the page on which something at a height begins.
func pageOf(pages []page, y float64) int {
	i, found := slices.BinarySearchFunc(pages, y+0.02, func(p page, y float64) int { return compare(p.start, y) })
	if !found {
		i--
	}
	return min(max(i, 0), len(pages)-1)
}
