package httpapi

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"
)

// An operation that declares how long it may take has that long to answer,
// whatever the server's own deadline; one that does not is cut off.
func TestDeadlinesOfOperations(t *testing.T) {
	t.Parallel()
	const serverDeadline, blocked = 300 * time.Millisecond, 900 * time.Millisecond
	h := newHarness(t, nil)
	block := func(_ context.Context, x *exchange, _ *struct{ Body *struct{} }) (reply[string], error) {
		ctx := x.http.Context()
		select {
		case <-ctx.Done(): // The body's deadline must not end it.
		case <-time.After(blocked):
		}
		return reply[string]{data: "done"}, ctx.Err()
	}
	op := operation{method: http.MethodPost, tag: tagUsers, summary: "Block", authorization: ownData(), message: "done", hidden: true}
	op.id, op.path = "blockShort", "/block/short"
	register(h.api, op, block)
	op.id, op.path, op.timeout = "blockLong", "/block/long", time.Minute
	register(h.api, op, block)

	h.api.bodyTimeout = serverDeadline
	server := &http.Server{Handler: h.api, WriteTimeout: serverDeadline, ReadHeaderTimeout: time.Second}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	h.URL = "http://" + listener.Addr().String()

	a := h.do(post(basePath + "/block/long").json(`{}`))
	if got := string(a.wantData(t, 200)); got != `"done"` {
		t.Errorf("got %s", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+basePath+"/block/short", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer alice")
	if res, err := h.Client().Do(r); err == nil {
		res.Body.Close()
		t.Errorf("an operation without a time of its own was answered with %d after the deadline", res.StatusCode)
	}
}

// What is not an envelope is documented as what it is.
func TestDocumentationOfOddOperations(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	register(h.api, operation{
		id: "swap", method: http.MethodPut, path: "/swap", tag: tagUsers, summary: "Swap", authorization: public(), message: "swapped",
		body: streamedBody, consumes: []string{"application/pdf"}, produces: []string{mediaCSV, "application/zip"},
	}, func(context.Context, *exchange, *struct{}) (reply[noEnvelope], error) {
		return reply[noEnvelope]{}, nil
	})
	document, err := h.api.specification()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct{ Content map[string]any }
			Responses   map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	op := d.Paths["/swap"]["put"]
	if got := op.RequestBody.Content; len(got) != 1 || got["application/pdf"] == nil {
		t.Errorf("takes %v", got)
	}
	if got := op.Responses["200"].Content; len(got) != 2 || got[mediaCSV] == nil || got["application/zip"] == nil {
		t.Errorf("gives %v", got)
	}
}
