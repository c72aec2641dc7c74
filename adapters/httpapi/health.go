package httpapi

import (
	"context"
	"net/http"
	"time"
)

// State is how a part of the system is.
type State string

// The states. A part that lags is at work and behind; one that is stuck does
// not get on; one that is down does not answer.
const (
	StateOK      State = "ok"
	StateLagging State = "lagging"
	StateStuck   State = "stuck"
	StateDown    State = "down"
)

// Check is the state of one part.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Detail says more, for operators.
	Detail string `json:"detail,omitempty"`
}

// readyTimeout bounds how long the parts are asked.
const readyTimeout = 5 * time.Second

// healthz answers that the process is alive.
func healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, health{Status: StateOK})
	})
}

// health is what is answered of the whole, and for operators of the parts.
type health struct {
	Status State   `json:"status"`
	Checks []Check `json:"checks,omitempty"`
}

// readyz answers whether all parts work.
func readyz(ready func(context.Context) []Check, detailed bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		checks := ready(ctx)
		status, body := http.StatusOK, health{Status: StateOK}
		for _, c := range checks {
			if worse(c.State, body.Status) {
				status, body.Status = http.StatusServiceUnavailable, c.State
			}
		}
		if detailed {
			body.Checks = checks
		}
		writeHealth(w, status, body)
	})
}

// sharedFor is for how long the state of the parts is taken for that of now when
// anybody may ask for it: asking costs work.
const sharedFor = time.Second / 2

// shared lets all who ask at about the same time have one answer.
func shared(ready func(context.Context) []Check) func(context.Context) []Check {
	var (
		asking = make(chan struct{}, 1)
		asked  time.Time
		checks []Check
	)
	return func(ctx context.Context) []Check {
		select {
		case asking <- struct{}{}:
			defer func() { <-asking }()
		case <-ctx.Done():
			return []Check{{Name: "readiness", State: StateDown}}
		}
		if time.Since(asked) > sharedFor {
			// For the others too, whatever becomes of this request.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
			defer cancel()
			checks, asked = ready(ctx), time.Now()
		}
		return checks
	}
}

var severity = map[State]int{StateOK: 0, StateLagging: 1, StateStuck: 2, StateDown: 3}

func worse(a, b State) bool { return severity[a] > severity[b] }

func writeHealth(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = writeJSON(w, body) // An error means that nobody listens.
}
