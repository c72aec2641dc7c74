package eventnode_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.Registerer = registry }))
	client := rawClient(t, node)
	appendEvents(t, client, "s", event(), event(), event())
	call := subscribe(testContext(t), t, client)
	until(t, call, "caught up")

	err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP perfectworks_eventnode_commit_failures_total Group commits that failed as a whole.
# TYPE perfectworks_eventnode_commit_failures_total counter
perfectworks_eventnode_commit_failures_total 0
# HELP perfectworks_eventnode_events_sent_total Events sent to readers and subscribers.
# TYPE perfectworks_eventnode_events_sent_total counter
perfectworks_eventnode_events_sent_total 3
# HELP perfectworks_eventnode_events_written_total Events written.
# TYPE perfectworks_eventnode_events_written_total counter
perfectworks_eventnode_events_written_total 3
# HELP perfectworks_eventnode_subscribers Subscriptions being served.
# TYPE perfectworks_eventnode_subscribers gauge
perfectworks_eventnode_subscribers 1
`), "perfectworks_eventnode_commit_failures_total", "perfectworks_eventnode_events_sent_total",
		"perfectworks_eventnode_events_written_total", "perfectworks_eventnode_subscribers")
	if err != nil {
		t.Error(err)
	}
	if _, err := eventnode.New(t.Context(), eventnode.Config{Pool: node.Pool, Registerer: registry}); err == nil {
		t.Error("two nodes share the metrics of one registry")
	}
	node.Restart() // needs the metrics of the stopped node out of the way
}
