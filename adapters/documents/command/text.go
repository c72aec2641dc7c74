package command

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/perfectworks/backend/adapters/documents"
)

// writeText writes a report for people.
func writeText(out io.Writer, path string, report *documents.Report) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s: score %d of 100\n", path, report.Score.Value)
	if v := report.PDFUA1; v != nil {
		verdict := "conforms to what a program can check of PDF/UA-1"
		if !v.Conforms {
			verdict = fmt.Sprintf("does not conform to PDF/UA-1: %d rules fail", len(v.FailedRules))
		}
		fmt.Fprintf(w, "%d pages; %s\n", report.Pages, verdict)
		if h := report.Hidden; h != nil {
			fmt.Fprintf(w, "words that no tag reaches: %d, and %d in running headers and footers\n", h.Words, h.Running)
		}
	}
	for _, rule := range report.Rules {
		fmt.Fprintf(w, "\n%s  %s  %s\n", rule.Severity, rule.ID, rule.Title)
		var about []string
		if rule.Count > 1 {
			about = append(about, fmt.Sprintf("%d times", rule.Count))
		}
		if len(rule.Pages) > 0 {
			about = append(about, "on pages "+numbers(rule.Pages))
		}
		if rule.WCAG != "" {
			about = append(about, "WCAG "+rule.WCAG)
		}
		if rule.Fixable {
			about = append(about, "a program can repair it")
		}
		if len(about) > 0 {
			fmt.Fprintf(w, "  %s\n", strings.Join(about, ", "))
		}
		writePlaces(w, rule, report)
	}
	writeManual(w, report)
	if len(report.NotChecked) > 0 {
		fmt.Fprintf(w, "\nNot checked: %s.\n", strings.Join(report.NotChecked, "; "))
	}
	return w.Flush()
}

// shownPlaces is how many places of one rule are shown.
const shownPlaces = 10

// writePlaces lists the lines and columns of a rule in HTML.
func writePlaces(w io.Writer, rule documents.RuleResult, report *documents.Report) {
	shown := 0
	for _, category := range report.Results.Categories {
		for _, issue := range category.Issues {
			if issue.Location == nil || issue.Location.Line == 0 || !strings.HasPrefix(issue.ID, rule.ID+"/") {
				continue
			}
			if shown++; shown > shownPlaces {
				fmt.Fprintf(w, "  and %d more\n", rule.Count-shownPlaces)
				return
			}
			fmt.Fprintf(w, "  line %d, column %d: %s\n", issue.Location.Line, issue.Location.Column, issue.Description)
		}
	}
}

func writeManual(w io.Writer, report *documents.Report) {
	first := true
	for _, category := range report.Results.Categories {
		for _, issue := range category.Issues {
			if issue.Severity != documents.Info {
				continue
			}
			if first {
				fmt.Fprintln(w, "\nFor a person to judge:")
				first = false
			}
			fmt.Fprintf(w, "  %s\n", issue.Title)
		}
	}
}

// numbers writes page numbers with ranges: 1-3, 7.
func numbers(pages []int) string {
	var parts []string
	for i := 0; i < len(pages); {
		j := i
		for j+1 < len(pages) && pages[j+1] == pages[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", pages[i], pages[j]))
		} else {
			parts = append(parts, fmt.Sprint(pages[i]))
		}
		i = j + 1
	}
	if len(parts) > 12 {
		parts = append(parts[:12], "…")
	}
	return strings.Join(parts, ", ")
}
