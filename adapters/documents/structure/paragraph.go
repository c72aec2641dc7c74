package structure

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Where a paragraph ends.
const (
	// looser is by how much a distance of lines exceeds the usual one between paragraphs.
	looser = 1.2
	// usualLeading is the distance of lines, in ems, where a size is too rare to measure it.
	usualLeading = 1.25
	// sizeStep is the relation of sizes that are not of one paragraph.
	sizeStep = 1.12
	// indent is the least indentation of a first line, in ems, and maxIndent the largest.
	indent, maxIndent = 0.7, 5
)

// leadings are the usual distances of lines by size and pitch, in points.
type leadings map[leadingKey]float64

type leadingKey struct {
	size int // tenths of points
	mono bool
}

// anySize stands for sizes that are too rare to be measured: their lines are as far apart, in ems, as those of the size that
// most lines have.
var anySize = leadingKey{}

func keyOf(l *line) leadingKey { return leadingKey{int(math.Round(l.size * 10)), l.style.mono} }

// measureLeadings finds the distance of lines in paragraphs: the least one that is common.
func measureLeadings(flows [][]element) leadings {
	seen := map[leadingKey]map[int]int{}
	for _, flow := range flows {
		for i := 1; i < len(flow); i++ {
			a, b := flow[i-1].line, flow[i].line
			if a == nil || b == nil || a.column != b.column || keyOf(a) != keyOf(b) {
				continue
			}
			d := a.baseline - b.baseline
			if d < 0.8*a.size || d > 2.6*a.size {
				continue
			}
			if seen[keyOf(a)] == nil {
				seen[keyOf(a)] = map[int]int{}
			}
			seen[keyOf(a)][leadingStep(d)]++
		}
	}
	out := leadings{}
	most := 0
	for _, key := range slices.SortedFunc(maps.Keys(seen), compareLeadingKeys) {
		counts, all := seen[key], 0
		steps := make([]int, 0, len(counts))
		for step, n := range counts {
			all += n
			steps = append(steps, step)
		}
		slices.Sort(steps)
		const common = 0.15
		for _, step := range steps {
			if n := counts[step] + counts[step+1]; float64(n) >= common*float64(all) && n > 1 {
				out[key] = float64(step) / stepsPerPoint
				if counts[step+1] > counts[step] {
					out[key] = float64(step+1) / stepsPerPoint
				}
				if all > most {
					most = all
					out[anySize] = out[key] / (float64(key.size) / 10)
				}
				break
			}
		}
	}
	return out
}

func compareLeadingKeys(a, b leadingKey) int {
	return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(b2i(a.mono), b2i(b.mono)))
}

// of gives the usual distance from a line to the next: the larger one of those in its column and in the document.
func (m leadings) of(l *line) float64 {
	if d, ok := m[keyOf(l)]; ok {
		return max(d, l.leading)
	}
	return max(usualLeading*l.size, m[anySize]*l.size, l.leading)
}

// setLeadings notes the distance of lines in columns that are set wider than the rest of the document, as the text of a
// thesis is after its abstract: most lines have the same distance there, and run on to the next. Lines that end where
// they like are paragraphs of their own.
func setLeadings(flow []element) {
	type place struct {
		column *column
		key    leadingKey
	}
	type spacing struct {
		steps         map[int]int
		pairs, runsOn int
	}
	seen := map[place]*spacing{}
	for i := 1; i < len(flow); i++ {
		a, b := flow[i-1].line, flow[i].line
		if a == nil || b == nil || a.column != b.column || keyOf(a) != keyOf(b) {
			continue
		}
		at := place{a.column, keyOf(a)}
		if seen[at] == nil {
			seen[at] = &spacing{steps: map[int]int{}}
		}
		one := seen[at]
		one.pairs++
		one.steps[leadingStep(a.baseline-b.baseline)]++
		if !endsShort(a, b) {
			one.runsOn++
		}
	}
	const (
		least  = 3 // distances
		most   = 3 // ems
		common = 0.6
	)
	for _, e := range flow {
		if e.line == nil {
			continue
		}
		one := seen[place{e.line.column, keyOf(e.line)}]
		if one == nil || one.pairs < least || float64(one.runsOn) < common*float64(one.pairs) {
			continue
		}
		step := commonestKey(one.steps)
		n := one.steps[step-1] + one.steps[step] + one.steps[step+1]
		if d := float64(step) / stepsPerPoint; float64(n) >= common*float64(one.pairs) && d <= most*e.line.size {
			e.line.leading = d
		}
	}
}

// stepsPerPoint is how finely distances of lines are told apart.
const stepsPerPoint = 4

func leadingStep(distance float64) int { return int(math.Round(distance * stepsPerPoint)) }

// paragraphs parts the lines of a flow into blocks; objects are blocks already.
func (d *document) paragraphs(s *sheet, flow []element) []*block {
	var out []*block
	var lines []*line
	end := func() {
		if len(lines) > 0 {
			out = append(out, newBlock(s.page.Number, lines))
			lines = nil
		}
	}
	for i, e := range flow {
		if e.object != nil {
			end()
			out = append(out, e.object)
			continue
		}
		if len(lines) > 0 {
			var next *line
			if i+1 < len(flow) {
				next = flow[i+1].line
			}
			if d.breaks(lines, e.line, next) {
				end()
			}
		}
		lines = append(lines, e.line)
	}
	end()
	return out
}

// breaks tells whether a line starts a new block after those before it. Next is the line after it, or nil.
func (d *document) breaks(lines []*line, l, next *line) bool {
	last := lines[len(lines)-1]
	if l.column != last.column {
		return true
	}
	size := min(l.size, last.size)
	distance := last.baseline - l.baseline
	if distance < 0 || distance > looser*max(d.leadings.of(last), d.leadings.of(l))+0.5 {
		return true
	}
	if isEntry(last) {
		return true
	}
	const centered = 1.08 // times the usual distance: lines below a title are paragraphs of their own
	if (isCentered(last) && isCentered(l) || centeredTogether(last, l)) && distance > centered*max(d.leadings.of(last), d.leadings.of(l)) {
		return true
	}
	if sameListing(last, l) {
		return false
	}
	if max(l.size, last.size) > sizeStep*size {
		return true
	}
	if l.style.mono != last.style.mono && (math.Abs(l.box.Left-last.box.Left) > 0.5*size || endsShort(last, l) ||
		distance > 1.08*d.leadings.of(last)) {
		return true // a listing, not a name in type of a fixed pitch that fills a line
	}
	if l.style.bold != last.style.bold {
		short := endsShort(last, l)
		first, _ := utf8.DecodeRuneInString(l.text)
		if short && l.style.bold || len(lines) <= 2 && allBold(lines) == lines[0].style.bold && (short || !unicode.IsLower(first)) {
			return true // words may be bold to the end of a paragraph
		}
	}
	if n := len(lines); n > 1 && l.box.Left < last.box.Left-indent*size && math.Abs(last.box.Left-lines[n-2].box.Left) < indent*size/2 &&
		!centeredTogether(last, l) {
		return true // back to the left of lines that begin at the same place
	}
	if mark, ok := labelOf(l); ok && d.startsItem(lines, l, mark) {
		return true
	}
	if mark, ok := labelOf(lines[0]); ok && math.Abs(l.box.Left-mark.body) < 0.6*l.size {
		return false // the text of an item hangs below its first word
	}
	if first := lines[0]; captionKind(first.text) != "" && len(lines) < maxHeadingLines &&
		l.box.Left > first.box.Left-0.5*size && l.box.Right < first.box.Right+0.5*size {
		return false // a caption is as wide as what it belongs to
	}
	return endsShort(last, l) && !brokenByHand(lines, l) || indented(lines, l, next)
}

// brokenByHand tells whether a line goes on with short ones that were broken by hand, as those of an address or of a
// verse: they stand as close as lines of a paragraph do, and no sentence ends between them.
func brokenByHand(lines []*line, l *line) bool {
	const (
		share        = 0.6 // of the width of the column
		most         = 8   // lines
		abbreviation = 5   // characters at the most
	)
	if len(lines) >= most || len(l.pieces) > 1 {
		return false
	}
	if n := numberAtStart(lines[0].text); n > 0 && numberAtStart(l.text) == n+1 {
		return false // notes or rows that are numbered
	}
	for _, other := range append(lines[:len(lines):len(lines)], l) {
		if other.box.Width() > share*(other.column.right-other.column.left) || len(other.pieces) > 1 || other.bullet != nil ||
			math.Abs(other.box.Left-l.box.Left) > 0.5*l.size && math.Abs(other.box.Right-l.box.Right) > 0.5*l.size {
			return false
		}
	}
	last := lines[len(lines)-1].text
	_, labelled := labelOf(lines[0])
	if at := strings.LastIndexByte(last, ' '); at >= 0 && utf8.RuneCountInString(last[at+1:]) <= abbreviation {
		last = strings.TrimSuffix(last, ".") // as of "Inc."
	}
	return !endsSentence(last) && !strings.HasSuffix(last, ":") && !labelled || strings.HasSuffix(last, ",")
}

// numberAtStart gives the number of at most three digits that a text begins with; 0 if there is none.
func numberAtStart(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 1 || end > 3 {
		return 0
	}
	return atoi(s[:end])
}

// sameListing tells whether two lines may be of one listing: names in it are often set a little smaller.
func sameListing(a, b *line) bool {
	const near = 1.15
	return a.style.mono && b.style.mono && max(a.size, b.size) <= near*min(a.size, b.size)
}

func allBold(lines []*line) bool {
	for _, l := range lines {
		if !l.style.bold {
			return false
		}
	}
	return true
}

// endsShort tells whether a line ends so far from the margin that the next word would have fitted: its end was meant.
func endsShort(last, next *line) bool {
	room := last.margin - last.box.Right
	word, _, more := strings.Cut(next.text, " ")
	n := utf8.RuneCountInString(next.text)
	if n == 0 || isCentered(last) && isCentered(next) || centeredTogether(last, next) {
		return false
	}
	width := next.box.Width() * float64(utf8.RuneCountInString(word)) / float64(n)
	if !more {
		width = next.box.Width()
	}
	space := 0.6 * last.size
	if first, _ := utf8.DecodeRuneInString(next.text); unicode.IsLower(first) {
		space += 3 * last.size // a sentence that goes on: lines may be broken by hand
	}
	return room > width+space
}

// centeredTogether tells whether two lines have the same middle and different ends.
func centeredTogether(a, b *line) bool {
	by := (a.box.Left + a.box.Right - b.box.Left - b.box.Right) / 2
	return math.Abs(by) < 0.3*a.size && math.Abs(a.box.Left-b.box.Left) > a.size
}

func isCentered(l *line) bool {
	left, right := l.box.Left-l.column.left, l.column.right-l.box.Right
	return left > 2*l.size && math.Abs(left-right) < 0.6*l.size
}

// indented tells whether a line begins a paragraph by its indentation: it alone is moved to the right.
func indented(lines []*line, l, next *line) bool {
	last := lines[len(lines)-1]
	by := l.box.Left - last.box.Left
	if by < indent*l.size || by > maxIndent*l.size || centeredTogether(last, l) {
		return false
	}
	if len(lines) == 1 && l.box.Left > last.box.Left {
		// The first line hangs out to the left: a hanging indent, unless the line after returns.
		return next != nil && next.column == l.column && next.box.Left < l.box.Left-indent*l.size &&
			math.Abs(next.box.Left-last.box.Left) < indent*l.size
	}
	return next == nil || next.column != l.column || next.box.Left < l.box.Left-indent*l.size/2 ||
		last.baseline-l.baseline > 0
}
