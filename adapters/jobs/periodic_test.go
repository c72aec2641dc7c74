package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/jobs"
)

func TestSchedulesAreInUTC(t *testing.T) {
	t.Parallel()
	kathmandu := time.FixedZone("NPT", 5*3600+45*60)
	for _, c := range []struct {
		every     time.Duration
		now, want string
	}{
		{24 * time.Hour, "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"},
		{24 * time.Hour, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"},
		{time.Hour, "2026-03-29T01:59:59.999Z", "2026-03-29T02:00:00Z"},
		{15 * time.Minute, "2026-10-25T00:50:00Z", "2026-10-25T01:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339Nano, c.now)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{now, now.In(kathmandu)} {
			if got := jobs.Next(c.every, at); got.Format(time.RFC3339) != c.want {
				t.Errorf("every %v after %v: %v, want %s", c.every, at, got, c.want)
			}
		}
	}
}

// Work waits for what it needs: a run that comes too early does nothing, and is no
// failure.
func TestPeriodicWorkWaitsForWhatItNeeds(t *testing.T) {
	t.Parallel()
	var asked, runs atomic.Int64
	var early atomic.Bool
	client := start(t, newPool(t), setup{periodic: []jobs.Periodic{{
		Name: "settle", Every: time.Hour,
		Ready: func(context.Context) (bool, error) { return asked.Add(1) >= 3, nil },
		Work: func(context.Context, time.Time) error {
			early.Store(asked.Load() < 3)
			runs.Add(1)
			return nil
		},
	}}})
	eventually(t, "it has run", func() bool { return runs.Load() > 0 })
	if early.Load() {
		t.Error("it ran before there was what it needs")
	}
	if failed, err := client.List(t.Context(), jobs.Query{Kind: "periodic/settle", State: jobs.StateFailed}); len(failed) > 0 || err != nil {
		t.Errorf("failures: %v, %v", failed, err)
	}
}

// It runs at the start, by one of the processes; a failure is seen, and needs no
// decision once a later run has done its work.
func TestPeriodicWork(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var runs, atOnce atomic.Int64
	var mended atomic.Bool
	periodic := []jobs.Periodic{{Name: "sweep", Every: time.Second, Work: func(_ context.Context, now time.Time) error {
		if atOnce.Add(1) > 1 {
			t.Error("it runs twice at the same time")
		}
		defer atOnce.Add(-1)
		if now.Location() != time.UTC {
			t.Errorf("the time is in %v", now.Location())
		}
		runs.Add(1)
		if !mended.Load() {
			return jobs.Final(errors.New("the disk is full"))
		}
		return nil
	}}}
	first := start(t, pool, setup{periodic: periodic})
	start(t, pool, setup{periodic: periodic})
	failed := func() int {
		all, err := first.List(t.Context(), jobs.Query{Kind: "periodic/sweep", State: jobs.StateFailed})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	eventually(t, "it failed several times", func() bool { return runs.Load() >= 3 && failed() > 0 })
	if n := failed(); n > 2 {
		t.Errorf("%d failures are kept", n)
	}
	mended.Store(true)
	eventually(t, "the failures are settled", func() bool { return failed() == 0 })
}
