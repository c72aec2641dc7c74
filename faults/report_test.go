package faults

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// report is what a test did and counted.
type report struct {
	t  *testing.T
	mu sync.Mutex
	// lines are the rounds.
	lines []line
}

// line is one fault and what was found after it.
type line struct {
	fault, detail string
	// acknowledged and retried are requests since the line before, longest the one of
	// them that took longest.
	acknowledged, retried int64
	longest               slowest
	// events are those in the log, jobs the ones that were worked, rows those of all
	// read models that were compared with a rebuild.
	events, jobs, rows int64
	goroutines         string
	took               time.Duration
}

// newReport prints its table when the test ends.
func newReport(t *testing.T) *report {
	t.Helper()
	r := &report{t: t}
	t.Cleanup(r.print)
	return r
}

func (r *report) add(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, l)
	r.t.Logf("round %d: %s (%s): %d acknowledged, %d rows compared, after %v", len(r.lines), l.fault, l.detail, l.acknowledged, l.rows, l.took.Round(time.Millisecond))
}

func (r *report) print() {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "round\tfault\twhat\tacknowledged\trepeated\tlongest\tevents\tjobs\trows compared\tgoroutines\ttook")
	var all line
	for i, l := range r.lines {
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%v\t%d\t%d\t%d\t%s\t%v\n", i+1, l.fault, l.detail, l.acknowledged, l.retried,
			l.longest.took.Round(time.Millisecond), l.events, l.jobs, l.rows, l.goroutines, l.took.Round(time.Millisecond))
		all.acknowledged += l.acknowledged
		all.retried += l.retried
		if l.longest.took > all.longest.took {
			all.longest = l.longest
		}
		all.events, all.jobs = l.events, l.jobs
		all.rows += l.rows
		all.took += l.took
	}
	fmt.Fprintf(table, "all\t\t\t%d\t%d\t%v\t%d\t%d\t%d\t\t%v\n", all.acknowledged, all.retried,
		all.longest.took.Round(time.Millisecond), all.events, all.jobs, all.rows, all.took.Round(time.Millisecond))
	_ = table.Flush() // It writes to memory.
	r.t.Logf("\n%sthe longest request: %s", text.String(), all.longest.what)
}
