package projections

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/domain/event"
)

// collector measures the projections of one engine at the moment of a scrape.
type collector struct {
	engine  *Engine
	commits *prometheus.HistogramVec
	events  *prometheus.CounterVec
	fenced  *prometheus.CounterVec
	backlog *backlog

	owned, live, stuck, lagSeconds, lagBytes, lagEvents, parked, wentBack, building, buildFailing *prometheus.Desc
}

func newCollector(e *Engine) *collector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("perfectworks_projection_"+name, help, []string{"projection"}, nil)
	}
	return &collector{
		engine:  e,
		backlog: newBacklog(e.unreadAfter),
		commits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "perfectworks_projection_commit_seconds", Help: "Time to write a batch of events into a read model.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"projection"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "perfectworks_projection_events_total", Help: "Events taken in by this process, in rebuilds too.",
		}, []string{"projection"}),
		fenced: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "perfectworks_projection_fenced_total", Help: "Batches of this process that were refused because another process had moved on.",
		}, []string{"projection"}),
		owned:      describe("owned", "1 when this process projects it; the other measures are then its own."),
		live:       describe("live", "1 when it has caught up with the log."),
		stuck:      describe("stuck", "1 when it has not advanced for a while because of a failure."),
		lagSeconds: describe("lag_seconds", "For how long the oldest event not yet projected may have waited."),
		lagBytes:   describe("lag_bytes", "How much of the log is still to be read."),
		lagEvents:  describe("lag_events", "Events that it has yet to take in, counted up to 1000 and at most every 10 s."),
		wentBack:   describe("log_went_back", "1 when it shows what the log no longer holds."),
		parked:     describe("parked_events", "Events that it could not take in or that wait behind such."),
		building:   describe("building", "1 while this process builds tables of its version."),

		buildFailing: describe("build_failing", "1 while such a build makes no progress because of a failure."),
	}
}

// tracker makes a tracker that counts for a projection.
func (c *collector) tracker(projection string) *tracker {
	return &tracker{
		changed: make(chan struct{}),
		commits: c.commits.WithLabelValues(projection), events: c.events.WithLabelValues(projection),
		fenced: c.fenced.WithLabelValues(projection),
	}
}

func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.owned, c.live, c.stuck, c.lagSeconds, c.lagBytes, c.lagEvents, c.parked, c.wentBack, c.building, c.buildFailing} {
		out <- d
	}
	c.commits.Describe(out)
	c.events.Describe(out)
	c.fenced.Describe(out)
}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.engine.head.mu.Lock()
	head := c.engine.head.position
	c.engine.head.mu.Unlock()
	now := time.Now()
	behind := map[string]event.Position{}
	for name, t := range c.engine.trackers {
		own := t.observe()
		gauge := func(d *prometheus.Desc, value float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, name)
		}
		gauge(c.owned, oneIf(own.owner))
		gauge(c.wentBack, oneIf(own.lost))
		gauge(c.building, oneIf(own.building))
		gauge(c.buildFailing, oneIf(own.buildFailure != ""))
		if !own.owner {
			continue
		}
		s := Status{Projection: name, Position: own.position, Head: head, FailingSince: own.failingSince}
		c.engine.assess(&s, own.observation, now)
		gauge(c.live, oneIf(s.State == StateLive))
		gauge(c.stuck, oneIf(s.State == StateStuck))
		gauge(c.lagSeconds, s.Lag.Seconds())
		gauge(c.lagBytes, float64(s.LagBytes))
		if s.LagBytes > 0 {
			behind[name] = own.position
		} else {
			gauge(c.lagEvents, 0)
		}
		gauge(c.parked, float64(own.parkedEvents))
	}
	for name, events := range c.backlog.count(behind, head, now) {
		out <- prometheus.MustNewConstMetric(c.lagEvents, prometheus.GaugeValue, float64(events), name)
	}
	c.commits.Collect(out)
	c.events.Collect(out)
	c.fenced.Collect(out)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// register adds the engine's metrics to the configured registry, if any.
func (c *collector) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	if err := r.Register(c); err != nil {
		return errors.Join(errors.New("register the metrics of projections"), err)
	}
	return nil
}
