package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// The benchmarks start this program as their parts.
func TestMain(m *testing.M) {
	isPart, err := runPart(context.Background())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	case isPart:
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counted are the benchmarks whose work is a number of events, and may be small. What
// the others do lasts a time or has one size: a machine that is busy with tests may
// get nothing done in it.
var counted = []string{"read", "rebuild", "rebuild-clicks", "audit"}

// Each of these benchmarks runs to its end on the least that it can measure, so that
// one that breaks is seen before somebody needs its figures. No aim is judged.
func TestBenchmarksRun(t *testing.T) {
	t.Setenv(urlVariable, postgrestest.URL(t))
	small := plan{rounds: 1, lasting: 100 * time.Millisecond, events: 500, keys: 500}
	ran := 0
	for _, b := range benchmarks {
		if !slices.Contains(counted, b.name) {
			continue
		}
		ran++
		t.Run(b.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			rows, err := b.run(ctx, small)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Error("it measures nothing")
			}
			for _, row := range rows {
				if row.What == "" || row.Value <= 0 {
					t.Errorf("it measures %+v", row)
				}
			}
		})
	}
	if ran != len(counted) {
		t.Errorf("%d of %d benchmarks are there", ran, len(counted))
	}
}
