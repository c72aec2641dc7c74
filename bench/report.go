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
)

// measurement is one row: a figure, the limit measured beside it in the same
// run, and the share of the limit that is aimed at. Machines differ, ratios
// compare.
type measurement struct {
	What string `json:"what"`
	Unit string `json:"unit"`
	// Value is what our path reaches, in Unit.
	Value float64 `json:"value"`
	// Limit is what the bare part reaches, in Unit; 0 when there is none.
	Limit     float64 `json:"limit,omitempty"`
	LimitedBy string  `json:"limitedBy,omitempty"`
	// Ratio is Value / Limit, and Aim what it should reach. Ratios are those of the
	// single rounds, sorted.
	Ratio  float64   `json:"ratio,omitempty"`
	Ratios []float64 `json:"ratios,omitempty"`
	Aim    float64   `json:"aim,omitempty"`
	// Least is what Value must reach in any case, whatever the limit; 0 when
	// nothing is asked.
	Least float64 `json:"least,omitempty"`
	// Most is what Value must not reach; 0 when nothing is asked.
	Most float64 `json:"most,omitempty"`
	// P50 and P99 are latencies in milliseconds; AimP50 and AimP99 are what they stay
	// below, 0 when nothing is asked.
	P50    float64 `json:"p50Ms,omitempty"`
	AimP50 float64 `json:"aimP50Ms,omitempty"`
	P99    float64 `json:"p99Ms,omitempty"`
	AimP99 float64 `json:"aimP99Ms,omitempty"`
	Met    bool    `json:"met"`
}

// from completes a row with what was compared.
func (m measurement) from(c comparison) measurement {
	if len(c.ratios) == 0 {
		return m
	}
	m.Value, m.Limit, m.Ratio, m.Ratios = c.measured.perSecond(), c.limit.perSecond(), c.ratio(), c.ratios
	m.P50, m.P99 = percentile(c.measured.Latencies, .5), percentile(c.measured.Latencies, .99)
	return m
}

func (m measurement) judged() measurement {
	m.Met = (m.Aim == 0 || m.Ratio >= m.Aim) && m.Value >= m.Least && (m.Most == 0 || m.Value < m.Most) && (m.AimP50 == 0 || m.P50 <= m.AimP50) && (m.AimP99 == 0 || m.P99 <= m.AimP99)
	return m
}

// report is one run of the benchmark.
type report struct {
	StartedAt    time.Time     `json:"startedAt"`
	Go           string        `json:"go"`
	CPUs         int           `json:"cpus"`
	Measurements []measurement `json:"measurements"`
}

func newReport() *report {
	return &report{StartedAt: time.Now().UTC(), Go: runtime.Version(), CPUs: runtime.NumCPU()}
}

func (r *report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tmeasured\tlimit\tratio\trounds\taim\tp50\taim\tp99\taim\t")
	for _, m := range r.Measurements {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.What,
			rate(m.Value, m.Unit), rate(m.Limit, m.Unit), number("%.2f", m.Ratio), spread(m.Ratios), aims(m),
			number("%.1f ms", m.P50), number("%.0f ms", m.AimP50), number("%.1f ms", m.P99), number("%.0f ms", m.AimP99), verdict(m.Met))
	}
	return table.Flush()
}

// aims is what a value is to be beside its limit, or below.
func aims(m measurement) string {
	if m.Most != 0 {
		return number("below %.0f", m.Most)
	}
	return number("%.2f", m.Aim)
}

func rate(v float64, unit string) string {
	if v == 0 {
		return "–"
	}
	if v < 1000 {
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.1fk %s", v/1000, unit)
}

func number(format string, v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

// spread is the range of the middle half of the rounds.
func spread(ratios []float64) string {
	if len(ratios) < 4 {
		return "–"
	}
	return fmt.Sprintf("%.2f to %.2f", ratios[len(ratios)/4], ratios[len(ratios)-1-len(ratios)/4])
}

func verdict(met bool) string {
	if met {
		return ""
	}
	return "missed"
}

// save writes the report as JSON.
func (r *report) save(path string) error {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(path, append(out, '\n'), 0o600); err != nil { //nolint:gosec // The file is whichever the caller wants.
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// percentile is the p-th (0 to 1) of some latencies, in milliseconds. It sorts
// them in place.
func percentile(latencies []time.Duration, p float64) float64 {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	i := min(int(p*float64(len(latencies))), len(latencies)-1)
	return float64(latencies[i].Microseconds()) / 1000
}
