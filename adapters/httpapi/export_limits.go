package httpapi

import (
	"context"
	"net/http"
	"sync"
)

// maxExports is how many exports a process writes at once: each reads the whole
// streams of all that a person or an organization has to do with.
const maxExports = 4

// exportLimits bound the exports under way: one for each person or organization,
// and maxExports in all. It is safe for concurrent use; the zero value is ready.
type exportLimits struct {
	mu       sync.Mutex
	underWay map[string]bool
}

// enter begins an export, unless there are too many. The caller calls leave at its
// end.
func (l *exportLimits) enter(of string) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.underWay[of] {
		return nil, errConcurrencyLimited
	}
	if len(l.underWay) >= maxExports {
		return nil, errBusy
	}
	if l.underWay == nil {
		l.underWay = map[string]bool{}
	}
	l.underWay[of] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.underWay, of)
	}, nil
}

// limited is a raw answer within the limits.
func (l *exportLimits) limited(of string, raw *rawAnswer) *rawAnswer {
	write := raw.write
	raw.write = func(ctx context.Context, w *rawWriter, r *http.Request) error {
		leave, err := l.enter(of)
		if err != nil {
			return err
		}
		defer leave()
		return write(ctx, w, r)
	}
	return raw
}
