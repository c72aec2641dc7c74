package jobs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/perfectworks/backend/adapters/jobs"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	registry := prometheus.NewRegistry()
	c, err := jobs.New(jobs.Config{Pool: pool, Registerer: registry, Kinds: []jobs.Kind{
		jobs.On(noted{}, jobs.Options{}, func(context.Context, jobs.Job[noted]) error { return nil }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, pool, setup{work: func(context.Context, jobs.Job[noted]) error { return jobs.Final(errors.New("damaged")) }})
	insert(t, pool, c, jobs.Insertion{Args: noted{1}})
	waitFor(t, p.Client, jobs.StateFailed)
	p.stop()
	insert(t, pool, c, jobs.Insertion{Args: noted{2}}, jobs.Insertion{Args: noted{3}})
	if _, err := pool.Exec(t.Context(), "UPDATE jobs.river_job SET scheduled_at = now() - interval '100 s' WHERE args->>'number' = '2'"); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if g := f.GetMetric()[0].GetGauge(); g != nil {
			got[f.GetName()] = g.GetValue()
		}
	}
	if got["perfectworks_jobs_waiting"] != 2 || got["perfectworks_jobs_failed"] != 1 || got["perfectworks_jobs_running"] != 0 {
		t.Errorf("got %v", got)
	}
	if age := got["perfectworks_jobs_oldest_seconds"]; age < 100 || age > 200 {
		t.Errorf("the oldest is %v s old", age)
	}
}
