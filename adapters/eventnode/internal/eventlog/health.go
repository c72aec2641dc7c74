package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Bounds of what is logged about the database, however many writes fail.
const (
	// repeatAfter is how often it is repeated that a trouble goes on.
	repeatAfter = time.Minute
	// maxChanges is how many changes are logged in that time.
	maxChanges = 6
)

// errNotConnected is the trouble at the start.
var errNotConnected = fmt.Errorf("%w: not connected yet", ErrUnavailable)

// health is how the writer last found the database, for readiness and for the
// log.
type health struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	trouble error // nil when well
	logged  time.Time
	window  time.Time
	changes int
	omitted int // failures and changes that were not logged
}

func newHealth(log *slog.Logger) *health {
	return &health{log: log, now: time.Now, trouble: errNotConnected}
}

// check returns nil, or the error that a write would get.
func (h *health) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble
}

// refused says whether the database answers, but takes no writes. Only a write
// tells when that is over.
func (h *health) refused() bool {
	_, refused := answered(h.check())
	return refused
}

// well notes that a write succeeded.
func (h *health) well(ctx context.Context, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble == nil {
		return
	}
	h.trouble = nil
	if h.mayLogChange() {
		h.log.InfoContext(ctx, "event log can be written", slog.Int64("position", position), slog.Int("omitted", h.takeOmitted()))
	}
}

// ill notes a failure, wrapped as its callers get it.
func (h *health) ill(ctx context.Context, during string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := h.trouble == nil || kindOf(h.trouble) != kindOf(err)
	h.trouble = err
	if changed && h.mayLogChange() || h.now().Sub(h.logged) >= repeatAfter {
		h.logged = h.now()
		h.log.WarnContext(ctx, "event log cannot be written", slog.String("during", during), slog.Any("error", err),
			slog.Int("omitted", h.takeOmitted()))
		return
	}
	h.omitted++
}

// close ends it without a word.
func (h *health) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = ErrClosed
}

func (h *health) mayLogChange() bool {
	if now := h.now(); now.Sub(h.window) >= repeatAfter {
		h.window, h.changes = now, 0
	}
	if h.changes++; h.changes > maxChanges {
		h.omitted++
		return false
	}
	h.logged = h.now()
	return true
}

func (h *health) takeOmitted() int {
	n := h.omitted
	h.omitted = 0
	return n
}

// kindOf tells troubles apart by what Postgres answered. There are few of them.
func kindOf(err error) string {
	if answer, ok := answered(err); ok {
		return answer.Code
	}
	if errors.Is(err, errNotConnected) {
		return ""
	}
	return "lost"
}
