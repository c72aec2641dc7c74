package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
)

// One export of each is written at a time, and few in all; one that ends, or fails,
// makes room.
func TestExportsAreLimited(t *testing.T) {
	t.Parallel()
	var l exportLimits
	start := func(of string) (end func(error), refused error) {
		t.Helper()
		begun, last, done := make(chan struct{}), make(chan error), make(chan error, 1)
		raw := l.limited(of, &rawAnswer{write: func(context.Context, *rawWriter, *http.Request) error {
			close(begun)
			return <-last
		}})
		go func() { done <- raw.write(t.Context(), nil, nil) }()
		select {
		case <-begun:
		case err := <-done:
			return nil, err
		}
		return func(err error) {
			last <- err
			if got := <-done; !errors.Is(got, err) {
				t.Errorf("the export ended with %v, want %v", got, err)
			}
		}, nil
	}
	var ends []func(error)
	for i := range maxExports {
		end, err := start(fmt.Sprint("user_", i))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	if _, err := start("user_0"); !errors.Is(err, errConcurrencyLimited) {
		t.Errorf("a second one of the same: %v", err)
	}
	if _, err := start("user_9"); !errors.Is(err, errBusy) {
		t.Errorf("one too many: %v", err)
	}
	ends[0](nil)
	ends[1](errors.New("the log does not answer"))
	for _, of := range []string{"user_0", "user_1"} {
		end, err := start(of)
		if err != nil {
			t.Fatalf("%s after it ended: %v", of, err)
		}
		end(nil)
	}
	for _, end := range ends[2:] {
		end(nil)
	}
	if len(l.underWay) != 0 {
		t.Errorf("still under way: %v", l.underWay)
	}
}
