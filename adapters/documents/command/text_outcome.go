package command

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/perfectworks/backend/adapters/documents"
)

// shownTasks is how many tasks of one kind are listed.
const shownTasks = 5

// writeOutcome writes what came of a file for people: before and after, what was repaired, what a person must do.
func writeOutcome(out io.Writer, path, output string, o *documents.Outcome) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s: score %d of 100%s\n", path, o.Before.Score.Value, verdict(o.Before))
	fmt.Fprintf(w, "%s: score %d of 100%s\n", output, o.Score.Value, verdict(o.Report))
	if len(o.Fixed) > 0 {
		fmt.Fprintln(w, "\nRepaired:")
		for _, r := range o.Fixed {
			fmt.Fprintf(w, "  %s  %s", r.Rule, r.Title)
			if r.Count > 1 {
				fmt.Fprintf(w, " (%d times)", r.Count)
			}
			if r.Detail != "" {
				fmt.Fprintf(w, ": %s", r.Detail)
			}
			fmt.Fprintln(w)
		}
	}
	if len(o.Rules) > 0 {
		fmt.Fprintln(w, "\nStill failing:")
		for _, r := range o.Rules {
			fmt.Fprintf(w, "  %s  %s  %s (%d)\n", r.Severity, r.ID, r.Title, r.Count)
		}
	}
	writeTasks(w, o.Manual)
	for _, warning := range o.Warnings {
		fmt.Fprintf(w, "\nNote: %s\n", warning)
	}
	names := make([]string, len(o.Engines))
	for i, e := range o.Engines {
		names[i] = e.Name + " " + e.Version
	}
	fmt.Fprintf(w, "\nDone by: %s.\n", strings.Join(names, ", "))
	return w.Flush()
}

func verdict(r *documents.Report) string {
	if r.PDFUA1 == nil {
		return ""
	}
	text := ", conforms to what a program can check of PDF/UA-1"
	if !r.PDFUA1.Conforms {
		text = fmt.Sprintf(", %d rules of PDF/UA-1 fail", len(r.PDFUA1.FailedRules))
	}
	if r.Hidden != nil {
		text += fmt.Sprintf(", %d words in no tag", r.Hidden.Words)
	}
	return text
}

// writeTasks lists what a person must do, the first few of each kind.
func writeTasks(w io.Writer, tasks []documents.Task) {
	if len(tasks) == 0 {
		return
	}
	fmt.Fprintln(w, "\nFor a person to do or to judge:")
	shown := map[string]int{}
	for _, t := range tasks {
		if shown[t.Rule]++; shown[t.Rule] <= shownTasks {
			fmt.Fprintf(w, "  %s\n", strings.TrimSpace(t.Rule+where(t.Location)+"  "+t.Title))
		}
	}
	for _, t := range tasks {
		if more := shown[t.Rule] - shownTasks; more > 0 {
			fmt.Fprintf(w, "  %s\n", strings.TrimSpace(fmt.Sprintf("%s  and %d more", t.Rule, more)))
			shown[t.Rule] = 0
		}
	}
}

func where(l *documents.Location) string {
	switch {
	case l == nil:
		return ""
	case l.PageNumber > 0:
		return fmt.Sprintf(", page %d", l.PageNumber)
	case l.Line > 0:
		return fmt.Sprintf(", line %d, column %d", l.Line, l.Column)
	}
	return ""
}
