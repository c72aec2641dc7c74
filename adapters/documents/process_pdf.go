package documents

import (
	"bytes"
	"errors"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// processPDF makes a PDF accessible.
func (j *job) processPDF() (*Outcome, error) {
	before := make(chan analysis, 1)
	go func() { before <- j.analyzeApart() }()
	f, err := pdf.OpenWith(j.data, j.Limits.pdf(), j.answers.Password)
	if err != nil {
		return nil, pdfProblem(err)
	}
	var result written
	options := tagging.Options{
		Limits: j.Limits.pdfua(), Recognized: j.answers.Words, DropSignatures: j.DropSignatures,
		Check: func(f *pdf.File) (*pdf.File, *pdfua.Result, error) {
			var err error
			result, err = j.writeAndCheck(f)
			return result.file, result.checked, err
		},
	}
	if len(j.answers.Alternatives) > 0 {
		options.Describe = func(figure tagging.Figure) string { return j.answers.Alternatives[figure.Key] }
	}
	tagged, err := tagging.Process(f, options, j.phase(0))
	switch {
	case errors.Is(err, tagging.ErrSigned):
		return nil, problem(Protected, "The PDF is signed, and an accessible version of it would not be.")
	case errors.Is(err, tagging.ErrRestricted):
		return nil, problem(Protected, "The PDF is protected: its owner does not permit changes to it.")
	case err != nil:
		return nil, pdfProblem(err)
	}
	if len(tagged.Failures) > 0 { // the claim to conform was taken back after the check
		if result, err = j.writeAndCheck(tagged.File); err != nil {
			return nil, pdfProblem(err)
		}
	}
	was := <-before
	if was.err != nil {
		return nil, was.err
	}
	outcome := &Outcome{Before: was.report, Warnings: tagged.Warnings, Scans: tagged.Scans, Undescribed: tagged.Undescribed}
	if outcome.Report, err = reportPDF(result.checked, j.Now); err != nil {
		return nil, err
	}
	if !tagged.WasTagged {
		outcome.Manual = append(outcome.Manual, Task{
			Rule: "09-003", Title: "The structure was found from what the pages look like: does it say what can be seen?",
		})
	}
	for _, r := range tagged.Fixed {
		if _, ok := pdfua.RuleByID(r.Rule); ok && was.report.PDFUA1.Conforms {
			continue // what was put in order there was no fault
		}
		outcome.addRepair(r.Rule, pdfTitle(r.Rule), r.Detail, r.Count)
	}
	for _, f := range tagged.Manual {
		outcome.addTask(f.Rule, pdfTitle(f.Rule), f.Detail, f.Page)
	}
	return outcome, j.deliver(result.data)
}

// analysis is a report, or why there is none.
type analysis struct {
	report *Report
	err    error
}

// analyzeApart reports on the document as it is, beside other work on it: it reads the file for itself.
func (j *job) analyzeApart() analysis {
	report, err := analyzePDF(j.data, j.answers.Password, j.Limits, j.Now, nil)
	return analysis{report, err}
}

// written is a file with what was found when it was read again.
type written struct {
	data    []byte
	file    *pdf.File
	checked *pdfua.Result
}

// writeAndCheck writes a file, and checks what was written rather than what was meant.
func (j *job) writeAndCheck(f *pdf.File) (written, error) {
	out := &bounded{limit: j.Limits.OutputBytes}
	err := f.Write(out)
	if errors.Is(err, errTooLong) {
		return written{}, j.tooLong()
	}
	if err != nil {
		return written{}, err
	}
	brotli := f.Brotli
	data := bytes.Clone(out.Bytes()) // the buffer may be twice as long
	out.Buffer = bytes.Buffer{}
	again, err := pdf.Open(data, j.Limits.pdf())
	if err != nil {
		return written{}, err
	}
	checked, err := pdfua.Check(again, j.Limits.pdfua(), j.phase(1))
	again.Brotli = brotli // what goes on with this file is to know what was met before
	return written{data: data, file: again, checked: checked}, err
}

// wantedPDF lists the scanned pages and the figures without alternative texts.
func (j *job) wantedPDF() (*tagging.Wanted, error) {
	f, err := pdf.OpenWith(j.data, j.Limits.pdf(), j.answers.Password)
	if err != nil {
		return nil, pdfProblem(err)
	}
	wanted, err := tagging.Needs(f, j.Limits.pdfua())
	if err != nil {
		return nil, pdfProblem(err)
	}
	return wanted, nil
}

func (j *job) wanted() (*tagging.Wanted, error) {
	if j.Format == HTML {
		return j.wantedHTML()
	}
	return j.wantedPDF()
}

// pdfTitle says what a rule or a best practice asks for; "" if it is a condition for people.
func pdfTitle(id string) string {
	if rule, ok := pdfua.RuleByID(id); ok {
		return rule.Title
	}
	return practiceTitles[id]
}
