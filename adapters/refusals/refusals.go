// Package refusals tells the event log what was tried and refused. The first
// refusal of each principal, operation, code and minute is told at once; the rest
// are counted, and the count is told a while later.
package refusals

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/refusal"
)

const (
	// maxKinds bounds the kinds that are remembered, and so the events of a
	// minute. Refusals of further kinds are in the metrics only.
	maxKinds = 4096
	// flushEvery is how often counts are told.
	flushEvery = 10 * time.Second
	// tellTimeout bounds the telling of one kind, and lastTimeout that of all at the
	// end.
	tellTimeout = 5 * time.Second
	lastTimeout = 5 * time.Second
)

// Recorder collects refusals. It is safe for concurrent use.
type Recorder struct {
	record commands.Handler[commands.RecordRefusals, refusal.State]
	logger *slog.Logger
	wake   chan struct{}

	mu    sync.Mutex
	kinds map[refusal.ID]*counted
	// unrecorded counts the refusals of kinds for which there was no room.
	unrecorded int64
}

// counted is a kind in this process: how many refusals are not told yet.
type counted struct {
	request commands.Request // of the first
	kind    refusal.Kind
	told    bool
	untold  int64
}

// New returns a Recorder that tells by a command while Run runs.
func New(record commands.Handler[commands.RecordRefusals, refusal.State], logger *slog.Logger) *Recorder {
	return &Recorder{record: record, logger: logger, wake: make(chan struct{}, 1), kinds: map[refusal.ID]*counted{}}
}

// Note collects a refusal of the request's principal. It does no I/O and does not
// wait.
func (r *Recorder) Note(request commands.Request, kind refusal.Kind) {
	kind.Minute = time.Now().UTC().Truncate(refusal.Window)
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.kinds[kind.ID()]
	if !ok {
		if len(r.kinds) >= maxKinds {
			r.unrecorded++
			return
		}
		request.Seed = commands.Seed{}
		c = &counted{request: request, kind: kind}
		r.kinds[kind.ID()] = c
	}
	c.untold++
	if !c.told {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Unrecorded is how many refusals were of further kinds than are remembered: no event
// tells of them.
func (r *Recorder) Unrecorded() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unrecorded
}

// Run tells of refusals until ctx ends, and then of those that are left.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-r.wake:
			r.tell(ctx, false)
		case <-ticker.C:
			r.tell(ctx, true)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
			defer cancel()
			r.tell(last, true)
			return
		}
	}
}

// tell tells of the kinds that are new, or of all, and forgets those of minutes
// that are over. What could not be told is kept for the next time.
func (r *Recorder) tell(ctx context.Context, all bool) {
	for _, c := range r.due(all) {
		err := ctx.Err()
		if err == nil {
			err = r.tellOf(ctx, c)
		}
		if err != nil {
			r.logger.WarnContext(ctx, "refused commands could not be recorded yet", "operation", c.kind.Operation, "error", err)
			r.putBack(c)
		}
	}
}

// putBack keeps what could not be told for the next time.
func (r *Recorder) putBack(c counted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.kinds[c.kind.ID()]
	if !ok {
		k = &counted{request: c.request, kind: c.kind}
		r.kinds[c.kind.ID()] = k
	}
	k.told, k.untold = false, k.untold+c.untold
}

// due takes what is to be told.
func (r *Recorder) due(all bool) []counted {
	r.mu.Lock()
	defer r.mu.Unlock()
	minute := time.Now().UTC().Truncate(refusal.Window)
	var due []counted
	for name, c := range r.kinds {
		if c.untold > 0 && (all || !c.told) {
			due = append(due, *c)
			c.told, c.untold = true, 0
		}
		if all && c.kind.Minute.Before(minute) {
			delete(r.kinds, name)
		}
	}
	return due
}

func (r *Recorder) tellOf(ctx context.Context, c counted) error {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	command, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	c.request.ID, c.request.Now, c.request.Retry = event.ID(command), time.Now().UTC(), false
	_, err = r.record(ctx, c.request, commands.RecordRefusals{Kind: c.kind, Count: c.untold})
	return err
}
