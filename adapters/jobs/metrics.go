package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics measure the queue at the moment of a scrape, and the work of this
// process.
type metrics struct {
	client   *Client
	duration *prometheus.HistogramVec
	rescued  prometheus.Counter
	ran      *prometheus.GaugeVec
	interval *prometheus.GaugeVec

	waiting, running, failed, age *prometheus.Desc
}

func newMetrics(c *Client) *metrics {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("perfectworks_jobs_"+name, help, []string{"kind"}, nil)
	}
	m := &metrics{
		client: c,
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "perfectworks_job_attempt_seconds", Help: "How long attempts took in this process, by kind and outcome.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 120, 300},
		}, []string{"kind", "outcome"}),
		rescued: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "perfectworks_jobs_rescued_total", Help: "Jobs that this process took from processes that died.",
		}),
		ran: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "perfectworks_periodic_last_success_timestamp_seconds", Help: "When periodic work last ended well in this process, or else when the process began.",
		}, []string{"kind"}),
		interval: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "perfectworks_periodic_interval_seconds", Help: "How often periodic work is due.",
		}, []string{"kind"}),
		waiting: describe("waiting", "Jobs that wait for a worker, for their time or for their next attempt."),
		running: describe("running", "Jobs that are being worked, in all processes."),
		failed:  describe("failed", "Jobs that have failed and wait for a decision."),
		age:     describe("oldest_seconds", "For how long the oldest job that is due has waited."),
	}
	for _, p := range c.config.Periodic {
		kind := periodicArgs{p.Name}.Kind()
		m.ran.WithLabelValues(kind).SetToCurrentTime()
		m.interval.WithLabelValues(kind).Set(p.Every.Seconds())
	}
	return m
}

// The outcomes of an attempt.
const (
	outcomeDone        = "done"
	outcomeFailed      = "failed"
	outcomeInterrupted = "interrupted"
)

func (m *metrics) worked(kind string, err error, took time.Duration) {
	outcome := outcomeDone
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, ErrLeaseLost):
		outcome = outcomeInterrupted
	case err != nil:
		outcome = outcomeFailed
	}
	m.duration.WithLabelValues(kind, outcome).Observe(took.Seconds())
	if outcome == outcomeDone && strings.HasPrefix(kind, periodicPrefix) {
		m.ran.WithLabelValues(kind).SetToCurrentTime()
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.waiting, m.running, m.failed, m.age} {
		out <- d
	}
	m.duration.Describe(out)
	m.rescued.Describe(out)
	m.ran.Describe(out)
	m.interval.Describe(out)
}

// Collect implements prometheus.Collector. Without the database it leaves the
// queue out.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.duration.Collect(out)
	m.rescued.Collect(out)
	m.ran.Collect(out)
	m.interval.Collect(out)
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	lengths, err := m.client.Lengths(ctx)
	if err != nil {
		m.client.config.Logger.WarnContext(ctx, "the queue of jobs cannot be measured", slog.Any("error", err))
		return
	}
	for kind, l := range lengths {
		for desc, value := range map[*prometheus.Desc]float64{
			m.waiting: float64(l.Waiting), m.running: float64(l.Running), m.failed: float64(l.Failed), m.age: l.Oldest.Seconds(),
		} {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, kind)
		}
	}
}

// Length is how many jobs of a kind there are that have not ended well.
type Length struct {
	Waiting, Running, Failed int64
	// Oldest is for how long the oldest job that is due has waited.
	Oldest time.Duration
}

// Lengths measures the queue, by kind. Kinds that this program knows are always
// there.
func (c *Client) Lengths(ctx context.Context) (map[string]Length, error) {
	lengths := map[string]Length{}
	for name := range c.kinds {
		lengths[name] = Length{}
	}
	rows, err := c.config.Pool.Query(ctx, `
		SELECT kind, count(*) FILTER (WHERE state IN ('available', 'scheduled', 'retryable', 'pending')),
			count(*) FILTER (WHERE state = 'running'), count(*) FILTER (WHERE state = 'discarded'),
			coalesce(extract(epoch FROM now() - min(scheduled_at)
				FILTER (WHERE state IN ('available', 'scheduled', 'retryable') AND scheduled_at < now())), 0)::float8
		FROM jobs.river_job
		WHERE state IN ('available', 'scheduled', 'retryable', 'pending', 'running', 'discarded') GROUP BY kind`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var l Length
		var oldest float64
		if err := rows.Scan(&kind, &l.Waiting, &l.Running, &l.Failed, &oldest); err != nil {
			return nil, err
		}
		l.Oldest = time.Duration(oldest * float64(time.Second))
		lengths[kind] = l
	}
	return lengths, rows.Err()
}
