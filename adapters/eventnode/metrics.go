package eventnode

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a node. It observes the log.
type metrics struct {
	commitSeconds  prometheus.Histogram
	commitWrites   prometheus.Histogram
	commitFailures prometheus.Counter
	events         prometheus.Counter
	subscribers    prometheus.Gauge
	eventsSent     prometheus.Counter
}

func newMetrics() *metrics {
	name := func(name string) string { return prometheus.BuildFQName("perfectworks", "eventnode", name) }
	return &metrics{
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("commit_duration_seconds"), Help: "Time of a group commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		commitWrites: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("commit_writes"), Help: "Appends and deletions in a group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: name("commit_failures_total"), Help: "Group commits that failed as a whole.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: name("events_written_total"), Help: "Events written.",
		}),
		subscribers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: name("subscribers"), Help: "Subscriptions being served.",
		}),
		eventsSent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: name("events_sent_total"), Help: "Events sent to readers and subscribers.",
		}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.commitSeconds, m.commitWrites, m.commitFailures, m.events, m.subscribers, m.eventsSent}
}

// register hands the metrics to a registry, which may be nil, or none of them.
func (m *metrics) register(registerer prometheus.Registerer) error {
	if registerer == nil {
		return nil
	}
	for i, collector := range m.all() {
		if err := registerer.Register(collector); err != nil {
			for _, registered := range m.all()[:i] {
				registerer.Unregister(registered)
			}
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

func (m *metrics) unregister(registerer prometheus.Registerer) {
	if registerer == nil {
		return
	}
	for _, collector := range m.all() {
		registerer.Unregister(collector)
	}
}

// Committed implements eventlog.Observer.
func (m *metrics) Committed(writes, events int, took time.Duration, err error) {
	m.commitSeconds.Observe(took.Seconds())
	m.commitWrites.Observe(float64(writes))
	m.events.Add(float64(events))
	if err != nil {
		m.commitFailures.Inc()
	}
}
