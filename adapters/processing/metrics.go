package processing

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/domain/file"
)

// metrics measure the queue at the moment of a scrape, and the work of this process.
type metrics struct {
	service  *Service
	pages    *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	failures *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	held, queued, age, files, stored *prometheus.Desc
}

func newMetrics(s *Service) *metrics {
	m := &metrics{
		service: s,
		pages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "perfectworks_file_pages_total", Help: "Pages of delivered results, by kind of operation.",
		}, []string{"kind"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "perfectworks_file_result_bytes_total", Help: "Bytes of delivered documents, by kind of operation.",
		}, []string{"kind"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "perfectworks_file_failures_total", Help: "Operations that ended without a result in this process, by kind and reason.",
		}, []string{"kind", "reason"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "perfectworks_file_operation_seconds", Help: "How long delivered results took in this process, from the fetch to the record.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"kind"}),
		held:   prometheus.NewDesc("perfectworks_file_operations_held", "Operations that wait for others of their organization.", nil, nil),
		queued: prometheus.NewDesc("perfectworks_file_operations_queued", "Operations that wait for a worker, or have one.", nil, nil),
		age:    prometheus.NewDesc("perfectworks_file_operations_oldest_seconds", "For how long the oldest operation that has not ended has been there.", nil, nil),
		files:  prometheus.NewDesc("perfectworks_files", "Files that are not deleted.", nil, nil),
		stored: prometheus.NewDesc("perfectworks_file_bytes", "Bytes of the contents of files that are not deleted.", nil, nil),
	}
	for _, kind := range []file.Kind{file.Analysis, file.Accessibility, file.Conversion} {
		m.pages.WithLabelValues(string(kind)) // From zero on, so that the first of each is an increase.
		m.bytes.WithLabelValues(string(kind))
		m.failures.WithLabelValues(string(kind), string(file.EngineFailed))
		m.seconds.WithLabelValues(string(kind))
	}
	return m
}

func (m *metrics) done(kind file.Kind, pages, bytes int64, took time.Duration) {
	m.pages.WithLabelValues(string(kind)).Add(float64(pages))
	m.bytes.WithLabelValues(string(kind)).Add(float64(bytes))
	m.seconds.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// failed counts an operation without a result. The kind is empty while it is not known.
func (m *metrics) failed(kind file.Kind, reason file.Reason) {
	m.failures.WithLabelValues(cmp.Or(string(kind), "unknown"), string(reason)).Inc()
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	m.pages.Describe(out)
	m.bytes.Describe(out)
	m.failures.Describe(out)
	m.seconds.Describe(out)
	out <- m.held
	out <- m.queued
	out <- m.age
	out <- m.files
	out <- m.stored
}

// metricsTimeout bounds the questions of a scrape to the database.
const metricsTimeout = 5 * time.Second

// Collect implements prometheus.Collector. Without the database it leaves out what is
// measured there.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.pages.Collect(out)
	m.bytes.Collect(out)
	m.failures.Collect(out)
	m.seconds.Collect(out)
	ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
	defer cancel()
	var held, queued, age float64
	if err := m.service.Pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE queued_at IS NULL)::float8, count(queued_at)::float8,
		coalesce(extract(epoch FROM now() - min(inserted_at)), 0)::float8 FROM file_jobs WHERE ended_at IS NULL`).Scan(&held, &queued, &age); err != nil {
		m.service.Logger.WarnContext(ctx, "the operations on files cannot be measured", slog.Any("error", err))
	} else {
		out <- prometheus.MustNewConstMetric(m.held, prometheus.GaugeValue, held)
		out <- prometheus.MustNewConstMetric(m.queued, prometheus.GaugeValue, queued)
		out <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, age)
	}
	if m.service.Stored == nil {
		return
	}
	count, bytes, err := m.service.Stored(ctx)
	if err != nil {
		m.service.Logger.WarnContext(ctx, "the files cannot be counted", slog.Any("error", err))
		return
	}
	out <- prometheus.MustNewConstMetric(m.files, prometheus.GaugeValue, float64(count))
	out <- prometheus.MustNewConstMetric(m.stored, prometheus.GaugeValue, float64(bytes))
}
