package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// EventStore measures the use of the event store.
type EventStore struct {
	appends    *prometheus.HistogramVec
	appended   prometheus.Counter
	loads      *prometheus.HistogramVec
	reconnects prometheus.Counter
	drops      *prometheus.CounterVec
	fellOut    *prometheus.CounterVec
	wentBack   prometheus.Counter
}

// NewEventStore registers its metrics with the registry.
func NewEventStore(registry prometheus.Registerer) *EventStore {
	m := &EventStore{
		appends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "append_duration_seconds", Buckets: latencyBuckets,
			Help: "How long appends took in all their attempts, by outcome.",
		}, []string{"outcome"}),
		appended: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_appended_total",
			Help: "Events appended.",
		}),
		loads: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "stream_load_duration_seconds", Buckets: latencyBuckets,
			Help: "How long loading a stream took, by where the answer came from and outcome.",
		}, []string{"source", "outcome"}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "eventstore_reconnects_total",
			Help: "Lost connections to the event store that were replaced.",
		}),
		drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "subscription_drops_total",
			Help: "Subscriptions that ended and began again, by topic.",
		}, []string{"topic"}),
		fellOut: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "subscription_fell_out_total",
			Help: "How often a consumer did not keep up with the subscription that all share, and got one of its own until it had caught up, by topic.",
		}, []string{"topic"}),
		wentBack: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "eventstore_log_went_back_total",
			Help: "How often this process, its projections and its policies noticed that the log no longer holds what they wrote or read.",
		}),
	}
	registry.MustRegister(m.appends, m.appended, m.loads, m.reconnects, m.drops, m.fellOut, m.wentBack)
	for _, outcome := range outcomes { // From zero on, so that the first of each is an increase.
		m.appends.WithLabelValues(outcome)
	}
	return m
}

// Appended counts an append.
func (m *EventStore) Appended(events int, took time.Duration, err error) {
	m.appends.WithLabelValues(outcomeOf(err)).Observe(took.Seconds())
	if err == nil {
		m.appended.Add(float64(events))
	}
}

// Loaded counts a load of a stream.
func (m *EventStore) Loaded(_ int, cached bool, took time.Duration, err error) {
	source := "store"
	if cached {
		source = "cache"
	}
	m.loads.WithLabelValues(source, outcomeOf(err)).Observe(took.Seconds())
}

// Reconnected counts a replaced connection.
func (m *EventStore) Reconnected() { m.reconnects.Inc() }

// WentBack counts a log that lost events.
func (m *EventStore) WentBack() { m.wentBack.Inc() }

// Subscribed begins the counters of a topic at zero, so that their first increase is
// seen as one.
func (m *EventStore) Subscribed(topic string) {
	m.drops.WithLabelValues(topic)
	m.fellOut.WithLabelValues(topic)
}

// Dropped counts a subscription that begins again.
func (m *EventStore) Dropped(topic string, _ error) { m.drops.WithLabelValues(topic).Inc() }

// FellOut counts a consumer that leaves a shared subscription.
func (m *EventStore) FellOut(topic string) { m.fellOut.WithLabelValues(topic).Inc() }
