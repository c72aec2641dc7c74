package payments

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics measure, at the moment of a scrape, what of payments waits and what the last
// run of the reconciler found.
type metrics struct {
	service *Service

	pending, oldest, reconciled, differences, missed *prometheus.Desc
}

// Collector returns the metrics of payments, which are those of all processes on the
// database: one kind of process registers them.
func (s *Service) Collector() prometheus.Collector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("perfectworks_payment_"+name, help, nil, nil)
	}
	return &metrics{
		service:     s,
		pending:     describe("webhooks_waiting", "Webhooks that were answered and wait to be processed."),
		oldest:      describe("webhooks_oldest_seconds", "For how long the oldest webhook that is not processed has waited."),
		reconciled:  describe("reconciled_timestamp_seconds", "When the reconciler last came to its end; 0 for never."),
		differences: describe("differences", "Payments that differed from what the provider shows in the last run, and were not repaired."),
		missed:      describe("missed_events", "Events of the provider that no webhook had brought, in the last run."),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.pending, m.oldest, m.reconciled, m.differences, m.missed} {
		out <- d
	}
}

// metricsTimeout bounds the questions of a scrape to the database.
const metricsTimeout = 5 * time.Second

// Collect implements prometheus.Collector. Without the database it measures nothing.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
	defer cancel()
	var pending, oldest, reconciled, differences, missed float64
	err := m.service.Pool.QueryRow(ctx, `
		SELECT waiting.n, waiting.oldest, coalesce(extract(epoch FROM last.run_at), 0)::float8,
			coalesce(jsonb_array_length(jsonb_path_query_array(last.report, '$.drifts[*] ? (@.repaired == false)')), 0)::float8,
			coalesce((last.report ->> 'missed')::float8, 0)
		FROM (SELECT count(*)::float8 AS n, coalesce(extract(epoch FROM now() - min(received_at)), 0)::float8 AS oldest
			FROM payment_inbox WHERE state = 'pending') AS waiting
		LEFT JOIN (SELECT run_at, report FROM payment_reconciliations WHERE NOT dry_run ORDER BY run_at DESC LIMIT 1) AS last ON true`).
		Scan(&pending, &oldest, &reconciled, &differences, &missed)
	if err != nil {
		m.service.Logger.WarnContext(ctx, "payments cannot be measured", slog.Any("error", err))
		return
	}
	for d, value := range map[*prometheus.Desc]float64{
		m.pending: pending, m.oldest: oldest, m.reconciled: reconciled, m.differences: differences, m.missed: missed,
	} {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
}
