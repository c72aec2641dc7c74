package projections

import (
	"context"
	"testing"
)

// A build waits for the start of the server; meanwhile the old tables are served,
// and it is known that others come.
func TestABuildWaitsForTheStart(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	last := h.log.Append("counter-a", opened{"a", "A", 1})
	e := h.engine(h.config(counters(1)))
	stop := h.run(e)
	h.waitFor(e, "counters", last)
	stop()
	started := make(chan struct{})
	config := h.config(countersRenamed())
	config.BeforeBuild = func(ctx context.Context) {
		select {
		case <-started:
		case <-ctx.Done():
		}
	}
	e = h.engine(config)
	h.run(e)
	h.eventually("a build is announced", func() bool { s := h.status(e); return s.Building && s.Outdated })
	if n := h.count("SELECT count(*) FROM projection.generations WHERE state = 'building'"); n != 0 || h.liveVersion() != 1 {
		t.Errorf("%d generations are built already, version %d is live", n, h.liveVersion())
	}
	close(started)
	h.eventually("the new version is live", func() bool { return h.liveVersion() == 2 })
}
