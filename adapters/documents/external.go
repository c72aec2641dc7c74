package documents

import (
	"fmt"
	"slices"
	"strings"
)

// External is a rule that another engine found broken.
type External struct {
	ID, Title string
	// Serious tells that the failure keeps people from content.
	Serious bool
	// Tags are the engine's own, among them success criteria of WCAG such as "wcag111".
	Tags []string
	// Places are the starts of the elements concerned, as many as are listed; Count is how many there are.
	Places []string
	Count  int
}

// AddExternal adds what another engine found in an HTML document and the embedded one did not.
func (r *Report) AddExternal(engine EngineInfo, found []External) {
	checker := Checker{Engine: engine, Agrees: true}
	var issues []Issue
	for _, c := range r.Results.Categories {
		issues = append(issues, c.Issues...)
	}
	for _, e := range found {
		if slices.ContainsFunc(r.Rules, func(own RuleResult) bool { return own.ID == e.ID }) {
			continue
		}
		checker.Agrees = false
		rule := RuleResult{
			ID: e.ID, Standard: engine.Name, Title: e.Title, Category: BestPractices, Severity: Warning, WCAG: criterion(e.Tags),
			Count: e.Count,
		}
		if rule.WCAG != "" {
			rule.Category = Accessibility
		}
		if e.Serious {
			rule.Severity = Error
		}
		r.Rules = append(r.Rules, rule)
		for i, place := range e.Places {
			issues = append(issues, Issue{
				ID: fmt.Sprintf("%s/%d", e.ID, i+1), Title: e.Title, Category: rule.Category, Severity: rule.Severity,
				Description: fmt.Sprintf("%s. In %s. Found by %s %s.", e.Title, place, engine.Name, engine.Version),
			})
		}
	}
	r.Checkers = append(r.Checkers, checker)
	r.finish(issues)
}

// criterion gives the success criterion that the tags name, "1.4.12" for "wcag1412"; "" if they name none.
func criterion(tags []string) string {
	for _, tag := range tags {
		digits, ok := strings.CutPrefix(tag, "wcag")
		if ok && len(digits) >= 3 && strings.Trim(digits, "0123456789") == "" {
			return digits[:1] + "." + digits[1:2] + "." + digits[2:]
		}
	}
	return ""
}

// AddVerdict adds the verdict of another validator on a PDF.
func (r *Report) AddVerdict(engine EngineInfo, verdict Conformance) {
	if verdict.FailedRules == nil {
		verdict.FailedRules = []string{}
	}
	r.Checkers = append(r.Checkers, Checker{
		Engine: engine, Verdict: &verdict, Agrees: r.PDFUA1 != nil && r.PDFUA1.Conforms == verdict.Conforms,
	})
}
