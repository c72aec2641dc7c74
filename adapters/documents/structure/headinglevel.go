package structure

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// headingStyle is what headings of one level have in common.
type headingStyle struct {
	size         int // halves of a point
	bold, italic bool
	caps         bool
}

func (b *block) headingStyle() headingStyle {
	return headingStyle{
		size: int(math.Round(b.size * 2)), bold: b.style.bold, italic: b.style.italic,
		caps: !b.style.bold && !b.style.italic && isCaps(b.text), // capitals matter where nothing else does
	}
}

// depthOf is how deep a numbering is: 1 for "2" and "Chapter 2", 2 for "2.1"; 0 if there is none.
func depthOf(text string) int {
	if chaptered.MatchString(text) {
		return 1
	}
	if !numbered.MatchString(text) {
		return 0
	}
	number, _, _ := strings.Cut(text, " ")
	return 1 + strings.Count(strings.TrimRight(number, "."), ".")
}

// levelStat is what is known of the headings of one style.
type levelStat struct {
	style headingStyle
	count int
	// depths and marks count headings by the depth of their numbering and by their level in the outline.
	depths, marks map[int]int
	level         int
}

// levels gives headings their levels: by the outline, by the numbering, else by the style, of which a larger one is
// higher. A level is never more than one below the one before it (ISO 14289-1, 7.4.2).
func (d *document) levels(marks map[bookmarkKey]int) {
	stats, order := d.levelStats(marks)
	byMark := 0 // what is added to levels of the outline, -1 if there is none
	byDepth := -1
	marked, all := 0, 0
	for _, st := range order {
		for _, n := range st.marks {
			marked += n
		}
		all += st.count
	}
	if marked*2 < all {
		byMark = -1
	} else if len(order) > 1 && len(order[0].marks) == 0 {
		byMark = 1 // a title above all that the outline has
	}
	for i, st := range order {
		if st.depths[1] > 0 && st.depths[1]*2 >= st.count && byDepth < 0 {
			byDepth = b2i(i > 0)
		}
	}
	last := 0
	for i, st := range order {
		switch mark, depth := commonestKey(st.marks), commonestKey(st.depths); {
		case byMark >= 0 && mark > 0:
			st.level = mark + byMark
		case byDepth >= 0 && depth > 0:
			st.level = depth + byDepth
		case i == 0:
			st.level = 1
		default:
			st.level = last + 1
		}
		last = max(last, st.level)
	}
	before := 0
	for _, b := range d.blocks {
		if b.kind != heading {
			continue
		}
		level := stats[b.headingStyle()].level
		if mark := b.bookmarked(marks); byMark >= 0 && mark > 0 {
			level = mark + byMark
		} else if depth := depthOf(b.text); byDepth >= 0 && depth > 0 {
			level = depth + byDepth
		}
		b.level = min(level, before+1, deepest)
		before = b.level
	}
}

// levelStats gathers the styles of headings, the highest first.
func (d *document) levelStats(marks map[bookmarkKey]int) (map[headingStyle]*levelStat, []*levelStat) {
	stats := map[headingStyle]*levelStat{}
	var order []*levelStat
	for _, b := range d.blocks {
		if b.kind != heading {
			continue
		}
		st := stats[b.headingStyle()]
		if st == nil {
			st = &levelStat{style: b.headingStyle(), depths: map[int]int{}, marks: map[int]int{}}
			stats[st.style] = st
			order = append(order, st)
		}
		st.count++
		if depth := depthOf(b.text); depth > 0 {
			st.depths[depth]++
		}
		if level := b.bookmarked(marks); level > 0 {
			st.marks[level]++
		}
	}
	slices.SortStableFunc(order, func(a, b *levelStat) int {
		return cmp.Or(
			cmp.Compare(b.style.size, a.style.size), b2i(b.style.bold)-b2i(a.style.bold),
			b2i(b.style.caps)-b2i(a.style.caps), b2i(a.style.italic)-b2i(b.style.italic),
		)
	})
	return stats, order
}

// commonestKey is the number that is counted most often, the lower one of two; 0 if there is none.
func commonestKey(counts map[int]int) int {
	best := 0
	for key, n := range counts {
		if n > counts[best] || n == counts[best] && key < best {
			best = key
		}
	}
	return best
}
