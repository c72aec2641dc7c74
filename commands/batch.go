package commands

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Bounds of one append that several commands share. An append of the store is at
// most 1 MiB.
const (
	maxBatchCommands = 64
	maxBatchEvents   = 256
)

// batchTimeout bounds the work for one batch, which no single caller can cancel.
const batchTimeout = 20 * time.Second

// lines lets commands on a busy stream share their appends: while one append is
// under way, commands that come wait in line, and the next append takes them
// all. Each is decided after the one before it, on the state which that one
// leaves behind. It is the same idea as the group commit of a database.
//
// Commands that go through a line are recognised when they are repeated by what
// the aggregate itself remembers of them, not by their events' ids.
type lines struct {
	mu    sync.Mutex
	lines map[string]*line
	// contended holds until when it is likely that other processes write to a
	// stream.
	contended map[string]time.Time
	turns     Turns
}

func newLines(turns Turns) *lines {
	return &lines{lines: map[string]*line{}, contended: map[string]time.Time{}, turns: turns}
}

// Turns lets processes that write to one stream go one after another, so that
// their batches do not defeat each other. It is only a hint: the store decides.
type Turns interface {
	// Take waits for the turn on a stream, a short while at most. The caller ends
	// the turn by calling end.
	Take(ctx context.Context, stream string) (end func())
}

// contention is how long a lost race speaks for the next one.
const contention = 2 * time.Second

// isContended tells whether other processes write to a stream.
func (l *lines) isContended(stream string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.contended[stream])
}

// lost notes a lost race.
func (l *lines) lost(stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for other, until := range l.contended {
		if now.After(until) {
			delete(l.contended, other)
		}
	}
	l.contended[stream] = now.Add(contention)
}

// takeTurn waits for the turn among processes.
func (l *lines) takeTurn(ctx context.Context, stream string) (end func()) {
	if l.turns == nil {
		return func() {}
	}
	return l.turns.Take(ctx, stream)
}

// line is the commands that wait for one stream. It exists while there is work.
type line struct {
	waiting []*ticket
}

// ticket is one command in line.
type ticket struct {
	ctx          context.Context
	req          Request
	organization id.Organization
	decide       func(any) ([]event.Event, error)

	state    any
	revision event.Revision
	position event.Position
	err      error
	done     chan struct{}
}

// inLine carries out a decision about a busy aggregate, together with others. A
// repeated command must be recognised by the decision itself. When the caller
// goes away before its turn, nothing happens; after that the command goes on.
func inLine[S any](ctx context.Context, x *executor, req Request, of reference[S], organization id.Organization, decide func(S) ([]event.Event, error)) (outcome[S], error) {
	if of.malformed != nil {
		return outcome[S]{}, of.malformed
	}
	t := &ticket{
		ctx: ctx, req: req, organization: organization, done: make(chan struct{}),
		decide: func(s any) ([]event.Event, error) { return decide(s.(S)) }, //nolint:forcetypeassert // The fold is that of ref.
	}
	b := batch{x: x, category: of.category, stream: of.stream, fold: of.fold}
	if x.lines.join(of.stream, t) {
		go b.serve(context.WithoutCancel(ctx))
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return outcome[S]{}, fmt.Errorf("wait for the %s: %w", of.category, ctx.Err())
	}
	if t.err != nil {
		return outcome[S]{}, t.err
	}
	return outcome[S]{State: t.state.(S), Revision: t.revision, Position: t.position}, nil //nolint:forcetypeassert // See above.
}

// join puts a command in line. It reports whether the caller has to serve it.
func (l *lines) join(stream string, t *ticket) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q, busy := l.lines[stream]
	if !busy {
		q = &line{}
		l.lines[stream] = q
	}
	q.waiting = append(q.waiting, t)
	return !busy
}

// next returns the commands that stand first in line. When there are none the
// line ends.
func (l *lines) next(stream string) []*ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.lines[stream]
	n := min(len(q.waiting), maxBatchCommands)
	if n == 0 {
		delete(l.lines, stream)
		return nil
	}
	taken := q.waiting[:n]
	q.waiting = append([]*ticket(nil), q.waiting[n:]...)
	return taken
}

// putBack returns commands that did not fit to the head of the line.
func (l *lines) putBack(stream string, rest []*ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.lines[stream]
	q.waiting = append(append([]*ticket(nil), rest...), q.waiting...)
}

// batch carries out the commands that wait for a stream.
type batch struct {
	x        *executor
	category string
	stream   string
	fold     Fold
}

// serve works until nobody waits.
func (b batch) serve(ctx context.Context) {
	for {
		tickets := b.x.lines.next(b.stream)
		if tickets == nil {
			return
		}
		b.round(ctx, tickets)
	}
}

// round carries out some commands. Where other processes write too, a cached
// state is likely to be behind, and it takes its turn among them.
func (b batch) round(ctx context.Context, tickets []*ticket) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	waiting := tickets[:0:0]
	for _, t := range tickets {
		if err := t.ctx.Err(); err != nil {
			t.end(fmt.Errorf("wait for the %s: %w", b.category, err))
			continue
		}
		waiting = append(waiting, t)
	}
	contended := b.x.lines.isContended(b.stream)
	for range attempts {
		if len(waiting) == 0 {
			return
		}
		decided, err := b.inTurn(ctx, waiting, contended)
		if err == nil {
			b.x.lines.putBack(b.stream, waiting[decided:])
			for _, t := range waiting[:decided] {
				close(t.done)
			}
			return
		}
		if !errors.Is(err, ErrWrongRevision) {
			for _, t := range waiting {
				t.end(err)
			}
			return
		}
		b.x.lines.lost(b.stream)
		contended = true
	}
	for _, t := range waiting {
		t.end(ErrContended)
	}
}

// inTurn is attempt, in turn with other processes if there are any.
func (b batch) inTurn(ctx context.Context, waiting []*ticket, contended bool) (decided int, err error) {
	if contended {
		defer b.x.lines.takeTurn(ctx, b.stream)()
	}
	return b.attempt(ctx, waiting, contended)
}

// run decides. A panic ends only the command that caused it: nobody else's
// request is there to recover it.
func (t *ticket) run(state any) (events []event.Event, err error) {
	defer func() {
		if v := recover(); v != nil {
			events, err = nil, fmt.Errorf("panic in a decision: %v\n%s", v, debug.Stack())
		}
	}()
	return t.decide(state)
}

func (t *ticket) end(err error) {
	t.err = err
	close(t.done)
}

// attempt decides and appends. It returns how many of the commands were carried
// out: an append does not take more than it can hold. Its error wraps
// ErrWrongRevision when another process was faster.
func (b batch) attempt(ctx context.Context, waiting []*ticket, fresh bool) (decided int, err error) {
	at, err := b.x.streams.Load(ctx, b.stream, b.fold, fresh)
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", b.category, err)
	}
	state, revision, refused := at.State, at.Revision, false
	var all []event.Draft
	for _, t := range waiting {
		events, err := t.run(state)
		if len(all) > 0 && len(all)+len(events) > maxBatchEvents {
			break
		}
		decided++
		t.err = err
		refused = refused || len(events) == 0
		for _, e := range events {
			state = b.fold.Apply(state, e)
		}
		// Numbered by revision, because one request may come more than once here.
		all = append(all, drafts(t.req, b.stream, t.organization, int(revision)+1, events)...)
		revision += event.Revision(len(events))
		t.state, t.revision = state, revision
	}
	if len(all) == 0 && refused && !at.Fresh {
		// The cached state may be behind. An append would have proved it.
		return b.attempt(ctx, waiting, true)
	}
	next, err := b.x.streams.Append(ctx, at, b.fold, all)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", b.category, err)
	}
	for _, t := range waiting[:decided] {
		t.position = next.Position
	}
	return decided, nil
}
