package structure

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// piece is text in one line without a gap that could part columns. Coordinates are those of the page, turned so that its
// text is upright.
type piece struct {
	runs           []int
	box            pagetext.Rect
	baseline, size float64
	text           string
	style          style
	// starts are where its runs start, lengths how many characters of text each adds.
	starts  []float64
	lengths []int
	// order is that of its first run in the order of painting.
	order int
	// field is a form field that stands in the line, whose piece has no runs.
	field *Field
}

// style is how text looks, by most of its letters.
type style struct {
	bold, italic, mono bool
	color              uint32
}

// sheet is one page with what was found on it so far.
type sheet struct {
	page          *pagetext.Page
	width, height float64
	// boxes and baselines are those of the runs, turned upright; angle is the direction that was turned away.
	boxes     []pagetext.Rect
	baselines []float64
	angle     float64
	// pieces are those of upright text; turned are the runs that are not, blank those that show spaces alone.
	pieces        []*piece
	turned, blank []int
	// aside is turned text that stands for itself.
	aside     [][]int
	rows      []*row
	objects   []*block
	artifacts []Artifact
	blocks    []*block
	// taken are the images that are part of something already.
	taken   []bool
	bullets []bullet
	// effort counts what the search for tables has cost.
	effort int
}

const (
	// rowTolerance is how far baselines of one row may differ, in ems: fonts of different design are set on one line
	// with small shifts.
	rowTolerance = 0.17
	// pieceGap is the gap that parts pieces, in ems: spaces of justified lines stretch to about 0.8.
	pieceGap = 0.85
	// monoGap is the same in text of a fixed pitch, which is aligned by several spaces.
	monoGap = 2.5
	// scriptSize is how large superscripts and subscripts are at the most, by the text they belong to.
	scriptSize = 0.86
)

func newSheet(p *pagetext.Page) *sheet {
	s := &sheet{
		page: p, width: p.Width, height: p.Height, boxes: make([]pagetext.Rect, len(p.Runs)),
		baselines: make([]float64, len(p.Runs)), taken: make([]bool, len(p.Images)),
	}
	s.angle = mainAngle(p)
	if s.angle == 90 || s.angle == 270 {
		s.width, s.height = s.height, s.width
	}
	for i := range p.Runs {
		s.boxes[i] = s.upright(p.Runs[i].Box)
		const below = 0.22 / 0.97 // the share of a box that is below the baseline, see pagetext
		s.baselines[i] = s.boxes[i].Bottom + below*s.boxes[i].Height()
		if s.angle == 0 {
			s.baselines[i] = p.Runs[i].Baseline
		}
	}
	return s
}

// upright turns a rectangle of the page as its text is turned.
func (s *sheet) upright(r pagetext.Rect) pagetext.Rect {
	w, h := s.page.Width, s.page.Height
	switch s.angle {
	case 90:
		return pagetext.Rect{Left: r.Bottom, Right: r.Top, Bottom: w - r.Right, Top: w - r.Left}
	case 180:
		return pagetext.Rect{Left: w - r.Right, Right: w - r.Left, Bottom: h - r.Top, Top: h - r.Bottom}
	case 270:
		return pagetext.Rect{Left: h - r.Top, Right: h - r.Bottom, Bottom: r.Left, Top: r.Right}
	}
	return r
}

// mainAngle is the direction of writing that most of the text has, if it is along an axis.
func mainAngle(p *pagetext.Page) float64 {
	var count [4]int
	for i := range p.Runs {
		if r := &p.Runs[i]; !r.Hidden {
			if quarter := int(r.Angle / 90); float64(quarter)*90 == r.Angle && quarter < 4 {
				count[quarter] += len(r.Text)
			}
		}
	}
	best := 0
	for i := range count {
		if count[i] > count[best] {
			best = i
		}
	}
	return float64(best) * 90
}

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

// line is a row of runs while pieces are made.
type runRow struct {
	baseline, size float64
	runs           []int
}

// makePieces puts the runs of a page together.
func (s *sheet) makePieces(fields []Field) {
	p := s.page
	var upright []int
	for i := range p.Runs {
		r := &p.Runs[i]
		switch {
		case r.Hidden:
			s.artifacts = append(s.artifacts, Artifact{Content: Content{Page: p.Number, Runs: []int{i}}})
		case strings.TrimFunc(r.Text, unicode.IsSpace) == "" && (r.Text != "" || s.boxes[i].Width() <= 0):
			s.blank = append(s.blank, i)
		case r.Angle != s.angle:
			s.turned = append(s.turned, i)
		default:
			upright = append(upright, i)
		}
	}
	slices.SortStableFunc(upright, func(a, b int) int { return cmp.Compare(s.baselines[b], s.baselines[a]) })
	rows := s.runRows(upright)
	rows = s.attachScripts(rows)
	for _, r := range rows {
		s.splitRow(r)
	}
	for i := range fields {
		area := s.upright(fields[i].Area)
		s.pieces = append(s.pieces, &piece{
			box: area, baseline: area.Bottom + 0.2*min(area.Height(), 12), size: min(area.Height(), 12), field: &fields[i],
			order: len(p.Runs),
		})
	}
}

func (s *sheet) runRows(sorted []int) []*runRow {
	var rows []*runRow
	for _, i := range sorted {
		size := s.page.Runs[i].Size
		if n := len(rows); n > 0 {
			last := rows[n-1]
			if last.baseline-s.baselines[i] <= rowTolerance*min(last.size, size) {
				last.runs = append(last.runs, i)
				continue
			}
		}
		rows = append(rows, &runRow{baseline: s.baselines[i], size: size, runs: []int{i}})
	}
	for _, r := range rows {
		slices.SortStableFunc(r.runs, func(a, b int) int { return cmp.Compare(s.boxes[a].Left, s.boxes[b].Left) })
		r.size = 0
		for _, i := range r.runs {
			r.size = max(r.size, s.page.Runs[i].Size)
		}
	}
	return rows
}

// attachScripts moves superscripts and subscripts into the rows they belong to.
func (s *sheet) attachScripts(rows []*runRow) []*runRow {
	const near = 4 // rows above and below that are looked at
	for i, r := range rows {
		keep := r.runs[:0]
		for _, run := range r.runs {
			moved := false
			for j := max(0, i-near); j <= min(len(rows)-1, i+near) && !moved; j++ {
				moved = j != i && s.attach(run, rows[j])
			}
			if !moved {
				keep = append(keep, run)
			}
		}
		r.runs = keep
	}
	return slices.DeleteFunc(rows, func(r *runRow) bool { return len(r.runs) == 0 })
}

// attach puts a run into a row if it is a script of one of its runs.
func (s *sheet) attach(run int, r *runRow) bool {
	small, box := s.page.Runs[run].Size, s.boxes[run]
	rise := s.baselines[run] - r.baseline
	if s.sunkBetween(run, r, rise) {
		return true
	}
	if small > scriptSize*r.size || rise > 0.75*r.size || rise < -0.45*r.size {
		return false
	}
	at, _ := slices.BinarySearchFunc(r.runs, box.Left, func(i int, x float64) int { return cmp.Compare(s.boxes[i].Left, x) })
	const (
		beside  = 0.3 // ems between a script and its base
		noteGap = 1.2 // ems between the mark of a note and its text
	)
	for _, j := range [...]int{at - 1, at} {
		if j < 0 || j >= len(r.runs) {
			continue
		}
		host := r.runs[j]
		size := s.page.Runs[host].Size
		if small > scriptSize*size {
			continue
		}
		gap := max(box.Left-s.boxes[host].Right, s.boxes[host].Left-box.Right)
		if gap < beside*size || at == 0 && j == 0 && gap < noteGap*size {
			r.runs = slices.Insert(r.runs, at, run)
			return true
		}
	}
	return false
}

// sunkBetween puts a run into a row that it stands in the middle of, as the E of TeX does.
func (s *sheet) sunkBetween(run int, r *runRow, rise float64) bool {
	size, box := s.page.Runs[run].Size, s.boxes[run]
	const far, beside = 0.4, 0.12 // ems from the row, and between the run and its neighbours
	if rise > far*size || rise < -far*size || size > 1.1*r.size || size < 0.9*r.size {
		return false
	}
	at, _ := slices.BinarySearchFunc(r.runs, box.Left, func(i int, x float64) int { return cmp.Compare(s.boxes[i].Left, x) })
	if at == 0 || at == len(r.runs) {
		return false
	}
	before, after := box.Left-s.boxes[r.runs[at-1]].Right, s.boxes[r.runs[at]].Left-box.Right
	if before > beside*size || after > beside*size || before < -box.Width() || after < -box.Width() {
		return false
	}
	r.runs = slices.Insert(r.runs, at, run)
	return true
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
	gap := s.boxes[b].Left - s.boxes[a].Right
	ra, rb := &s.page.Runs[a], &s.page.Runs[b]
	limit := pieceGap
	if ra.Mono && rb.Mono {
		limit = monoGap
	}
	return gap > limit*max(ra.Size, rb.Size)
}

func (s *sheet) newPiece(runs []int) *piece {
	p := &piece{runs: runs, order: runs[0], box: s.boxes[runs[0]]}
	var bold, italic, mono, all, weight int
	sizes := map[float64]int{}
	for _, i := range runs {
		r := &s.page.Runs[i]
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
			p.baseline = s.baselines[i]
		}
		p.order = min(p.order, i)
		p.box = p.box.Union(s.boxes[i])
	}
	if p.size == 0 {
		p.size, p.baseline = s.page.Runs[runs[0]].Size, s.baselines[runs[0]]
	}
	const most = 0.85 // of the letters give a piece its style
	p.style.bold = float64(bold) >= most*float64(all)
	p.style.italic = float64(italic) >= most*float64(all)
	p.style.mono = float64(mono) >= most*float64(all)
	p.text = s.runText(runs)
	if !p.style.mono {
		p.text = singleSpaces(p.text)
	}
	for _, i := range runs {
		p.starts = append(p.starts, s.boxes[i].Left)
		p.lengths = append(p.lengths, utf8.RuneCountInString(strings.ReplaceAll(Plain(s.page.Runs[i].Text), " ", "")))
	}
	return p
}

// boundary tells how many runs make up a token at the start of the piece, and where the next one starts; false if the
// token ends within a run.
func (p *piece) boundary(token string) (int, float64, bool) {
	want := utf8.RuneCountInString(token)
	for i, n := range p.lengths {
		if want == 0 && n > 0 {
			return i, p.starts[i], true
		}
		if want -= n; want < 0 {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// runText joins runs of one row.
func (s *sheet) runText(runs []int) string {
	if len(runs) == 1 {
		return strings.TrimSpace(Plain(s.page.Runs[runs[0]].Text))
	}
	var b strings.Builder
	for k, i := range runs {
		r := &s.page.Runs[i]
		if k > 0 {
			before := &s.page.Runs[runs[k-1]]
			gap := s.boxes[i].Left - s.boxes[runs[k-1]].Right
			if gap > spaceGap*min(r.Size, before.Size) && !endsInSpace(b.String()) && !strings.HasPrefix(r.Text, " ") {
				b.WriteByte(' ')
			}
		}
		b.WriteString(Plain(r.Text))
	}
	return strings.TrimSpace(b.String())
}
