package documents

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/net/html/charset"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// MaxHTMLBytes bounds an HTML file; its parsed form takes many times as much memory.
const MaxHTMLBytes = 24 << 20

// htmlPlaces is how many places of one rule are listed.
const htmlPlaces = 100

// analyzeHTML makes the report on an HTML document. It runs in the child process.
func analyzeHTML(data []byte, now time.Time) (*Report, error) {
	source, err := readHTML(data)
	if err != nil {
		return nil, err
	}
	return reportHTML(source, now)
}

// readHTML gives a document in UTF-8.
func readHTML(data []byte) ([]byte, error) {
	if len(data) > MaxHTMLBytes {
		return nil, problem(TooLarge, "The HTML is larger than the allowed %d MiB.", MaxHTMLBytes>>20)
	}
	return ToUTF8(data)
}

// reportHTML makes the report on a document in UTF-8.
func reportHTML(source []byte, now time.Time) (*Report, error) {
	result, err := htmlcheck.Check(source)
	if err != nil {
		return nil, htmlProblem(err)
	}
	report := &Report{AnalysedAt: now, Format: HTML, Engine: embedded, NotChecked: htmlcheck.NotChecked}
	issues := []Issue{}
	index := map[string]int{}
	for _, f := range result.Findings {
		i, known := index[f.Rule]
		if !known {
			rule, ok := htmlcheck.RuleByID(f.Rule)
			if !ok {
				return nil, problem(Crashed, "The analysis found a failure of the unknown rule %s.", f.Rule)
			}
			i = len(report.Rules)
			index[f.Rule] = i
			report.Rules = append(report.Rules, htmlRule(rule))
		}
		r := &report.Rules[i]
		if r.Count++; r.Count > htmlPlaces {
			continue
		}
		issues = append(issues, Issue{
			ID: fmt.Sprintf("%s/%d", r.ID, r.Count), Title: r.Title, Category: r.Category, Severity: r.Severity,
			Description: describeHTML(*r, f), Location: &Location{Line: f.Line, Column: f.Column},
		})
	}
	issues = append(issues, htmlManual(result)...)
	report.finish(issues)
	return report, nil
}

// ToUTF8 decodes an HTML document by its byte order mark, its meta element, or its look. Its error is a [*FileError].
func ToUTF8(data []byte) ([]byte, error) {
	encoding, name, _ := charset.DetermineEncoding(data, "")
	if name == "utf-8" {
		return bytes.ToValidUTF8(data, []byte("\ufffd")), nil
	}
	out, err := encoding.NewDecoder().Bytes(data)
	if err != nil {
		return nil, problem(Damaged, "The HTML is not in the encoding %s that it says.", name)
	}
	return out, nil
}

func htmlRule(rule htmlcheck.Rule) RuleResult {
	r := RuleResult{
		ID: rule.ID, Standard: "best practice", Title: rule.Title, Category: BestPractices, Severity: Warning,
		WCAG: rule.WCAG, Fixable: rule.Fixable,
	}
	if rule.WCAG != "" {
		r.Standard, r.Category = "WCAG 2.2", Accessibility
	}
	if rule.Error {
		r.Severity = Error
	}
	return r
}

func describeHTML(r RuleResult, f htmlcheck.Finding) string {
	text := r.Title
	if f.Detail != "" {
		text += ": " + shorten(f.Detail)
	}
	text += "."
	if f.Element != "" {
		text += " In " + f.Element + "."
	}
	if r.WCAG != "" {
		text += " WCAG 2.2, " + r.WCAG + "."
	}
	return text
}

// htmlManual lists what a person must judge.
func htmlManual(result *htmlcheck.Result) []Issue {
	var issues []Issue
	add := func(when bool, criterion, title string) {
		if when {
			issues = append(issues, Issue{
				ID: "manual-" + criterion, Title: title, Category: Accessibility, Severity: Info,
				Description: "A person must judge this (WCAG 2.2, " + criterion + ").",
			})
		}
	}
	add(result.Images > 0, "1.1.1", "Does each alternative text say what its image says?")
	add(result.Media > 0, "1.2.1", "Do captions, transcripts and audio descriptions say all that media say?")
	add(true, "1.3.1", "Is everything that looks like a heading, list or table marked up as one?")
	add(true, "1.3.2", "Is the order of the markup the order of reading?")
	add(true, "1.4.1", "Is nothing said by colour alone?")
	add(result.Scripts > 0, "2.1.1", "Can everything be done by keyboard?")
	add(true, "2.4.2", "Does the title say what the page is about?")
	add(result.Links > 0, "2.4.4", "Does each link say where it leads?")
	add(true, "3.1.2", "Is each passage in another language marked as such?")
	add(result.Forms > 0, "3.3.2", "Do labels and instructions say what is asked for?")
	return issues
}
