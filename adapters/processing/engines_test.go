package processing_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/file"
)

// equipped is a press on a machine that has another engine, too.
type equipped struct{ *press }

func (e equipped) Capabilities() documents.Capabilities {
	c := e.press.Capabilities()
	c.Engines = append(c.Engines, documents.EngineInfo{Name: "other", Version: "7"})
	return c
}

// An analysis is stored under the engine that was asked for. The worker may have found
// other engines than the process that serves the API: the next request is answered
// from what is stored all the same, and costs nothing.
func TestAnalysisOfAWorkerWithOtherEnginesIsNotPaidTwice(t *testing.T) {
	t.Parallel()
	var config processing.Config
	w := newWorkshop(t, func(c *processing.Config) { config = *c })
	config.Documents, config.Registerer = equipped{w.press}, prometheus.NewRegistry()
	worker, err := processing.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if worker.Engine() == w.Engine() {
		t.Fatalf("both have the engine %s", w.Engine())
	}
	w.queue = w.newQueue(worker)
	w.work()

	of := w.upload()
	analysis := func(_ *commands.Request, c *commands.RequestOperation) { c.Kind = file.Analysis }
	first := w.ask(of, analysis)
	if o := w.ended(of, first.Work.JobID); o.Phase != file.Completed {
		t.Fatalf("the analysis is %+v", o)
	}
	w.wantBalance(90, 0)

	again, err := w.do.RequestOperation(t.Context(), w.request(w.owner), commands.RequestOperation{FileID: of, Kind: file.Analysis})
	if err != nil {
		t.Fatal(err)
	}
	if !again.Value.Stored {
		t.Errorf("the analysis was requested again: %+v", again.Value.Operation)
	}
	w.wantBalance(90, 0)
}
