package structure

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxHeadingLines and maxHeadingRunes are how long headings are at the most.
	maxHeadingLines = 4
	maxHeadingRunes = 220
	// largerThanBody is the relation to the size of running text from which size alone makes a heading.
	largerThanBody = 1.14
	// maxPlainHeading is how long a heading is at the most that nothing but its number and its space tell.
	maxPlainHeading = 80
	// deepest is the last of the heading types H1 to H6.
	deepest = 6
)

// headingStyle is what headings of one level have in common.
type headingStyle struct {
	size         int // halves of a point
	bold, italic bool
	caps         bool
}

var numbered = regexp.MustCompile(`^(?:(?:[A-Z]|\d{1,3})(?:\.\d{1,3})*\.?|[IVXL]{1,6}\.)\s+\p{L}`)

var chaptered = regexp.MustCompile(`^(?i:chapter|part|appendix|section|kapitel|teil|anhang|abschnitt|chapitre|partie|annexe|` +
	`capítulo|parte|глава|часть|приложение|раздел|κεφάλαιο|μέρος)\s+(?:\d{1,3}|[IVXLA-Z]{1,6})\b`)

// findHeadings marks blocks as headings and gives them levels.
func (d *document) findHeadings() {
	marks := d.bookmarks()
	for i, b := range d.blocks {
		if b.kind != paragraph || len(b.lines) == 0 || b.level > 0 {
			continue
		}
		var next *block
		if i+1 < len(d.blocks) {
			next = d.blocks[i+1]
		}
		if d.isHeading(b, next, marks) {
			b.kind = heading
		}
	}
	d.joinChapters()
	d.demote(marks)
	d.levels(marks)
}

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
	const most = 8 // lines below a title
	if len(list) < 3 {
		return
	}
	title := list[0]
	last := title
	for i := 1; i < min(len(list), most); i++ {
		b := list[i]
		if b.page != title.page || b.size >= title.size || b.style.bold || b.bookmarked(marks) > 0 || depthOf(b.text) > 0 ||
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

// bookmarks gives the levels of the outline by page and folded title.
func (d *document) bookmarks() map[bookmarkKey]int {
	out := map[bookmarkKey]int{}
	for _, b := range d.hints.Outline {
		if key := (bookmarkKey{b.Page, squeeze(b.Title)}); key.title != "" {
			if _, known := out[key]; !known {
				out[key] = b.Level
			}
		}
	}
	return out
}

type bookmarkKey struct {
	page  int
	title string
}

// squeeze keeps the letters and digits of a text, small.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, Plain(s))
}

var leadingNumber = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)+|[A-Z]\.|[IVXL]+\.)\.?\s+`)

// bookmarked gives the level of the bookmark that names a block, 0 if none does.
func (b *block) bookmarked(marks map[bookmarkKey]int) int {
	if len(marks) == 0 || len(b.text) > 2*maxHeadingRunes {
		return 0
	}
	for _, text := range [...]string{b.text, leadingNumber.ReplaceAllString(b.text, "")} {
		for _, page := range [...]int{b.page, b.page - 1} {
			if level := marks[bookmarkKey{page, squeeze(text)}]; level > 0 {
				return level
			}
		}
	}
	return 0
}

func (d *document) isHeading(b, next *block, marks map[bookmarkKey]int) bool {
	n := utf8.RuneCountInString(b.text)
	if len(b.lines) > maxHeadingLines || n > maxHeadingRunes || !hasLetters(b.text) || b.style.mono && !d.body.mono {
		return false
	}
	if b.bookmarked(marks) > 0 && (b.style.bold != d.body.bold || b.size > 1.02*d.body.size || numbered.MatchString(b.text) ||
		b.style.italic || len(b.lines) == 1) {
		return true
	}
	ratio := b.size / d.body.size
	if ratio >= largerThanBody {
		const sentence = 60 // letters from which a text that ends with a period is a sentence in large type
		return n > 1 && (!endsSentence(b.text) || n < sentence && len(b.lines) <= 2)
	}
	if next != nil && next.page == b.page && ratio < 1.05 && next.kind == paragraph && next.label.numbering == "" &&
		next.box.Left > b.box.Left+1.2*b.size && next.box.Top < b.box.Top && !next.centered() && !b.centered() {
		return false // a term, with its description moved in below it
	}
	if len(b.lines) > 2 || endsSentence(b.text) || next == nil || next.page == b.page && next.kind == heading {
		return len(b.lines) <= 2 && !endsSentence(b.text) && b.style.bold && !d.body.bold && next != nil && d.standsOut(b)
	}
	if b.style.bold && !d.body.bold {
		return d.standsOut(b)
	}
	number := numbered.MatchString(b.text) || chaptered.MatchString(b.text)
	if number && (b.style.italic || isCaps(b.text)) {
		return d.standsOut(b)
	}
	if number && len(b.lines) == 1 && n <= maxPlainHeading && b.above > b.size && b.below > 0.3*b.size && next != nil &&
		next.kind == paragraph && next.label.numbering == "" && len(next.lines) > 1 && depthOf(b.text) > 0 && !strings.HasSuffix(b.text, ":") {
		return true
	}
	return isCaps(b.text) && n >= 4 && ratio > 0.95 && b.above > 0.8*b.size && len(b.lines) == 1 && !d.body.bold
}

func (b *block) centered() bool {
	for _, l := range b.lines {
		if !isCentered(l) {
			return false
		}
	}
	return len(b.lines) > 0
}

// standsOut tells whether a block is set apart from what is above it.
func (d *document) standsOut(b *block) bool {
	return b.above < 0 || b.above > 0.25*b.size || b.below > 0.25*b.size
}

func hasLetters(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// endsSentence tells whether text ends as sentences do.
func endsSentence(s string) bool {
	s = strings.TrimRight(s, " \"”’»)")
	return strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "..") || strings.HasSuffix(s, ";") || strings.HasSuffix(s, ",")
}

// isCaps tells whether all letters are capital ones.
func isCaps(s string) bool {
	upper := 0
	for _, r := range s {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			upper++
		}
	}
	return upper >= 3
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
