package documents

import (
	"errors"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfhtml"
	"github.com/perfectworks/backend/adapters/documents/structure"
	"github.com/perfectworks/backend/adapters/documents/typeset"
)

// usableTags is the share of a document's text from which on its tags are followed; with less, its structure is found
// from its look.
const usableTags = 0.5

// pdfToHTML makes HTML of a PDF, from its tags if it has any of use.
func (j *job) pdfToHTML() (*Outcome, error) {
	f, err := pdf.OpenWith(j.data, j.Limits.pdf(), j.answers.Password)
	if err != nil {
		return nil, pdfProblem(err)
	}
	before, err := analyzeOpenPDF(f, j.Limits, j.Now, j.phase(0))
	if err != nil {
		return nil, err
	}
	pages, err := f.Pages(j.Limits.Pages)
	if err != nil {
		return nil, pdfProblem(err)
	}
	shown, err := pagetext.Read(f, pages, pagetext.Limits{Operations: j.Limits.Operations})
	if err != nil {
		return nil, pdfProblem(err)
	}
	outcome := &Outcome{Before: before}
	tree, err := structure.Read(f, shown, structure.ReadLimits{Pages: j.Limits.Pages})
	if err != nil && !errors.Is(err, structure.ErrUntagged) {
		return nil, pdfProblem(err)
	}
	if err != nil || structure.Coverage(tree, shown) < usableTags {
		tree = structure.Infer(shown, structure.ReadHints(f, pages))
		outcome.Manual = append(outcome.Manual, Task{
			Rule: "09-003", Title: "The structure was found from what the pages look like: does it say what can be seen?",
		})
	}
	converted, err := pdfhtml.Convert(f, tree, shown, pdfhtml.Options{})
	if err != nil {
		return nil, pdfProblem(err)
	}
	outcome.Warnings = converted.Warnings
	for _, flag := range converted.Manual {
		outcome.addTask(flag.Rule, htmlTitle(flag.Rule), flag.Detail, flag.Page)
	}
	if outcome.Report, err = analyzeHTML(converted.HTML, j.Now); err != nil {
		return nil, err
	}
	return outcome, j.deliver(converted.HTML)
}

// htmlToPDF typesets an HTML document.
func (j *job) htmlToPDF() (*Outcome, error) {
	p, err := j.prepare()
	if err != nil {
		return nil, err
	}
	out := &bounded{limit: j.Limits.OutputBytes}
	set, err := typeset.Convert(p.html, out, typeset.Options{
		Producer: "PerfectWorks", Now: j.Now, Progress: j.phase(0),
		Limits: typeset.Limits{SourceBytes: 2*MaxHTMLBytes + p.inlined, Pages: j.Limits.Pages},
	})
	if err != nil {
		return nil, j.typesetProblem(err)
	}
	outcome := p.outcome
	outcome.Warnings = append(outcome.Warnings, set.Warnings...)
	for _, title := range set.Manual {
		outcome.Manual = append(outcome.Manual, Task{Title: title})
	}
	if outcome.Report, err = analyzePDF(out.Bytes(), "", j.Limits, j.Now, j.phase(1)); err != nil {
		return nil, err
	}
	return outcome, j.deliver(out.Bytes())
}

// typesetProblem says in a sentence why a document cannot be typeset.
func (j *job) typesetProblem(err error) error {
	var glyph *typeset.MissingGlyphError
	var over *typeset.LimitError
	switch {
	case errors.Is(err, errTooLong):
		return j.tooLong()
	case errors.Is(err, typeset.ErrTooDeep):
		return tooDeep()
	case errors.As(err, &over):
		return problem(TooLarge, "The HTML is too large: more than %d %s.", over.Limit, over.What)
	case errors.As(err, &glyph):
		return problem(Unsupported, "%s", glyph.Error())
	}
	return err
}
