package documents

import "time"

// Report is the result of an analysis. AnalysedAt and Results are the analysisResult of the Files API, which may not
// change; the rest stands beside it.
type Report struct {
	AnalysedAt time.Time `json:"analysedAt"`
	Results    Results   `json:"results"`
	Format     Format    `json:"format,omitempty"`
	// Pages is the number of pages of a PDF.
	Pages  int        `json:"pages,omitempty"`
	Engine EngineInfo `json:"engine"`
	// PDFUA1 is the verdict on a PDF.
	PDFUA1 *Conformance `json:"pdfua1,omitempty"`
	// Hidden counts the words of a PDF that no tag reaches.
	Hidden *HiddenWords `json:"hidden,omitempty"`
	// Rules are the rules that failed, with their sources.
	Rules []RuleResult `json:"rules"`
	// Score explains Results.OverallScore.
	Score Score `json:"score"`
	// NotChecked says what no program looked at.
	NotChecked []string `json:"notChecked"`
	// Checkers are other engines that looked at the document, with their verdicts.
	Checkers []Checker `json:"checkers,omitempty"`
}

// Checker is another engine that looked at a document.
type Checker struct {
	Engine EngineInfo `json:"engine"`
	// Verdict is the engine's own on PDF/UA-1, of a PDF.
	Verdict *Conformance `json:"pdfua1,omitempty"`
	// Agrees tells whether it finds what this report says without it: the same verdict on a PDF, no further rule on
	// HTML.
	Agrees bool `json:"agrees"`
}

// Failure is the report on a file that could not be analysed; it says why in Results.Error.
func Failure(err error, now time.Time) *Report {
	return &Report{
		AnalysedAt: now.UTC().Truncate(time.Millisecond), Engine: embedded, Results: Results{Error: err.Error()},
		Rules: []RuleResult{}, Score: Score{Parts: []ScorePart{}}, NotChecked: []string{},
	}
}

// Failed tells whether the document has a finding that fails: a PDF that does not conform to PDF/UA-1, or an HTML
// document with an error.
func (r *Report) Failed() bool {
	if r.PDFUA1 != nil {
		return !r.PDFUA1.Conforms
	}
	for _, c := range r.Results.Categories {
		if c.Summary.ErrorCount > 0 {
			return true
		}
	}
	return false
}

// Conformance is the verdict on PDF/UA-1, machine-checkable conditions only.
type Conformance struct {
	Conforms bool `json:"conforms"`
	// FailedRules are numbered as veraPDF does.
	FailedRules []string `json:"failedRules"`
}

// HiddenWords counts the words that the pages of a PDF show and that assistive technology cannot read, since no tag
// reaches them.
type HiddenWords struct {
	// Words are those that only a person can see; the rule hidden-text says where.
	Words int `json:"words"`
	// Running are those of headers and footers that repeat on other pages or in the text, and page numbers. Readers lose
	// nothing by them.
	Running int `json:"running"`
}

// Results is the part that the Files API fixes.
type Results struct {
	Success      bool       `json:"success"`
	OverallScore *int       `json:"overallScore,omitempty"`
	Error        string     `json:"error,omitempty"`
	Categories   []Category `json:"categories,omitempty"`
}

// CategoryName is a category of the Files API.
type CategoryName string

// The categories.
const (
	Accessibility CategoryName = "accessibility"
	BestPractices CategoryName = "best_practices"
	Compliance    CategoryName = "compliance"
	Performance   CategoryName = "performance"
	SEO           CategoryName = "seo"
)

// Status is the state of a category.
type Status string

// The states: Manual is nothing failed, but a person must look.
const (
	Pass          Status = "pass"
	Fail          Status = "fail"
	Manual        Status = "manual"
	NotApplicable Status = "not_applicable"
)

// Severity is the weight of an issue.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Category is one group of issues.
type Category struct {
	Name    CategoryName `json:"name"`
	Score   *int         `json:"score"`
	Status  Status       `json:"status"`
	Summary Summary      `json:"summary"`
	Issues  []Issue      `json:"issues"`
}

// Summary counts the issues of a category.
type Summary struct {
	ErrorCount   int `json:"errorCount"`
	WarningCount int `json:"warningCount"`
	InfoCount    int `json:"infoCount"`
	TotalIssues  int `json:"totalIssues"`
}

// Issue is one finding at one place.
type Issue struct {
	ID          string       `json:"id"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Category    CategoryName `json:"category"`
	Severity    Severity     `json:"severity"`
	Location    *Location    `json:"location,omitempty"`
}

// Location is where an issue is; zero fields are not known.
type Location struct {
	PageNumber int `json:"pageNumber,omitempty"`
	Line       int `json:"line,omitempty"`
	Column     int `json:"column,omitempty"`
}

// RuleResult is a rule that failed.
type RuleResult struct {
	ID       string       `json:"id"`
	Standard string       `json:"standard"`
	Clause   string       `json:"clause,omitempty"`
	Title    string       `json:"title"`
	Category CategoryName `json:"category"`
	Severity Severity     `json:"severity"`
	// Matterhorn is a failure condition of the Matterhorn Protocol 1.1, WCAG a success criterion of WCAG 2.2.
	Matterhorn string `json:"matterhorn,omitempty"`
	WCAG       string `json:"wcag,omitempty"`
	// Fixable tells whether processing repairs it wherever the document itself says enough for that.
	Fixable bool `json:"fixable"`
	// Count is how often it fails; at most the first hundred places are among the issues.
	Count int   `json:"count"`
	Pages []int `json:"pages,omitempty"`
}

// category gathers the issues of one category.
func category(name CategoryName, rules []RuleResult, issues []Issue) Category {
	c := Category{Name: name, Status: Pass, Issues: []Issue{}}
	for _, issue := range issues {
		if issue.Category != name {
			continue
		}
		c.Issues = append(c.Issues, issue)
		switch issue.Severity {
		case Error:
			c.Summary.ErrorCount++
		case Warning:
			c.Summary.WarningCount++
		default:
			c.Summary.InfoCount++
		}
	}
	c.Summary.TotalIssues = len(c.Issues)
	switch {
	case c.Summary.ErrorCount+c.Summary.WarningCount > 0:
		c.Status = Fail
	case c.Summary.InfoCount > 0:
		c.Status = Manual
	}
	var own []RuleResult
	for _, r := range rules {
		if r.Category == name {
			own = append(own, r)
		}
	}
	value := score(own).Value
	c.Score = &value
	return c
}

// notApplicable is a category that says nothing about a format.
func notApplicable(name CategoryName) Category {
	return Category{Name: name, Status: NotApplicable, Issues: []Issue{}}
}
