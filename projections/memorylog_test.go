package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// memoryLog is a log in memory, with a subscriber that keeps the contract of
// Subscribe, so that the engine's own rules can be tested apart from a store.
type memoryLog struct {
	mu        sync.Mutex
	events    []event.Recorded
	revisions map[string]event.Revision
	grown     chan struct{}
	// beyond is added to the position of a commit at the end of the log, as by a
	// checkpoint over what is filtered out.
	beyond uint64
	// undecodable events fail to decode; decodeErr, if set, fails all.
	undecodable map[event.ID]bool
	decodeErr   error
	delivered   int
}

func newMemoryLog() *memoryLog {
	return &memoryLog{
		revisions: map[string]event.Revision{}, grown: make(chan struct{}), undecodable: map[event.ID]bool{},
	}
}

// append records events in a stream, and returns the last one's position.
func (l *memoryLog) append(stream string, events ...event.Event) event.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last event.Position
	for _, e := range events {
		n := uint64(len(l.events) + 1)
		revision, ok := l.revisions[stream]
		if ok {
			revision++
		}
		l.revisions[stream] = revision
		last = event.Position{Commit: n * 100, Prepare: n * 100}
		l.events = append(l.events, event.Recorded{
			ID: event.DeriveID(event.ID{1}, stream, int(n)), Stream: stream, Revision: revision, Position: last,
			Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second), Event: e,
		})
	}
	close(l.grown)
	l.grown = make(chan struct{})
	return last
}

func (l *memoryLog) head(context.Context) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end(), nil
}

func (l *memoryLog) end() event.Position {
	if len(l.events) == 0 {
		return event.Position{}
	}
	return l.events[len(l.events)-1].Position
}

// after returns the events after a position, the end of the log, and what tells
// of more.
func (l *memoryLog) after(p event.Position) ([]event.Recorded, event.Position, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	for i < len(l.events) && l.events[i].Position.Compare(p) <= 0 {
		i++
	}
	end := l.end()
	end.Commit += l.beyond
	end.Prepare += l.beyond
	return l.events[i:], end, l.grown
}

type memoryEvent struct{}

func (l *memoryLog) decode(_ context.Context, m *message.Message) (event.Recorded, error) {
	r, ok := m.Context().Value(memoryEvent{}).(event.Recorded)
	if !ok {
		return event.Recorded{}, errors.New("not from this log")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delivered++
	switch {
	case l.decodeErr != nil:
		return event.Recorded{}, l.decodeErr
	case l.undecodable[r.ID]:
		r.Event = nil
		return r, fmt.Errorf("%w: unknown shape", ErrUndecodable)
	}
	return r, nil
}

func (l *memoryLog) failDecoding(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decodeErr = err
}

func (l *memoryLog) subscribe(p Progress, o SubscribeOptions) (message.Subscriber, error) {
	ctx, cancel := context.WithCancel(context.Background())
	return &memorySubscriber{log: l, progress: p, options: o, ctx: ctx, cancel: cancel}, nil
}

type memorySubscriber struct {
	log      *memoryLog
	progress Progress
	options  SubscribeOptions
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func (s *memorySubscriber) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer close(out)
		defer cancel()
		defer stop()
		for ctx.Err() == nil {
			s.follow(ctx, out)
			_ = sleep(ctx, time.Millisecond)
		}
	})
	return out, nil
}

func (s *memorySubscriber) Close() error {
	s.cancel()
	s.running.Wait()
	return nil
}

func (s *memorySubscriber) follow(ctx context.Context, out chan<- *message.Message) {
	at, err := s.progress.Resume(ctx)
	if err != nil {
		return
	}
	for ctx.Err() == nil {
		events, end, grown := s.log.after(at)
		for i, e := range events {
			for !s.deliver(ctx, out, e) {
				if ctx.Err() != nil {
					return
				}
				_ = sleep(ctx, time.Millisecond)
			}
			at = e.Position
			if last := i == len(events)-1; !last && (i+1)%s.options.MaxEvents == 0 {
				if s.progress.Commit(ctx, at, false) != nil {
					return
				}
			}
		}
		if end.Compare(at) > 0 {
			at = end
		}
		if s.progress.Commit(ctx, at, true) != nil {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
		}
	}
}

func (s *memorySubscriber) deliver(ctx context.Context, out chan<- *message.Message, e event.Recorded) bool {
	m := message.NewMessage(e.ID.String(), nil)
	m.Metadata.Set(MetadataType, e.Event.EventType())
	m.SetContext(context.WithValue(ctx, memoryEvent{}, e))
	select {
	case out <- m:
	case <-ctx.Done():
		return false
	}
	select {
	case <-m.Acked():
		return true
	case <-m.Nacked():
		return false
	case <-ctx.Done():
		return false
	}
}
