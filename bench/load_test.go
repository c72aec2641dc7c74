package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Sides take turns, each goes first as often as the other, and the first round
// does not count.
func TestCompareTakesTurns(t *testing.T) {
	t.Parallel()
	var order []string
	turn := func(name string, counts ...int) side {
		return func(context.Context) (load, error) {
			order = append(order, name)
			n := counts[min(len(order)-1, 2*len(counts)-1)/2]
			return load{Count: n, Took: time.Second}, nil
		}
	}
	c, err := compare(t.Context(), 3, turn("m", 1000, 50, 60, 70), turn("l", 1, 100, 100, 100))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "lmmllmml" {
		t.Errorf("the order was %s", got)
	}
	if diff := cmp.Diff([]float64{0.5, 0.6, 0.7}, c.ratios); diff != "" || c.ratio() != 0.6 {
		t.Errorf("together %v; rounds: %s", c.ratio(), diff)
	}
}

func TestCompareEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fails := func(context.Context) (load, error) { return load{}, broken }
	works := func(context.Context) (load, error) { return load{Count: 1, Took: time.Second}, nil }
	for _, sides := range [][2]side{{fails, works}, {works, fails}} {
		if _, err := compare(t.Context(), 2, sides[0], sides[1]); !errors.Is(err, broken) {
			t.Errorf("it ended with %v", err)
		}
	}
}
