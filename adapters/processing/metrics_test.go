package processing_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, func(c *processing.Config) {
		c.Stored = func(context.Context) (files, bytes int64, err error) { return 3, 4096, nil }
	})
	stop := w.work()
	for _, kind := range []file.Kind{file.Analysis, file.Accessibility} {
		of := w.upload()
		w.ended(of, w.ask(of, func(_ *commands.Request, c *commands.RequestOperation) { c.Kind = kind }).Work.JobID)
	}
	w.press.set(func(context.Context, documents.Source, *os.File) error {
		return &documents.FileError{Problem: documents.Damaged, Message: "A sentence."}
	})
	of := w.upload()
	w.ended(of, w.ask(of).Work.JobID)
	stop()
	for range 3 {
		w.enqueue(newID[id.Organization](t), true)
	}
	for range 5 {
		w.enqueue(w.owner.OrganizationID, true)
	}
	if err := testutil.GatherAndCompare(w.registry, strings.NewReader(`
		# HELP perfectworks_file_bytes Bytes of the contents of files that are not deleted.
		# TYPE perfectworks_file_bytes gauge
		perfectworks_file_bytes 4096
		# HELP perfectworks_file_failures_total Operations that ended without a result in this process, by kind and reason.
		# TYPE perfectworks_file_failures_total counter
		perfectworks_file_failures_total{kind="accessibility",reason="DOCUMENT_UNREADABLE"} 1
		perfectworks_file_failures_total{kind="accessibility",reason="ENGINE_FAILED"} 0
		perfectworks_file_failures_total{kind="analysis",reason="ENGINE_FAILED"} 0
		perfectworks_file_failures_total{kind="conversion",reason="ENGINE_FAILED"} 0
		# HELP perfectworks_file_operations_held Operations that wait for others of their organization.
		# TYPE perfectworks_file_operations_held gauge
		perfectworks_file_operations_held 3
		# HELP perfectworks_file_operations_queued Operations that wait for a worker, or have one.
		# TYPE perfectworks_file_operations_queued gauge
		perfectworks_file_operations_queued 5
		# HELP perfectworks_file_pages_total Pages of delivered results, by kind of operation.
		# TYPE perfectworks_file_pages_total counter
		perfectworks_file_pages_total{kind="accessibility"} 2
		perfectworks_file_pages_total{kind="analysis"} 2
		perfectworks_file_pages_total{kind="conversion"} 0
		# HELP perfectworks_file_result_bytes_total Bytes of delivered documents, by kind of operation.
		# TYPE perfectworks_file_result_bytes_total counter
		perfectworks_file_result_bytes_total{kind="accessibility"} 24
		perfectworks_file_result_bytes_total{kind="analysis"} 0
		perfectworks_file_result_bytes_total{kind="conversion"} 0
		# HELP perfectworks_files Files that are not deleted.
		# TYPE perfectworks_files gauge
		perfectworks_files 3
	`), "perfectworks_file_bytes", "perfectworks_file_failures_total", "perfectworks_file_operations_held", "perfectworks_file_operations_queued", "perfectworks_file_pages_total",
		"perfectworks_file_result_bytes_total", "perfectworks_files"); err != nil {
		t.Error(err)
	}
	all, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, family := range all {
		for _, m := range family.GetMetric() {
			found[family.GetName()] += m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if found["perfectworks_file_operations_oldest_seconds"] <= 0 || found["perfectworks_file_operation_seconds"] != 2 {
		t.Errorf("the oldest has been there for %v s, and %v were timed",
			found["perfectworks_file_operations_oldest_seconds"], found["perfectworks_file_operation_seconds"])
	}
}
