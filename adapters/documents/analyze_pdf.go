package documents

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// analyzePDF makes the report on a PDF. It runs in the child process.
func analyzePDF(data []byte, password string, limits Limits, now time.Time, progress func(done, total int)) (*Report, error) {
	f, err := pdf.OpenWith(data, limits.pdf(), password)
	if err != nil {
		return nil, pdfProblem(err)
	}
	return analyzeOpenPDF(f, limits, now, progress)
}

func analyzeOpenPDF(f *pdf.File, limits Limits, now time.Time, progress func(done, total int)) (*Report, error) {
	result, err := pdfua.Check(f, limits.pdfua(), progress)
	if err != nil {
		return nil, pdfProblem(err)
	}
	return reportPDF(result, now)
}

// reportPDF makes a report of what a check found.
func reportPDF(result *pdfua.Result, now time.Time) (*Report, error) {
	report := &Report{
		AnalysedAt: now, Format: PDF, Pages: result.Pages, Engine: embedded,
		PDFUA1: &Conformance{Conforms: result.Conforms(), FailedRules: []string{}},
		Hidden: &HiddenWords{Words: result.Facts.Reach.Hidden, Running: result.Facts.Reach.Running},
		NotChecked: []string{
			"contrast of text in the pages",
			"text inside of images",
			"glyphs of composite fonts with a predefined character map other than Identity",
		},
	}
	issues := []Issue{}
	for _, failure := range result.Failures {
		rule, ok := pdfua.RuleByID(failure.Rule)
		if !ok {
			return nil, problem(Crashed, "The analysis found a failure of the unknown rule %s.", failure.Rule)
		}
		report.PDFUA1.FailedRules = append(report.PDFUA1.FailedRules, failure.Rule)
		r := RuleResult{
			ID: rule.ID, Standard: "PDF/UA-1", Clause: rule.Clause(), Title: rule.Title, Category: Compliance,
			Severity: Severity(rule.Severity), Matterhorn: rule.Matterhorn, WCAG: rule.WCAG, Fixable: rule.Fixable,
			Count: failure.Count,
		}
		if rule.WCAG != "" {
			r.Category = Accessibility
		}
		issues = append(issues, placeIssues(&r, failure.Places)...)
		report.Rules = append(report.Rules, r)
	}
	for _, practice := range pdfPractices(result) {
		r := practice.rule
		issues = append(issues, placeIssues(&r, practice.places)...)
		report.Rules = append(report.Rules, r)
	}
	for _, m := range pdfua.ManualChecks(result.Facts) {
		issues = append(issues, Issue{
			ID: "manual-" + m.Matterhorn, Title: m.Title, Category: Accessibility, Severity: Info,
			Description: "A person must judge this (Matterhorn Protocol " + m.Matterhorn + ").",
		})
	}
	report.finish(issues)
	return report, nil
}

// finish sorts issues into categories and adds the score.
func (r *Report) finish(issues []Issue) {
	if r.Rules == nil {
		r.Rules = []RuleResult{}
	}
	r.Score = score(r.Rules)
	value := r.Score.Value
	r.Results = Results{Success: true, OverallScore: &value}
	for _, name := range []CategoryName{Accessibility, BestPractices, Compliance} {
		r.Results.Categories = append(r.Results.Categories, category(name, r.Rules, issues))
	}
	r.Results.Categories = append(r.Results.Categories, notApplicable(Performance), notApplicable(SEO))
}

// placeIssues makes an issue for each place of a rule that failed, and notes its pages.
func placeIssues(r *RuleResult, places []pdfua.Place) []Issue {
	if len(places) == 0 {
		places = []pdfua.Place{{}}
	}
	var issues []Issue
	for i, place := range places {
		issue := Issue{
			ID: fmt.Sprintf("%s/%d", r.ID, i+1), Title: r.Title, Category: r.Category, Severity: r.Severity,
			Description: describe(*r, place.Detail),
		}
		if place.Page > 0 {
			issue.Location = &Location{PageNumber: place.Page}
			if !slices.Contains(r.Pages, place.Page) {
				r.Pages = append(r.Pages, place.Page)
			}
		}
		issues = append(issues, issue)
	}
	slices.Sort(r.Pages)
	return issues
}

// describe says what is concerned and which standards ask for it.
func describe(r RuleResult, detail string) string {
	text := r.Title + "."
	if detail != "" {
		text = r.Title + ": " + shorten(detail) + "."
	}
	if r.Clause != "" {
		text += " ISO 14289-1, " + r.Clause + "."
	}
	if r.Matterhorn != "" {
		text += " Matterhorn Protocol " + r.Matterhorn + "."
	}
	if r.WCAG != "" {
		text += " WCAG 2.2, " + r.WCAG + "."
	}
	return text
}

// shorten bounds what a document can put into a report.
func shorten(s string) string { return clip(s, 120) }

// clip cuts a text after so many characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

func (l Limits) pdf() pdf.Limits { return pdf.Limits{TotalBytes: l.DecodedBytes} }

func (l Limits) pdfua() pdfua.Limits { return pdfua.Limits{Pages: l.Pages, Operations: l.Operations} }

// pdfProblem says in a sentence why a PDF cannot be worked on.
func pdfProblem(err error) error {
	var over *pdf.LimitError
	switch {
	case errors.As(err, &over):
		return problem(TooLarge, "The PDF is too large: it has more than %d %s.", over.Limit, over.What)
	case errors.Is(err, pdf.ErrNotPDF):
		return problem(Unsupported, "The file is not a PDF.")
	case errors.Is(err, pdf.ErrPassword):
		return problem(Encrypted, "The PDF is encrypted and opens only with a password.")
	case errors.Is(err, pdf.ErrWrongPassword):
		return problem(Encrypted, "The password does not open the PDF.")
	case errors.Is(err, pdf.ErrCertificate):
		return problem(Encrypted, "The PDF is encrypted for the holders of certificates, and a password does not open it.")
	case errors.Is(err, pdf.ErrEncryption):
		return problem(Encrypted, "The PDF is encrypted by a method that is not supported.")
	case errors.Is(err, pdf.ErrDamaged):
		return problem(Damaged, "The PDF is damaged or truncated: it has no readable pages.")
	}
	return err
}
