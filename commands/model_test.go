package commands_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
)

// model is an event store as commands.Streams describes it, without a disk: a
// copy of the promise that the property tests can step through, crash and look
// into. What holds on it is shown on the real store, too, by store_test.go.
type model struct {
	mu      sync.Mutex
	streams map[string][]event.Recorded
	written uint64
}

func newModel() *model { return &model{streams: map[string][]event.Recorded{}} }

// snapshot folds the first n events.
func (m *model) snapshot(stream string, fold commands.Fold, n int, fresh bool) commands.Snapshot {
	s := commands.Snapshot{Stream: stream, Revision: event.NoStream, State: fold.Zero, Fresh: fresh}
	for _, e := range m.streams[stream][:n] {
		s.State, s.Revision, s.Position = fold.Apply(s.State, e.Event), e.Revision, e.Position
	}
	return s
}

func (m *model) Load(ctx context.Context, stream string, fold commands.Fold, _ bool) (commands.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.snapshot(stream, fold, len(m.streams[stream]), true), ctx.Err()
}

// loadStale is a cached state that lags: it was folded when the stream had so
// many events less, or none.
func (m *model) loadStale(stream string, fold commands.Fold, less int) commands.Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.streams[stream])
	s := m.snapshot(stream, fold, max(n-less, 0), false)
	if s.Revision == event.NoStream { // The absence of a stream is not cached.
		s = m.snapshot(stream, fold, n, true)
	}
	return s
}

// behind is a model whose caches always lag by one event.
type behind struct{ *model }

func (b behind) Load(ctx context.Context, stream string, fold commands.Fold, fresh bool) (commands.Snapshot, error) {
	if fresh {
		return b.model.Load(ctx, stream, fold, fresh)
	}
	return b.loadStale(stream, fold, 1), nil
}

func (m *model) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return commands.Snapshot{}, err
	}
	stored, first := m.streams[after.Stream], int(after.Revision)+1
	if end := first + len(drafts); end <= len(stored) && slices.EqualFunc(stored[first:end], drafts,
		func(r event.Recorded, d event.Draft) bool { return r.ID == d.ID }) {
		return m.snapshot(after.Stream, fold, end, true), nil
	}
	if first != len(stored) {
		return commands.Snapshot{}, fmt.Errorf("append to %s: %w", after.Stream, commands.ErrWrongRevision)
	}
	for i, d := range drafts {
		m.written++
		m.streams[after.Stream] = append(m.streams[after.Stream], event.Recorded{
			ID: d.ID, Stream: after.Stream, Revision: event.Revision(first + i),
			Position: event.Position{Commit: m.written, Prepare: m.written},
			Time:     time.Now(), Event: d.Event, Metadata: d.Metadata,
		})
	}
	return m.snapshot(after.Stream, fold, len(m.streams[after.Stream]), true), nil
}

func (m *model) Find(ctx context.Context, stream string, after event.Revision, id event.ID) (event.Recorded, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.streams[stream][min(int(after)+1, len(m.streams[stream])):] {
		if e.ID == id {
			return e, true, ctx.Err()
		}
	}
	return event.Recorded{}, false, ctx.Err()
}

// all are the events of the streams of a category, by stream.
func (m *model) all(category string) map[string][]event.Recorded {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]event.Recorded{}
	for name, events := range m.streams {
		if strings.HasPrefix(name, category+"-") {
			out[name] = slices.Clone(events)
		}
	}
	return out
}

// String tells the types of all events, for messages and for comparing.
func (m *model) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.streams)) {
		fmt.Fprintf(&b, "%s:", name)
		for _, e := range m.streams[name] {
			fmt.Fprintf(&b, " %s", e.Event.EventType())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// typesSince are the types of the events written since String gave before.
func (m *model) typesSince(before string) []string {
	left := map[string]int{}
	for word := range strings.FieldsSeq(before) {
		left[word]++
	}
	var types []string
	for word := range strings.FieldsSeq(m.String()) {
		if left[word]--; left[word] < 0 && !strings.HasSuffix(word, ":") {
			types = append(types, word)
		}
	}
	return types
}

func equalUnordered(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// faulty fails one append: the process dies before it is written, or after,
// when no answer arrives. All later calls fail as well: the process has ended.
type faulty struct {
	commands.Streams
	// at is the number of the append, from 1; written says that it gets through. An
	// append on what is no longer the end of the stream is refused, and not counted.
	at      int
	written bool

	mu      sync.Mutex
	appends int
	dead    bool
}

type deathError struct{}

func (deathError) Error() string { return "the process died" }

func (f *faulty) Load(ctx context.Context, stream string, fold commands.Fold, fresh bool) (commands.Snapshot, error) {
	if f.isDead() {
		return commands.Snapshot{}, deathError{}
	}
	return f.Streams.Load(ctx, stream, fold, fresh)
}

func (f *faulty) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if f.isDead() {
		return commands.Snapshot{}, deathError{}
	}
	if now, err := f.Streams.Load(ctx, after.Stream, fold, true); err != nil || now.Revision != after.Revision {
		return f.Streams.Append(ctx, after, fold, drafts)
	}
	f.mu.Lock()
	f.appends++
	f.dead = f.appends == f.at
	dies := f.dead
	f.mu.Unlock()
	if dies && !f.written {
		return commands.Snapshot{}, deathError{}
	}
	s, err := f.Streams.Append(ctx, after, fold, drafts)
	if dies {
		return commands.Snapshot{}, deathError{}
	}
	return s, err
}

func (f *faulty) isDead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// interrupted lets something happen right before an append, which is counted
// from 1.
type interrupted struct {
	commands.Streams
	at int
	by func()

	appends int
}

func (i *interrupted) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if i.appends++; i.appends == i.at {
		i.by()
	}
	return i.Streams.Append(ctx, after, fold, drafts)
}
