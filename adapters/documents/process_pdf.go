package documents

import (
	"errors"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// The passes over the pages of a PDF that is processed: two to report on it before and after, one to tag it.
const processPasses = 3

// processPDF makes a PDF accessible.
func (j *job) processPDF() (*Outcome, error) {
	f, err := pdf.Open(j.data, j.Limits.pdf())
	if err != nil {
		return nil, pdfProblem(err)
	}
	before, err := analyzeOpenPDF(f, j.Limits, j.Now, j.phase(0, processPasses))
	if err != nil {
		return nil, err
	}
	options := tagging.Options{
		Limits: j.Limits.pdfua(), Recognized: j.answers.Words, DropSignatures: j.DropSignatures,
	}
	if len(j.answers.Alternatives) > 0 {
		options.Describe = func(figure tagging.Figure) string { return j.answers.Alternatives[figure.Key] }
	}
	tagged, err := tagging.Process(f, options, j.phase(1, processPasses))
	switch {
	case errors.Is(err, tagging.ErrSigned):
		return nil, problem(Protected, "The PDF is signed, and an accessible version of it would not be.")
	case errors.Is(err, tagging.ErrRestricted):
		return nil, problem(Protected, "The PDF is protected: its owner does not permit changes to it.")
	case err != nil:
		return nil, pdfProblem(err)
	}
	outcome := &Outcome{Before: before, Warnings: tagged.Warnings, Scans: tagged.Scans, Undescribed: tagged.Undescribed}
	result, err := j.writePDF(f)
	if err != nil {
		return nil, err
	}
	if outcome.Report, err = analyzePDF(result, j.Limits, j.Now, j.phase(2, processPasses)); err != nil {
		return nil, err
	}
	if !tagged.WasTagged {
		outcome.Manual = append(outcome.Manual, Task{
			Rule: "09-003", Title: "The structure was found from what the pages look like: does it say what can be seen?",
		})
	}
	for _, r := range tagged.Fixed {
		outcome.addRepair(r.Rule, pdfTitle(r.Rule), r.Detail, r.Count)
	}
	for _, f := range tagged.Manual {
		task := Task{Rule: f.Rule, Title: sentence(pdfTitle(f.Rule), f.Detail)}
		if f.Page > 0 {
			task.Location = &Location{PageNumber: f.Page}
		}
		outcome.Manual = append(outcome.Manual, task)
	}
	return outcome, j.deliver(result)
}

// writePDF gives the bytes of a file.
func (j *job) writePDF(f *pdf.File) ([]byte, error) {
	out := &bounded{limit: j.Limits.OutputBytes}
	err := f.Write(out)
	if errors.Is(err, errTooLong) {
		return nil, j.tooLong()
	}
	if err != nil {
		return nil, pdfProblem(err)
	}
	return out.Bytes(), nil
}

// wantedPDF lists the scanned pages and the figures without alternative texts.
func (j *job) wantedPDF() (*tagging.Wanted, error) {
	f, err := pdf.Open(j.data, j.Limits.pdf())
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
