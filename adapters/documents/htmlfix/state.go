package htmlfix

import (
	"bytes"
	"cmp"
	"slices"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// page is one state of the document.
type page struct {
	*htmlcheck.Document
	result *htmlcheck.Result
	counts map[string]int

	extents map[int]extent
}

func newPage(source []byte) (*page, error) {
	d, err := htmlcheck.Parse(source)
	if err != nil {
		return nil, err
	}
	p := &page{Document: d, result: d.Check(), counts: map[string]int{}}
	for _, f := range p.result.Findings {
		p.counts[f.Rule]++
	}
	return p, nil
}

// extent returns the place of an element, if it is known.
func (p *page) extent(n *html.Node) (extent, bool) {
	start, ok := p.Offset(n)
	if !ok {
		return extent{}, false
	}
	if p.extents == nil {
		p.extents = map[int]extent{}
		if found, err := extents(p.Source, p.Tokens); err == nil { // else it nests too deeply, and has no places
			p.extents = found
		}
	}
	e, ok := p.extents[start]
	return e, ok
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// state is how far the repair of a document has come.
type state struct {
	options  Options
	original *htmlcheck.Document
	page     *page
	// steps lead from the original to the page.
	steps   []applied
	fixed   []Repair
	reviews []Flag
	// described are the answers of options.Describe by the source of the image.
	described map[string]string
	// byteOrderMark is set if the original begins with one, and so says its encoding.
	byteOrderMark bool
}

func newState(source []byte, options Options) (*state, error) {
	p, err := newPage(source)
	if err != nil {
		return nil, err
	}
	return &state{
		options: options, original: p.Document, page: p, described: map[string]string{},
		byteOrderMark: bytes.HasPrefix(source, byteOrderMark),
	}, nil
}

// originalOffset tells where something in the page stood in the original; what was inserted stands where it was
// inserted.
func (s *state) originalOffset(offset int) int {
	for _, step := range slices.Backward(s.steps) {
		offset, _ = step.before(offset)
	}
	return offset
}

// maxTries bounds how often a stage is parsed and checked to find the repairs that do harm: as often as goes with tryBytes
// of source, but some tries are always left.
const (
	minTries, maxTries = 4, 24
	tryBytes           = 24 << 20
)

// accept makes the repairs that do no harm, and reports whether there was one. All are tried at once; if that fails, halves
// are tried on top of what was accepted before, and so on: first the repairs of each rule together, since those that do
// harm often do so for the same reason, then single ones.
func (s *state) accept(repairs []*repair) bool {
	if len(repairs) == 0 {
		return false
	}
	t := &trial{base: s.page, tries: min(max(tryBytes/(len(s.page.Source)+1), minTries), maxTries)}
	rules := map[string]int{}
	for _, r := range repairs {
		if _, known := rules[r.rule]; !known {
			rules[r.rule] = len(rules)
		}
	}
	slices.SortStableFunc(repairs, func(a, b *repair) int { return cmp.Compare(rules[a.rule], rules[b.rule]) })
	var groups [][]*repair
	for i, r := range repairs {
		if i == 0 || repairs[i-1].rule != r.rule {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], r)
	}
	for queue := t.solve(groups); len(queue) > 0; queue = queue[1:] {
		half := len(queue[0]) / 2
		queue = append(queue, t.solve([][]*repair{queue[0][:half]})...)
		queue = append(queue, t.solve([][]*repair{queue[0][half:]})...)
	}
	if t.best == nil {
		return false
	}
	s.take(t.best, t.step, t.good)
	return true
}

// trial looks for the repairs that do no harm.
type trial struct {
	base  *page
	tries int
	good  []*repair
	// best is the page with the good repairs, nil as long as there are none.
	best *page
	step applied
}

// solve takes what it can of some groups, and returns those of more than one repair that failed as a whole.
func (t *trial) solve(groups [][]*repair) (failed [][]*repair) {
	all := append(slices.Clone(t.good), slices.Concat(groups...)...)
	if len(all) == len(t.good) || t.tries == 0 {
		return nil
	}
	t.tries--
	if p, step, ok := attempt(t.base, all); ok {
		t.good, t.best, t.step = all, p, step
		return nil
	}
	switch {
	case len(groups) > 1:
		failed = append(t.solve(groups[:len(groups)/2]), t.solve(groups[len(groups)/2:])...)
	case len(groups[0]) > 1:
		return groups
	}
	return failed
}

// take goes on from a page that repairs have led to.
func (s *state) take(next *page, step applied, good []*repair) {
	for _, r := range good {
		line, column := 1, 1
		if r.at >= 0 {
			line, column = s.original.Position(s.originalOffset(r.at))
		}
		s.fixed = append(s.fixed, Repair{Rule: r.rule, Line: line, Column: column, Detail: r.detail})
		if r.review != "" {
			s.reviews = append(s.reviews, Flag{Rule: r.rule, Line: line, Column: column, Detail: r.review})
		}
	}
	s.page, s.steps = next, append(s.steps, step)
}

// openBody takes aria-hidden from the body before all else. What it hid was not checked, so that rules which fail then
// are no harm done.
func (s *state) openBody() {
	p := newPlan(s)
	for _, f := range p.findings("aria-hidden-body") {
		r := p.start(f.Rule, f.Node, "aria-hidden removed from the page").remove(f.Node, "aria-hidden")
		if !p.add(r) {
			return
		}
		if opened, step, ok := edited(s.page, p.repairs); ok && opened.counts[f.Rule] == 0 {
			s.take(opened, step, p.repairs)
		}
	}
}

// edited makes repairs, and reports whether the elements and the text are those that were meant.
func edited(base *page, repairs []*repair) (*page, applied, bool) {
	var edits []edit
	for _, r := range repairs {
		edits = append(edits, r.edits...)
	}
	sortEdits(edits)
	if overlap(edits) {
		return nil, applied{}, false
	}
	step := apply(base.Source, edits)
	p, err := newPage(step.source)
	return p, step, err == nil && same(base, p, step)
}

// attempt makes repairs, and reports whether they do what they claim and no harm.
func attempt(base *page, repairs []*repair) (*page, applied, bool) {
	p, step, ok := edited(base, repairs)
	if !ok {
		return nil, applied{}, false
	}
	for rule, count := range p.counts {
		if count > base.counts[rule] {
			return nil, applied{}, false
		}
	}
	claimed := map[string]int{}
	for _, r := range repairs {
		claimed[r.rule]++
	}
	for rule, count := range claimed {
		if base.counts[rule]-p.counts[rule] < count && !slices.Contains(uncounted, rule) {
			return nil, applied{}, false
		}
	}
	if base.result.Outside-p.result.Outside < claimed["region"] {
		return nil, applied{}, false
	}
	return p, step, true
}

// uncounted are rules of which a repair need not end a finding: they have one finding for a whole page, or none where
// the original file declared something else.
var uncounted = []string{"region", "bypass", "charset"}
