package httpapi

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi/admission"
)

const (
	// largeBody is the size from which on bodies are checked a few at a time, in
	// bytes.
	largeBody = 8 << 10
	// longestRest bounds how long a connection rests after a refusal.
	longestRest = time.Second
	// maxDoublings of a millisecond are about as long.
	maxDoublings = 10
)

// work lets a request work once there is a place for it. What the client sends
// has arrived by then: a slow one holds no place.
func (a *API) work(op *operation, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		name := x.principal.ID()
		if name == "" {
			name = network(x.client)
		}
		place, err := a.gate.Enter(r.Context(), name, string(x.principal.OrganizationID))
		if err != nil {
			a.refuse(w, r, crowded(err))
			return
		}
		defer place.Leave()
		x.place = place
		if op.body == streamedBody {
			err = crowded(place.Pause())
		} else {
			err = a.checkTaken(r, op)
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wait runs what only waits, such as for a job, without a place among those who
// work. How many may wait is for the caller of this function to bound.
func (a *API) wait(ctx context.Context, x *exchange, until func(context.Context) error) error {
	x.place.Yield()
	err := until(ctx)
	return errors.Join(err, x.place.Resume(ctx))
}

// crowded is the answer for an error of admission.
func crowded(err error) error {
	switch {
	case errors.Is(err, admission.ErrCallerBusy):
		return errConcurrencyLimited
	case errors.Is(err, admission.ErrBusy):
		return errBusy
	}
	return err
}

// newLargeBodies are the places for checking large bodies: half of the
// processors, so that small ones never wait for them.
func newLargeBodies() chan struct{} {
	return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
}

// connection is what is known of the connection that a request came on.
type connection struct {
	// refused counts the latest requests that were too many, less those that were
	// not.
	refused int
}

type connectionKey struct{}

// rest keeps a connection from the next request for a while, once requests on it
// are refused again and again because they are too many. The answer has been
// sent: a client that obeys it does not notice. Connections of proxies carry the
// requests of others as well, and do not rest.
func rest(w http.ResponseWriter, r *http.Request, x *exchange) {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok || !x.direct {
		return
	}
	if !x.tooMany {
		// Not all at once: of a flood some requests are always served.
		c.refused = max(0, c.refused-1)
		return
	}
	c.refused = min(c.refused+1, maxDoublings+1)
	// Doubled each time, from a millisecond on.
	pause := min(longestRest, time.Millisecond<<min(c.refused-1, maxDoublings))
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-stopping(r.Context()).Done():
	}
}
