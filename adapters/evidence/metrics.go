package evidence

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics show the taking of checkpoints. They are safe for concurrent use.
type Metrics struct {
	events, at prometheus.Gauge
	refused    *prometheus.GaugeVec
}

// Reasons for which no checkpoint is taken.
const (
	reasonLog       = "log"
	reasonStore     = "store"
	reasonSignature = "signature"
	reasonFailure   = "failure"
)

// NewMetrics returns metrics, which are registered unless the registry is nil.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		events: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "perfectworks_checkpoint_events", Help: "Events that the newest checkpoint of the event log covers, as far as this process took it.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "perfectworks_checkpoint_timestamp_seconds", Help: "When this process last made sure that all events were covered by a checkpoint.",
		}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "perfectworks_checkpoint_refused",
			Help: "1 while no checkpoint can be taken: the log, the store or the signature is not what it was, or a failure.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{reasonLog, reasonStore, reasonSignature, reasonFailure} {
		m.refused.WithLabelValues(reason)
	}
	if registry != nil {
		registry.MustRegister(m.events, m.at, m.refused)
	}
	return m
}

// Took notes how the taking of a checkpoint ended.
func (m *Metrics) Took(c Checkpoint, now time.Time, err error) {
	reason := reasonOf(err)
	for _, each := range []string{reasonLog, reasonStore, reasonSignature, reasonFailure} {
		value := 0.0
		if each == reason {
			value = 1
		}
		m.refused.WithLabelValues(each).Set(value)
	}
	if err == nil {
		m.events.Set(float64(c.Size))
		m.at.Set(float64(now.Unix()))
	}
}

func reasonOf(err error) string {
	var tile *TileError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrLogChanged):
		return reasonLog
	case errors.Is(err, ErrStoreWentBack), errors.As(err, &tile):
		return reasonStore
	case errors.Is(err, ErrSignature), errors.Is(err, ErrCheckpoint):
		return reasonSignature
	}
	return reasonFailure
}

// Refused reports whether an error of Take is no failure that may pass, but says that
// the log or the store is not what it was.
func Refused(err error) bool {
	reason := reasonOf(err)
	return reason != "" && reason != reasonFailure
}
