package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
)

// report is one run of the benchmark.
type report struct {
	StartedAt time.Time  `json:"startedAt"`
	Go        string     `json:"go"`
	CPUs      int        `json:"cpus"`
	Figures   []figure   `json:"figures"`
	Files     []*subject `json:"files"`
}

func newReport() *report {
	return &report{StartedAt: time.Now().UTC(), Go: runtime.Version(), CPUs: runtime.NumCPU()}
}

// add sums up the subjects of a set by their halves.
func (r *report) add(subjects []*subject) {
	r.Files = append(r.Files, subjects...)
	for _, half := range []corpustest.Half{corpustest.Tune, corpustest.Held} {
		var own []*subject
		for _, s := range subjects {
			if s.Half == half {
				own = append(own, s)
			}
		}
		if len(own) > 0 {
			r.Figures = append(r.Figures, figures(own[0].Set, half, own)...)
		}
	}
}

// print writes a table for each set, with a column for each half.
func (r *report) print(w io.Writer) error {
	var sets []string
	for _, f := range r.Figures {
		if !slices.Contains(sets, f.Set) {
			sets = append(sets, f.Set)
		}
	}
	for i, set := range sets {
		if i > 0 {
			fmt.Fprintln(w)
		}
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%s\ttune\theld\taim\t\n", set)
		for _, what := range r.rows(set) {
			tune, held := r.find(set, what, corpustest.Tune), r.find(set, what, corpustest.Held)
			either := tune
			if either == nil {
				either = held
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", what, value(tune), value(held), aim(either), verdictOf(tune, held))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// rows are the names of a set's figures in their order.
func (r *report) rows(set string) []string {
	var out []string
	for _, f := range r.Figures {
		if f.Set == set && !slices.Contains(out, f.What) {
			out = append(out, f.What)
		}
	}
	return out
}

func (r *report) find(set, what string, half corpustest.Half) *figure {
	for i, f := range r.Figures {
		if f.Set == set && f.What == what && f.Half == half {
			return &r.Figures[i]
		}
	}
	return nil
}

func value(f *figure) string {
	if f == nil {
		return "–"
	}
	return number(f.Value) + unit(f)
}

func aim(f *figure) string {
	if f == nil || f.Aim == 0 {
		return ""
	}
	sign := "≥ "
	if f.Below {
		sign = "≤ "
	}
	return sign + number(f.Aim) + unit(f)
}

func unit(f *figure) string {
	if f.Unit == "" {
		return ""
	}
	return " " + f.Unit
}

func number(v float64) string {
	switch {
	case v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func verdictOf(figures ...*figure) string {
	for _, f := range figures {
		if f != nil && !f.Met {
			return "missed"
		}
	}
	return ""
}

// save writes the report as JSON.
func (r *report) save(path string) error {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(path, append(out, '\n'), 0o600); err != nil { //nolint:gosec // the file is whichever the caller wants
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
