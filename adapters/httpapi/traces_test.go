package httpapi_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/perfectworks/backend/app"
)

// spanCollector keeps the spans that it receives.
type spanCollector struct {
	mu    sync.Mutex
	spans map[string]span // by id
}

type span struct{ trace, parent, name string }

// ServeHTTP takes spans in as OTLP.
func (c *spanCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans[hex.EncodeToString(s.GetSpanId())] = span{
					hex.EncodeToString(s.GetTraceId()), hex.EncodeToString(s.GetParentSpanId()), s.GetName(),
				}
			}
		}
	}
}

// above returns the names above a span of a trace, the span's own first, up to what came
// from outside; none if there is no such span.
func (c *spanCollector) above(trace, name string) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.trace != trace || s.name != name {
			continue
		}
		for known := true; known; s, known = c.spans[s.parent] {
			names = append(names, s.name)
		}
		return names
	}
	return nil
}

// One trace reaches from the request through the command, the queue and the worker to
// the child process, and to what is projected of its result, also when the caller does not wait.
func TestTheWorkOnAFileIsTraced(t *testing.T) {
	t.Parallel()
	received := &spanCollector{spans: map[string]span{}}
	endpoint := httptest.NewServer(received)
	t.Cleanup(endpoint.Close)
	s := newWorld(t).start(func(c *app.Settings) { c.TraceEndpoint = endpoint.URL })
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	const waited, async = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"
	parent := func(trace string) []string { return []string{"Traceparent", "00-" + trace + "-00f067aa0ba902b7-01"} }
	ada.call(http.MethodPost, "/files/"+pdf+"/accessibility", "{}", parent(waited)...).data(t, 200)
	job := str(ada.call(http.MethodPost, "/files/"+pdf+"/analysis", "{}", append(parent(async), "Prefer", "respond-async")...).data(t, 202), "jobId")
	eventually(t, func() bool { return ada.get("/jobs/"+job).data(t, 200)["state"] == "completed" }, func() string { return job })
	s.stop() // It sends what is left.
	for trace, operation := range map[string][2]string{waited: {"accessibility", "process"}, async: {"analysis", "analyze"}} {
		request := "POST /api/v0/files/{fileId}/" + operation[0]
		for _, want := range [][]string{
			{"command RequestOperation", request},
			{"document " + operation[1], "work on file", request},
			{"command CompleteOperation", "work on file", request},
			{"project files", request},
			{"eventstore append"},
			{"postgresql query"},
		} {
			got := received.above(trace, want[0])
			if len(got) == 0 || len(want) > 1 && got[len(got)-1] != want[len(want)-1] {
				t.Errorf("%s: above %q are %q, want %q", operation[0], want[0], got, want)
			}
			if len(want) == 3 && (len(got) < 3 || got[1] != want[1]) {
				t.Errorf("%s: above %q are %q, want %q", operation[0], want[0], got, want)
			}
		}
	}
}
