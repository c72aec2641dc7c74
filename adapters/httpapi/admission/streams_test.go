package admission

import (
	"errors"
	"math"
	"testing"
)

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := NewStreams(StreamLimits{Streams: 6, PerOrganization: 4, PerCaller: 3, Bytes: 80})
	enter := func(caller, organization string, bytes int64, want error) func() {
		t.Helper()
		leave, err := s.Enter(caller, organization, bytes)
		if !errors.Is(err, want) {
			t.Fatalf("%s in %s with %d bytes: %v, want %v", caller, organization, bytes, err, want)
		}
		return leave
	}
	first := enter("ada", "acme", 9, nil)
	enter("ada", "acme", 2, ErrCallerBusy) // More than an eighth of the bytes.
	enter("ada", "acme", 1, nil)
	enter("ada", "acme", 0, nil)
	enter("ada", "acme", 0, ErrCallerBusy)
	enter("bob", "acme", 0, nil)
	enter("carol", "acme", 0, ErrCallerBusy) // The organization has its share.
	enter("dora", "zeta", 0, nil)
	last := enter("emil", "", 10, nil)
	enter("fred", "beta", 0, ErrBusy)
	first()
	enter("carol", "acme", 0, nil)
	last()
	enter("greta", "", math.MaxInt64, ErrBusy)

	// An upload that would be the only one is taken whatever its size.
	s = NewStreams(StreamLimits{Bytes: 80})
	whole := enter("greta", "acme", math.MaxInt64, nil)
	enter("fred", "", 1, ErrBusy)
	whole()
	enter("fred", "", 1, nil)
}

func TestStreamsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	s := NewStreams(StreamLimits{})
	var leave []func()
	for range minStreamsPerCaller {
		done, err := s.Enter("ada", "acme", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, done)
	}
	for _, done := range leave {
		done()
	}
	if n, bytes := s.UnderWay(); n != 0 || bytes != 0 || len(s.callers) != 0 || len(s.organizations) != 0 {
		t.Errorf("%d streams, %d bytes, %v, %v", n, bytes, s.callers, s.organizations)
	}
}
