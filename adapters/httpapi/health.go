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
	// Detail says more, for operators. It is shown to anybody.
	Detail string `json:"detail,omitempty"`
}

// readyTimeout bounds how long the parts are asked.
const readyTimeout = 5 * time.Second

// routeHealth answers whoever watches the process: /healthz that it is alive,
// /readyz whether all of it works.
func routeHealth(ready func(context.Context) []Check) (healthz, readyz http.HandlerFunc) {
	healthz = func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, struct {
			Status State `json:"status"`
		}{StateOK})
	}
	readyz = func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		checks := ready(ctx)
		status, body := http.StatusOK, struct {
			Status State   `json:"status"`
			Checks []Check `json:"checks"`
		}{StateOK, checks}
		for _, c := range checks {
			if worse(c.State, body.Status) {
				status, body.Status = http.StatusServiceUnavailable, c.State
			}
		}
		writeHealth(w, status, body)
	}
	return healthz, readyz
}

var severity = map[State]int{StateOK: 0, StateLagging: 1, StateStuck: 2, StateDown: 3}

func worse(a, b State) bool { return severity[a] > severity[b] }

func writeHealth(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", mediaJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = writeJSON(w, body) // An error means that nobody listens.
}
