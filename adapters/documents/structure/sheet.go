package structure

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// sheet is one page with what was found on it so far.
type sheet struct {
	page          *pagetext.Page
	width, height float64
	// boxes and baselines are those of the runs, turned upright; nil if they are as the page has them. angle is the
	// direction that was turned away.
	boxes     []pagetext.Rect
	baselines []float64
	angle     float64
	// mirrored tells that the page is read from right to left: left and right are exchanged, so that what is read first is
	// on the left, as on other pages.
	mirrored bool
	// sequence numbers the upright runs that show something in the order of painting.
	sequence []int
	// pieces are those of upright text; turned are the runs that are not, blank those that show spaces alone.
	pieces        []*piece
	turned, blank []int
	// initials are the large letters that were put into the first line beside them.
	initials map[int]bool
	// aside is turned text that stands for itself.
	aside     [][]int
	rows      []*row
	objects   []*block
	artifacts []Artifact
	blocks    []*block
	bullets   []bullet
	// effort counts what the search for tables has cost.
	effort int
}

func newSheet(p *pagetext.Page) *sheet {
	s := &sheet{page: p, width: p.Width, height: p.Height}
	s.angle = mainAngle(p)
	if s.angle == 90 || s.angle == 270 {
		s.width, s.height = s.height, s.width
	}
	s.mirrored = isRightToLeft(p, s.angle)
	if s.angle != 0 || s.mirrored {
		s.place()
	}
	return s
}

// place makes boxes and baselines that may be changed.
func (s *sheet) place() {
	if s.boxes != nil {
		return
	}
	s.boxes, s.baselines = make([]pagetext.Rect, len(s.page.Runs())), make([]float64, len(s.page.Runs()))
	for i := range s.page.Runs() {
		s.boxes[i] = s.upright(s.page.Runs()[i].Box)
		const below = 0.22 / 0.97 // the share of a box that is below the baseline, see pagetext
		s.baselines[i] = s.boxes[i].Bottom + below*s.boxes[i].Height()
		if s.angle == 0 {
			s.baselines[i] = s.page.Runs()[i].Baseline
		}
	}
}

// box is that of a run, baseline its baseline.
func (s *sheet) box(run int) pagetext.Rect {
	if s.boxes == nil {
		return s.page.Runs()[run].Box
	}
	return s.boxes[run]
}

func (s *sheet) baseline(run int) float64 {
	if s.baselines == nil {
		return s.page.Runs()[run].Baseline
	}
	return s.baselines[run]
}

// upright turns a rectangle of the page as its text is turned, and mirrors it if the page is.
func (s *sheet) upright(r pagetext.Rect) pagetext.Rect {
	r = s.turn(r)
	if s.mirrored {
		r.Left, r.Right = s.width-r.Right, s.width-r.Left
	}
	return r
}

func (s *sheet) turn(r pagetext.Rect) pagetext.Rect {
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
	for i := range p.Runs() {
		if r := &p.Runs()[i]; !r.Hidden {
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
