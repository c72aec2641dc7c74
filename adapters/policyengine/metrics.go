package policyengine

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics measure the policies at the moment of a scrape, whichever process runs
// them.
type metrics struct {
	engine                *Engine
	lagSeconds, live      *prometheus.Desc
	stopped, insertedJobs *prometheus.Desc
}

func newMetrics(e *Engine) *metrics {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("perfectworks_policy_"+name, help, []string{"policy"}, nil)
	}
	return &metrics{
		engine:       e,
		lagSeconds:   describe("lag_seconds", "For how long it has been seen behind the log."),
		live:         describe("live", "1 when it has caught up with the log and a process runs it."),
		stopped:      describe("stopped", "1 when it waits for an operator."),
		insertedJobs: describe("jobs_total", "Jobs that it has led to."),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.lagSeconds, m.live, m.stopped, m.insertedJobs} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Without the database or the store it
// measures nothing.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	all, err := m.engine.Status(ctx)
	if err != nil {
		m.engine.config.Logger.WarnContext(ctx, "the policies cannot be measured", slog.Any("error", err))
		return
	}
	for _, s := range all {
		if s.State == StateUnknown {
			continue
		}
		gauge := func(d *prometheus.Desc, value float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.Policy)
		}
		gauge(m.lagSeconds, s.Lag.Seconds())
		gauge(m.live, oneIf(s.State == StateLive))
		gauge(m.stopped, oneIf(s.State == StateStopped))
		out <- prometheus.MustNewConstMetric(m.insertedJobs, prometheus.CounterValue, float64(s.Jobs), s.Policy)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
