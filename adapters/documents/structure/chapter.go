package structure

import (
	"math"
	"regexp"
	"slices"
)

// chapterLabel is a line that says which chapter begins, and nothing else.
var chapterLabel = regexp.MustCompile(`^(?i:(?:chapter|part|appendix|kapitel|teil|anhang|chapitre|partie|annexe|capítulo|` +
	`глава|часть|приложение|κεφάλαιο|μέρος)(?:\s+(?:\d{1,3}|[ivxl]{1,6}|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten|` +
	`eleven|twelve))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)$`)

// joinChapters puts lines such as "Chapter 1" into the heading right below them.
func (d *document) joinChapters() {
	gone := map[*block]bool{}
	for i := len(d.blocks) - 2; i >= 0; i-- {
		a, b := d.blocks[i], d.blocks[i+1]
		if a.kind != heading && a.kind != paragraph || b.kind != heading || a.page != b.page || len(a.lines) != 1 ||
			!chapterLabel.MatchString(a.text) || len(b.lines) >= maxHeadingLines || a.lines[0].column != b.lines[0].column {
			continue
		}
		joined := newBlock(b.page, slices.Concat(a.lines, b.lines))
		joined.kind, joined.size, joined.style = heading, b.size, b.style
		joined.above, joined.below = a.above, b.below
		gone[b] = true
		d.blocks[i] = joined
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// joinTitles puts the lines of a large heading together that were broken by hand.
func (d *document) joinTitles() {
	const (
		large  = 1.3 // times the size of running text
		nearby = 0.9 // ems between the lines
		runes  = 160
		aligns = 1.0 // ems by which the lines may miss each other's middle or left edge
	)
	gone := map[*block]bool{}
	for i := len(d.blocks) - 2; i >= 0; i-- {
		a, b := d.blocks[i], d.blocks[i+1]
		if a.kind != heading || b.kind != heading || a.page != b.page || a.headingStyle() != b.headingStyle() ||
			a.size < large*d.body.size || len(a.text)+len(b.text) > runes || depthOf(a.text)+depthOf(b.text) > 0 {
			continue
		}
		gap := a.box.Bottom - b.box.Top
		middles := math.Abs(a.box.Left + a.box.Right - b.box.Left - b.box.Right)
		if gap < -a.size || gap > nearby*a.size || middles > 2*aligns*a.size && math.Abs(a.box.Left-b.box.Left) > aligns*a.size {
			continue
		}
		joined := newBlock(b.page, slices.Concat(a.lines, b.lines))
		joined.kind, joined.above, joined.below = heading, a.above, b.below
		gone[b] = true
		d.blocks[i] = joined
	}
	d.blocks = slices.DeleteFunc(d.blocks, func(b *block) bool { return gone[b] })
}

// demote takes headings back that are the lines below the title: authors, places and dates, which are set larger than the
// text as well.
func (d *document) demote(marks map[bookmarkKey]int) {
	count := map[headingStyle]int{}
	var list []*block
	for _, b := range d.blocks {
		if b.kind == heading {
			count[b.headingStyle()]++
			list = append(list, b)
		}
	}
	const (
		most      = 8   // lines below a title
		companion = 1.3 // times the size of running text that they are at the most
	)
	if len(list) < 3 {
		return
	}
	title := list[0]
	last := title
	for i := 1; i < min(len(list), most); i++ {
		b := list[i]
		if b.page != title.page || b.size >= title.size || b.size > companion*d.body.size || b.style.bold || b.bookmarked(marks) > 0 || depthOf(b.text) > 0 ||
			count[b.headingStyle()] > 1+i || !d.adjacent(last, b) {
			return
		}
		b.kind = paragraph
		last = b
	}
}

// adjacent tells whether a block comes right after another one.
func (d *document) adjacent(a, b *block) bool {
	for i := 1; i < len(d.blocks); i++ {
		if d.blocks[i] == b {
			return d.blocks[i-1] == a
		}
	}
	return false
}
