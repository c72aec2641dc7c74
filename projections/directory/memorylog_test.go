package directory_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/directory"
)

// memoryLog is a log that lives in the test's own time, with subscriptions that
// can be held up and a head that can be slow or away. The directory runs on the
// real store in node_test.go.
type memoryLog struct {
	mu      sync.Mutex
	events  []event.Recorded
	changed chan struct{} // closed when something changes

	headErr   error
	headDelay time.Duration
	heads     atomic.Int64
}

func newLog() *memoryLog { return &memoryLog{changed: make(chan struct{})} }

func (l *memoryLog) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// setHead changes how the question for the head is answered.
func (l *memoryLog) setHead(delay time.Duration, err error) {
	l.change(func() { l.headDelay, l.headErr = delay, err })
}

// append returns the position of the last event.
func (l *memoryLog) append(events ...event.Event) (last event.Position) {
	l.change(func() {
		for _, e := range events {
			at := uint64(len(l.events)+1) * 100
			last = event.Position{Commit: at, Prepare: at}
			l.events = append(l.events, event.Recorded{Position: last, Event: e, Stream: "apiKey-key_1"})
		}
	})
	return last
}

func (l *memoryLog) head(ctx context.Context) (event.Position, error) {
	l.heads.Add(1)
	l.mu.Lock()
	delay, err := l.headDelay, l.headErr
	var last event.Position
	if len(l.events) > 0 {
		last = l.events[len(l.events)-1].Position
	}
	l.mu.Unlock()
	select { // The answer is as old as the question.
	case <-time.After(delay):
		return last, err
	case <-ctx.Done():
		return event.Position{}, ctx.Err()
	}
}

// follower is one process's subscription to the log.
type follower struct {
	log  *memoryLog
	held atomic.Bool
	// decode may refuse to decode an event.
	decode func(event.Recorded) error
	nacks  atomic.Int64
}

func (f *follower) hold(on bool) { f.log.change(func() { f.held.Store(on) }) }

type recordedKey struct{}

func (f *follower) decodeMessage(_ context.Context, m *message.Message) (event.Recorded, error) {
	r := m.Context().Value(recordedKey{}).(event.Recorded)
	if f.decode != nil {
		return r, f.decode(r)
	}
	return r, nil
}

// subscribe keeps the promises of projections.Subscribe.
func (f *follower) subscribe(p projections.Progress, _ projections.SubscribeOptions) (message.Subscriber, error) {
	return &subscription{follower: f, progress: p}, nil
}

type subscription struct {
	*follower
	progress projections.Progress
	running  sync.WaitGroup
}

func (s *subscription) Close() error {
	s.running.Wait()
	return nil
}

func (s *subscription) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	from, err := s.progress.Resume(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer close(out)
		s.deliver(ctx, from, out)
	})
	return out, nil
}

func (s *subscription) deliver(ctx context.Context, from event.Position, out chan<- *message.Message) {
	for ctx.Err() == nil {
		s.log.mu.Lock()
		changed := s.log.changed
		var next *event.Recorded
		for i := range s.log.events {
			if s.log.events[i].Position.Compare(from) > 0 {
				next = &s.log.events[i]
				break
			}
		}
		s.log.mu.Unlock()
		if next == nil || s.held.Load() {
			if next == nil {
				_ = s.progress.Commit(ctx, event.Mark{Position: from}, true)
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		if s.send(ctx, *next, out) {
			from = next.Position
		}
	}
}

func (s *subscription) send(ctx context.Context, r event.Recorded, out chan<- *message.Message) bool {
	m := message.NewMessage("", nil)
	m.Metadata.Set(projections.MetadataType, r.Event.EventType())
	m.SetContext(context.WithValue(ctx, recordedKey{}, r))
	select {
	case out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		s.nacks.Add(1)
		time.Sleep(10 * time.Millisecond)
	case <-ctx.Done():
	}
	return false
}

// process is a directory that follows the log, as in one server.
type process struct {
	*directory.Directory
	*follower
}

// start runs a directory until the test ends.
func (l *memoryLog) start(t *testing.T) process {
	t.Helper()
	f := &follower{log: l}
	d := directory.New(directory.Config{
		Subscribe: f.subscribe, Decode: f.decodeMessage, Head: l.head,
		Logger: slog.New(slog.DiscardHandler),
	})
	runDirectory(t, d)
	return process{d, f}
}

var errAway = errors.New("the store is away")
