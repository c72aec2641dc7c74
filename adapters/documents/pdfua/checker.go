// Package pdfua checks a PDF against the machine-checkable conditions of PDF/UA-1 (ISO 14289-1).
//
// Rules carry the identifiers of the veraPDF profile for PDF/UA-1 ("7.1-8" is test 8 of clause 7.1), so that results
// can be compared with that validator rule by rule; where the standard leaves a condition open, the reading of that
// validator is followed.
package pdfua

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Limits bound one check. Zero means the default.
type Limits struct {
	// Pages is how many pages a document may have.
	Pages int
	// Operations is how many content operations are looked at in all, with those of forms each time they are painted.
	Operations int
	// Depth is how deep structure elements and forms may nest.
	Depth int
	// Elements is how many structure elements a document may have.
	Elements int
	// Places is how many places are kept for one rule; all are counted.
	Places int
}

func (l Limits) withDefaults() Limits {
	for v, standard := range map[*int]int{
		&l.Pages: 20_000, &l.Operations: 50_000_000, &l.Depth: 200, &l.Elements: 2_000_000, &l.Places: 100,
	} {
		if *v == 0 {
			*v = standard
		}
	}
	return l
}

// Place is where a rule fails.
type Place struct {
	// Page counts from 1; 0 is the document as a whole.
	Page int
	// Detail says what is concerned, such as a font's name; it may be empty.
	Detail string
}

// Failure is a rule that a document breaks.
type Failure struct {
	Rule   string
	Count  int
	Places []Place
}

// Result is what a check found.
type Result struct {
	Pages    int
	Failures []Failure
	// Facts are what best practices and manual conditions are judged by.
	Facts Facts
}

// Facts are observations that are no failures of PDF/UA-1.
type Facts struct {
	Tagged, Encrypted, Repaired                 bool
	Title, Language                             string
	Outlines, Figures, Tables, Headings, Lists  int
	Links, Fields, Notes, Formulas, Annotations int
	PaintedImages, Scripts, Media               int
	// Brotli tells of streams that programs for PDF 1.7 cannot read.
	Brotli bool
	// Placeholders are the pages with alternative texts that say nothing, such as a file name.
	Placeholders []Place
	// TextPages is the number of pages that show text.
	TextPages int
	// Reach tells which text no tag reaches.
	Reach Reach
}

// Conforms tells whether no rule failed.
func (r *Result) Conforms() bool { return len(r.Failures) == 0 }

// Check looks at a whole file. Progress, if not nil, is called after each page. Errors are a [*pdf.LimitError] or
// [pdf.ErrDamaged]; what was found up to a limit is not given, since it would say too little.
func Check(f *pdf.File, limits Limits, progress func(done, total int)) (*Result, error) {
	limits = limits.withDefaults()
	pages, err := f.Pages(limits.Pages)
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("the PDF has no pages: %w", pdf.ErrDamaged)
	}
	c := &checker{
		file: f, limits: limits, failures: map[string]*Failure{}, forms: map[pdf.Ref]int{},
		fonts: map[fontKey]*fontFacts{}, patterns: map[pdf.Ref]bool{}, pageOf: map[pdf.Ref]int{},
		untagged: map[int]bool{},
	}
	for i, p := range pages {
		c.pageOf[p.Ref] = i + 1
	}
	c.catalog = f.Catalog()
	_, c.catalogLanguage = f.String(c.catalog["Lang"])
	c.openTree()
	c.document()
	c.metadata()
	c.structure()
	for i, p := range pages {
		c.page = i + 1
		c.checkPage(p)
		if c.over != nil {
			return nil, c.over
		}
		if progress != nil {
			progress(i+1, len(pages))
		}
	}
	if len(c.untagged) > 0 {
		if err := c.reach(pages); err != nil {
			return nil, err
		}
	}
	if err := f.Limit(); err != nil {
		var over *pdf.LimitError
		if errors.As(err, &over) {
			return nil, err
		}
	}
	c.facts.Brotli = f.Brotli
	result := &Result{Pages: len(pages), Facts: c.facts}
	for _, id := range slices.SortedFunc(maps.Keys(c.failures), compareIDs) {
		result.Failures = append(result.Failures, *c.failures[id])
	}
	return result, nil
}

type checker struct {
	file            *pdf.File
	limits          Limits
	catalog         pdf.Dict
	catalogLanguage bool
	failures        map[string]*Failure
	facts           Facts
	page            int
	pageOf          map[pdf.Ref]int
	over            error

	tree     *tree
	forms    map[pdf.Ref]int
	fonts    map[fontKey]*fontFacts
	patterns map[pdf.Ref]bool
	spent    int
	texts    bool
	// untagged are the pages with text in no tag.
	untagged map[int]bool
}

// require records a failure of a rule on the current page unless ok.
func (c *checker) require(ok bool, rule, detail string) {
	if !ok {
		c.fail(rule, c.page, detail)
	}
}

func (c *checker) fail(rule string, page int, detail string) {
	f := c.failures[rule]
	if f == nil {
		f = &Failure{Rule: rule}
		c.failures[rule] = f
	}
	place := Place{Page: page, Detail: detail}
	f.Count++
	if len(f.Places) < c.limits.Places && !slices.Contains(f.Places, place) {
		f.Places = append(f.Places, place)
	}
}

func (c *checker) exceed(what string, limit int) {
	if c.over == nil {
		c.over = &pdf.LimitError{What: what, Limit: int64(limit)}
	}
}

// text gives a text string, and whether there is one.
func (c *checker) text(o pdf.Object) (string, bool) {
	s, ok := c.file.String(o)
	if !ok {
		return "", false
	}
	return s.Text(), true
}

// filled tells whether o is a text string that is not empty.
func (c *checker) filled(o pdf.Object) bool {
	text, ok := c.text(o)
	return ok && text != ""
}
