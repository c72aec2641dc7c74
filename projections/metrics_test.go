package projections

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	registry := prometheus.NewPedanticRegistry()
	config := h.config(counters(1))
	config.Registerer = registry
	e := h.engine(config)
	if got := h.gather(registry)["perfectworks_projection_owned"]; got != 0 {
		t.Errorf("owned before it runs: %v", got)
	}
	h.run(e)
	h.log.Append("counter-a", opened{"a", "A", 0}, poisonous{"a", "panic"})
	h.waitFor(e, "counters", h.log.Append("counter-a", counted{"a", 1}))
	var got map[string]float64
	h.eventually("it is live", func() bool {
		got = h.gather(registry)
		return got["perfectworks_projection_live"] == 1 && got["perfectworks_projection_commit_seconds"] >= 1
	})
	for name, want := range map[string]float64{
		"owned": 1, "live": 1, "stuck": 0, "lag_seconds": 0, "lag_bytes": 0, "lag_events": 0, "parked_events": 2, "events_total": 3,
		"building": 0, "build_failing": 0, "fenced_total": 0,
	} {
		if got["perfectworks_projection_"+name] != want {
			t.Errorf("%s is %v, want %v", name, got["perfectworks_projection_"+name], want)
		}
	}
}

// gather gives each metric's value, of a histogram the count.
func (h *harness) gather(registry *prometheus.Registry) map[string]float64 {
	h.t.Helper()
	families, err := registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			values[family.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}
