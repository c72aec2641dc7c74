package main

import (
	"cmp"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
)

// figure is one measured value of one half of a set.
type figure struct {
	What string          `json:"what"`
	Unit string          `json:"unit,omitempty"`
	Set  string          `json:"set"`
	Half corpustest.Half `json:"half"`
	// Value is in Unit; Aim is what it should reach, or stay below if Below says so.
	Value float64 `json:"value"`
	Aim   float64 `json:"aim,omitempty"`
	Below bool    `json:"below,omitempty"`
	Met   bool    `json:"met"`
}

// aims are the least F1 of each role.
var aims = map[corpustest.Role]float64{
	corpustest.Headings: aimF1, corpustest.HeadingLevels: aimF1, corpustest.Paragraphs: aimF1, corpustest.ListItems: aimF1,
	corpustest.Cells: aimF1, corpustest.HeaderCells: aimF1, corpustest.Rows: aimF1, corpustest.Links: aimF1,
	corpustest.Figures: aimF1, corpustest.Captions: aimF1,
}

const (
	aimF1          = 0.95
	aimPass        = 98
	aimMemory      = 300
	aimIdentical   = 100
	aimTextNoWorse = 100
	aimReached     = 100
)

// figures sums up one half of a set.
func figures(set string, half corpustest.Half, subjects []*subject) []figure {
	f := tally{set: set, half: half}
	f.add("files", "", float64(len(subjects)), 0)
	pages, failed := 0, 0
	for _, s := range subjects {
		pages += s.Pages
		if s.result == "" {
			failed++
		}
	}
	f.add("pages", "", float64(pages), 0)
	f.add("without a result", "", float64(failed), 0)
	f.speed("analyse", subjects, func(s *subject) *measured { return s.Analyzed })
	f.speed("make", subjects, func(s *subject) *measured { return s.Made })
	f.share("PASS by veraPDF", aimPass, subjects, func(s *subject) (part, whole int) {
		return truth(s.Verdict != nil && s.Verdict.Pass), truth(s.Verdict != nil || s.result == "")
	}, func(s *subject) bool { return s.Verdict != nil })
	f.reach(subjects)
	f.pixels(subjects)
	f.share("text not worse", aimTextNoWorse, subjects, func(s *subject) (part, whole int) {
		return truth(s.Words != nil && s.Words.Lost == 0), truth(s.Words != nil)
	}, func(s *subject) bool { return s.Words != nil })
	f.scores(subjects)
	return f.figures
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tally gathers figures.
type tally struct {
	set     string
	half    corpustest.Half
	figures []figure
}

func (t *tally) add(what, unit string, value, aim float64) {
	t.figures = append(t.figures, figure{
		What: what, Unit: unit, Set: t.set, Half: t.half, Value: value, Aim: aim, Met: aim == 0 || value >= aim,
	})
}

func (t *tally) addBelow(what, unit string, value, aim float64) {
	t.figures = append(t.figures, figure{
		What: what, Unit: unit, Set: t.set, Half: t.half, Value: value, Aim: aim, Below: true, Met: aim == 0 || value <= aim,
	})
}

// pace is how long a page of a file took.
type pace struct {
	milliseconds float64
	pages        int
}

// medianPage is the time that half of all pages take at most; files are sorted by theirs.
func medianPage(sorted []pace, pages int) float64 {
	for seen, i := 0, 0; i < len(sorted); i++ {
		if seen += sorted[i].pages; 2*seen >= pages {
			return sorted[i].milliseconds
		}
	}
	return 0
}

// speed adds what time and memory an operation took. The time of a file's page counts the start of the child process,
// which weighs most on short files; that of all pages shows what pages cost in longer ones.
func (t *tally) speed(what string, subjects []*subject, of func(*subject) *measured) {
	var perPage []pace
	seconds, pages, peak := 0.0, 0, int64(0)
	for _, s := range subjects {
		m := of(s)
		if m == nil || m.Problem != "" {
			continue
		}
		perPage = append(perPage, pace{1000 * m.Seconds / float64(s.Pages), s.Pages})
		seconds += m.Seconds
		pages += s.Pages
		peak = max(peak, m.Peak)
	}
	if len(perPage) == 0 {
		return
	}
	slices.SortFunc(perPage, func(a, b pace) int { return cmp.Compare(a.milliseconds, b.milliseconds) })
	t.add(what+": pages a second", "", float64(pages)/seconds, 0)
	memory := 0.0
	if what == "make" {
		memory = aimMemory
	}
	t.addBelow(what+": median time a page", "ms", perPage[len(perPage)/2].milliseconds, 0)
	t.addBelow(what+": median of all pages", "ms", medianPage(perPage, pages), 0)
	if what == "make" {
		for _, l := range lengths {
			t.addLength(l, perPage)
		}
	}
	t.addBelow(what+": peak memory", "MiB", float64(peak)/(1<<20), memory)
}

// length is a class of documents by their pages, from least to most of them, and the milliseconds that a page of such
// a document may take.
type length struct {
	name        string
	least, most int
	aim         float64
}

var lengths = []length{{"1 page", 1, 1, 25}, {"10 to 20 pages", 10, 20, 5}, {"50 pages and more", 50, 1 << 30, 3}}

// addLength adds the time of a page in documents of one length, given the paces of all documents, sorted.
func (t *tally) addLength(l length, perPage []pace) {
	var own []pace
	for _, p := range perPage {
		if p.pages >= l.least && p.pages <= l.most {
			own = append(own, p)
		}
	}
	if len(own) > 0 {
		t.addBelow("make: median time a page, "+l.name, "ms", own[len(own)/2].milliseconds, l.aim)
	}
}

// share adds a percentage, if any subject was looked at in this way.
func (t *tally) share(
	what string, aim float64, subjects []*subject, count func(*subject) (part, whole int), looked func(*subject) bool,
) {
	if !slices.ContainsFunc(subjects, looked) {
		return
	}
	part, whole := 0, 0
	for _, s := range subjects {
		p, w := count(s)
		part += p
		whole += w
	}
	t.add(what, "%", 100*float64(part)/float64(max(1, whole)), aim)
}

// reach adds how many words of results no tag reaches, those of true headers and footers not counted.
func (t *tally) reach(subjects []*subject) {
	counts := func(s *subject) bool { return s.Verdict != nil && s.Made != nil && s.Made.Problem == "" }
	hidden := 0
	for _, s := range subjects {
		if counts(s) {
			hidden += s.Made.Hidden
		}
	}
	t.share("files without words in no tag", aimReached, subjects, func(s *subject) (part, whole int) {
		return truth(counts(s) && s.Made.Hidden == 0), truth(counts(s))
	}, counts)
	if slices.ContainsFunc(subjects, counts) {
		t.add("words in no tag", "", float64(hidden), 0)
	}
}

// pixels adds the shares of pages that look the same.
func (t *tally) pixels(subjects []*subject) {
	looked := func(s *subject) bool { return s.Pixels != nil }
	of := func(count func(*pixels) int) func(*subject) (part, whole int) {
		return func(s *subject) (part, whole int) {
			if s.Pixels == nil {
				return 0, 0
			}
			return count(s.Pixels), s.Pixels.Pages
		}
	}
	t.share("pages identical, poppler", 0, subjects, of(func(p *pixels) int { return p.Poppler }), looked)
	t.share("pages identical, PDFium", 0, subjects, of(func(p *pixels) int { return p.PDFium }), looked)
	t.share("pages identical, or a font embedded", aimIdentical, subjects,
		of(func(p *pixels) int { return p.Both + p.Explained }), looked)
}

// scores adds F1 by role over all documents.
func (t *tally) scores(subjects []*subject) {
	total := roleScores{}
	for _, s := range subjects {
		switch {
		case s.Scores != nil:
			total.add(s.Scores)
		case s.truth != nil: // without a result nothing is found
			total.add(corpustest.Compare(s.truth, nil))
		}
	}
	if len(total) == 0 {
		return
	}
	for _, role := range corpustest.Roles {
		t.add("F1 of "+string(role), "", total[role].F1(), aims[role])
	}
}
