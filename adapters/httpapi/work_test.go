package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/admission"
)

// Ten calls of one client that block until something is done leave room for all
// the others, their own client's too.
func TestBlockingCallsHoldNoPlaces(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) {
		d.Admission = admission.Limits{Working: 2, PerCaller: 1, Patience: 10 * time.Second}
	})
	release, waiting := make(chan struct{}), make(chan struct{}, 10)
	register(h.api, operation{
		id: "block", method: http.MethodPost, path: "/block", tag: tagUsers, summary: "Block",
		authorization: ownData(), message: "done", hidden: true, timeout: time.Minute,
	}, func(ctx context.Context, x *exchange, _ *struct{}) (reply[string], error) {
		return reply[string]{data: "done"}, h.api.wait(ctx, x, func(context.Context) error {
			waiting <- struct{}{}
			<-release
			return nil
		})
	})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if a := h.do(post("/api/v0/block")); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	for range 10 {
		<-waiting
	}
	h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, http.StatusCreated)
	close(release)
	all.Wait()
}

// Ten calls of a client that wait for operations always fit, whatever others do; what
// it has beyond that is bounded.
func TestTenOfAClientAlwaysWait(t *testing.T) {
	t.Parallel()
	var w crowd
	enter := func(caller string, n int) (in int, leave func()) {
		var all []func()
		for range n {
			if out, free := w.enter(caller); free {
				all = append(all, out)
			}
		}
		return len(all), func() {
			for _, out := range all {
				out()
			}
		}
	}
	in, leave := enter("greedy", maxWaitingPerCaller+1)
	if in != maxWaitingPerCaller {
		t.Errorf("%d calls of one client wait", in)
	}
	leave()
	var others []func()
	for i := range maxWaiting / maxWaitingPerCaller {
		_, leave := enter(fmt.Sprint(i), maxWaitingPerCaller)
		others = append(others, leave)
	}
	if in, leave = enter("late", alwaysWaiting+1); in != alwaysWaiting {
		t.Errorf("when others fill all places, %d calls of a client fit", in)
	}
	leave()
	for _, leave := range others {
		leave()
	}
	if w.all != 0 || len(w.byCaller) != 0 {
		t.Errorf("%d wait, of %v", w.all, w.byCaller)
	}
}

// What works is bounded for each caller and in all; the rest is told when to
// come back.
func TestTooManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) {
		d.Admission = admission.Limits{Working: 2, PerCaller: 1, PerOrganization: 2, Queued: 1, QueuedPerCaller: 1, Patience: time.Millisecond}
	})
	release, working := make(chan struct{}), make(chan struct{}, 2)
	register(h.api, operation{
		id: "work", method: http.MethodPost, path: "/work", tag: tagUsers, summary: "Work",
		authorization: anyIdentity(), message: "done", hidden: true, timeout: time.Minute,
	}, func(context.Context, *exchange, *struct{}) (reply[string], error) {
		working <- struct{}{}
		<-release
		return reply[string]{data: "done"}, nil
	})
	var all sync.WaitGroup
	for _, caller := range []string{"alice", "bob"} {
		all.Go(func() { h.do(post("/api/v0/work").as(caller)).wantData(t, http.StatusOK) })
		<-working
	}
	for caller, want := range map[string]string{"alice": "429 CONCURRENCY_LIMIT_EXCEEDED", "stranger": "503 SERVER_BUSY"} {
		a := h.do(post("/api/v0/work").as(caller))
		status, code, _ := strings.Cut(want, " ")
		e := a.wantError(t, map[string]int{"429": 429, "503": 503}[status], code)
		if a.header.Get("Retry-After") != "1" || e.Error.Code != code {
			t.Errorf("%s: %v", caller, a.header)
		}
	}
	close(release)
	all.Wait()
	h.do(post("/api/v0/api-keys").json(`{}`)).wantData(t, http.StatusCreated)
}

// Who goes on asking after a refusal is answered at once, and then not read from
// for a while; a connection with nothing refused never rests.
func TestConnectionsRestAfterRefusals(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, func(d *Deps) { d.RateLimits = RateLimits{PerAddress: Quota{1, time.Hour}} })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Server{Handler: h.api, Logger: h.api.logger}.Serve(ctx, listener) }()
	h.URL = "http://" + listener.Addr().String()

	h.do(get("/nothing")).wantError(t, 404, "ROUTE_NOT_FOUND")
	begun := time.Now()
	for range 10 {
		h.do(get("/nothing")).wantError(t, 429, "RATE_LIMIT_EXCEEDED")
	}
	// 1 + 2 + 4 … + 256 ms.
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("ten refusals on one connection took %v", took)
	}
	// Stopping does not wait for connections that rest.
	for range 2 {
		h.do(get("/nothing"))
	}
	begun = time.Now()
	stop()
	if err := <-served; err != nil || time.Since(begun) > 5*time.Second {
		t.Errorf("stopped after %v with %v", time.Since(begun), err)
	}
}
