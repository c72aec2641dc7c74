package structure

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// piece is text in one line without a gap that could part columns. Coordinates are those of the page, turned so that its
// text is upright, and mirrored if it is read from right to left.
type piece struct {
	runs           []int
	box            pagetext.Rect
	baseline, size float64
	text           string
	style          style
	// order is that of its first run in the order of painting.
	order int
	// field is a form field that stands in the line, whose piece has no runs.
	field *Field
	// sheet is its page.
	sheet *sheet
}

// style is how text looks, by most of its letters.
type style struct {
	bold, italic, mono bool
	color              uint32
}

const (
	// rowTolerance is how far baselines of one row may differ, in ems: fonts of different design are set on one line
	// with small shifts.
	rowTolerance = 0.17
	// pieceGap is the gap that parts pieces, in ems: spaces of justified lines stretch to about 0.8.
	pieceGap = 0.85
	// wovenGap is the same where other text is painted in between: cells are written one after the other.
	wovenGap = 0.22
	// monoGap is the same in text of a fixed pitch, which is aligned by several spaces.
	monoGap = 2.5
	// scriptSize is how large superscripts and subscripts are at the most, by the text they belong to.
	scriptSize = 0.86
)

// letters counts what text weighs; text of an unknown font by its width.
func letters(r *pagetext.Run) int {
	if r.Text == "" {
		if r.Size <= 0 {
			return 0
		}
		const narrow = 0.5 // ems of a usual glyph
		return int(min(max(r.Box.Width(), r.Box.Height())/(narrow*r.Size), 1000))
	}
	return utf8.RuneCountInString(r.Text)
}

// runRow is a row of runs while pieces are made.
type runRow struct {
	baseline, size float64
	runs           []int
}

// makePieces puts the runs of a page together.
func (s *sheet) makePieces(fields []Field) {
	p := s.page
	var upright []int
	for i := range p.Runs() {
		r := &p.Runs()[i]
		switch {
		case r.Hidden:
			s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: p.Number, Runs: []int{i}}})
		case strings.TrimFunc(r.Text, unicode.IsSpace) == "" && (r.Text != "" || s.box(i).Width() <= 0):
			s.blank = append(s.blank, i)
		case r.Angle != s.angle:
			s.turned = append(s.turned, i)
		default:
			upright = append(upright, i)
		}
	}
	s.sequence = make([]int, len(p.Runs()))
	for k, i := range upright {
		s.sequence[i] = k
	}
	s.placeInitials(upright)
	slices.SortStableFunc(upright, func(a, b int) int { return cmp.Compare(s.baseline(b), s.baseline(a)) })
	rows := s.runRows(upright)
	rows = s.attachScripts(rows)
	for _, r := range rows {
		s.splitRow(r)
	}
	s.sequence = nil
	for i := range fields {
		area := s.upright(fields[i].Area)
		s.pieces = append(s.pieces, &piece{
			box: area, baseline: area.Bottom + 0.2*min(area.Height(), 12), size: min(area.Height(), 12), field: &fields[i],
			order: len(p.Runs()), sheet: s,
		})
	}
}

func (s *sheet) runRows(sorted []int) []*runRow {
	var rows []*runRow
	for _, i := range sorted {
		size := s.page.Runs()[i].Size
		if n := len(rows); n > 0 {
			last := rows[n-1]
			if last.baseline-s.baseline(i) <= rowTolerance*min(last.size, size) {
				last.runs = append(last.runs, i)
				continue
			}
		}
		if s.initials[i] {
			size = min(size, s.box(i).Height())
		}
		rows = append(rows, &runRow{baseline: s.baseline(i), size: size, runs: []int{i}})
	}
	for _, r := range rows {
		slices.SortStableFunc(r.runs, func(a, b int) int { return cmp.Compare(s.box(a).Left, s.box(b).Left) })
		r.size = 0
		for _, i := range r.runs {
			if !s.initials[i] || len(r.runs) == 1 {
				r.size = max(r.size, s.page.Runs()[i].Size)
			}
		}
	}
	return rows
}

func (s *sheet) splitRow(r *runRow) {
	start := 0
	for i := 1; i <= len(r.runs); i++ {
		if i < len(r.runs) && !s.parts(r.runs[i-1], r.runs[i]) {
			continue
		}
		s.pieces = append(s.pieces, s.newPiece(r.runs[start:i]))
		start = i
	}
}

// parts tells whether the gap between two runs of a row is wider than spaces are.
func (s *sheet) parts(a, b int) bool {
	gap := s.box(b).Left - s.box(a).Right
	ra, rb := &s.page.Runs()[a], &s.page.Runs()[b]
	limit := pieceGap
	if ra.Mono && rb.Mono {
		limit = monoGap
	}
	if by := s.sequence[b] - s.sequence[a]; by != 1 && (by != -1 || !s.mirrored) {
		limit = min(limit, wovenGap)
	}
	return gap > limit*max(ra.Size, rb.Size)
}

func (s *sheet) newPiece(runs []int) *piece {
	runs = s.readingOrder(runs)
	p := &piece{runs: runs, order: runs[0], box: s.box(runs[0]), sheet: s}
	var bold, italic, mono, all, weight int
	sizes := map[float64]int{}
	for _, i := range runs {
		r := &s.page.Runs()[i]
		n := letters(r)
		all += n
		if r.Bold {
			bold += n
		}
		if r.Italic {
			italic += n
		}
		if r.Mono {
			mono += n
		}
		sizes[r.Size] += n
		if sizes[r.Size] > weight {
			weight, p.size, p.style.color = sizes[r.Size], r.Size, r.Color
			p.baseline = s.baseline(i)
		}
		p.order = min(p.order, i)
		p.box = p.box.Union(s.box(i))
	}
	if p.size == 0 {
		p.size, p.baseline = s.page.Runs()[runs[0]].Size, s.baseline(runs[0])
	}
	const most = 0.85 // of the letters give a piece its style
	p.style.bold = float64(bold) >= most*float64(all)
	p.style.italic = float64(italic) >= most*float64(all)
	p.style.mono = float64(mono) >= most*float64(all)
	p.text = s.runText(runs)
	if !p.style.mono {
		p.text = singleSpaces(p.text)
	}
	return p
}

// start is where one of its runs starts, length how many characters of text it adds.
func (p *piece) start(i int) float64 { return p.sheet.box(p.runs[i]).Left }

func (p *piece) length(i int) int {
	return utf8.RuneCountInString(strings.ReplaceAll(Plain(p.sheet.page.Runs()[p.runs[i]].Text), " ", ""))
}

// boundary tells how many runs make up a token at the start of the piece, and where the next one starts; false if the
// token ends within a run.
func (p *piece) boundary(token string) (int, float64, bool) {
	want := utf8.RuneCountInString(token)
	for i := range p.runs {
		n := p.length(i)
		if want == 0 && n > 0 {
			return i, p.start(i), true
		}
		if want -= n; want < 0 {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// mirroredLabel is the label of an item as it looks where text runs from right to left: ".3" for "3.".
var mirroredLabel = regexp.MustCompile(`^ *([.):]|[.)] )([\p{L}\p{Nd}]{1,5})([(]?) *$`)

// textOf is what a run says.
func (s *sheet) textOf(run int) string {
	text := Plain(pagetext.ReadingOrder(s.page.Runs()[run].Text))
	if s.mirrored && balance(text) <= 0 {
		if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			signs := []rune(text)
			slices.Reverse(signs)
			return string(signs)
		}
		if m := mirroredLabel.FindStringSubmatch(text); m != nil {
			return m[3] + m[2] + m[1]
		}
	}
	return text
}

// runText joins runs of one row.
func (s *sheet) runText(runs []int) string {
	if len(runs) == 1 {
		return strings.TrimSpace(s.textOf(runs[0]))
	}
	var b strings.Builder
	for k, i := range runs {
		r := &s.page.Runs()[i]
		if k > 0 {
			before := &s.page.Runs()[runs[k-1]]
			gap := max(s.box(i).Left-s.box(runs[k-1]).Right, s.box(runs[k-1]).Left-s.box(i).Right)
			if gap > spaceGap*min(r.Size, before.Size) && !endsInSpace(b.String()) && !strings.HasPrefix(r.Text, " ") {
				b.WriteByte(' ')
			}
		}
		b.WriteString(s.textOf(i))
	}
	return strings.TrimSpace(b.String())
}
