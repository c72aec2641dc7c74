package projectionstest

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/event"
)

// Progress is projections.Progress.
type Progress interface {
	Resume(ctx context.Context) (event.Position, error)
	Commit(ctx context.Context, upTo event.Mark, live bool) error
}

// pause is how long the subscriber waits before it tries something again.
const pause = time.Millisecond

// Subscriber follows a log. Batches end at the end of the log, and before it
// after maxEvents.
type Subscriber struct {
	log       *Log
	progress  Progress
	maxEvents int
	bundle    int
	ended     chan struct{}
	end       func()
	running   sync.WaitGroup
}

// Subscriber makes a subscriber. The caller closes it.
func (l *Log) Subscriber(p Progress, maxEvents int) *Subscriber {
	s := &Subscriber{log: l, progress: p, maxEvents: maxEvents, bundle: 1, ended: make(chan struct{})}
	s.end = sync.OnceFunc(func() { close(s.ended) })
	return s
}

// Bundling lets a message carry several events: see Parts.
func (s *Subscriber) Bundling(n int) *Subscriber {
	s.bundle = max(1, n)
	return s
}

// Subscribe delivers messages until ctx ends or the subscriber is closed.
func (s *Subscriber) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan *message.Message)
	s.running.Go(func() {
		<-s.ended
		cancel()
	})
	s.running.Go(func() {
		defer s.end()
		defer close(out)
		for ctx.Err() == nil {
			s.follow(ctx, out)
			wait(ctx)
		}
	})
	return out, nil
}

// Close ends all subscriptions and waits for them.
func (s *Subscriber) Close() error {
	s.end()
	s.running.Wait()
	return nil
}

func (s *Subscriber) follow(ctx context.Context, out chan<- *message.Message) {
	lives := s.log.life()
	at, err := s.progress.Resume(ctx)
	var last event.Place
	for err == nil && ctx.Err() == nil {
		if s.log.life() != lives {
			return // The log went back: Resume is asked again.
		}
		events, head, grown := s.log.after(at)
		for begin := 0; begin < len(events); {
			end := min(len(events), begin+s.bundle, begin+s.maxEvents-begin%s.maxEvents)
			if !s.send(ctx, out, events[begin:end]) {
				return
			}
			begin = end
			at, last = events[end-1].Position, events[end-1].Place()
			if end < len(events) && end%s.maxEvents == 0 {
				if s.progress.Commit(ctx, event.Mark{Position: at, Last: last}, false) != nil {
					return
				}
				last = event.Place{}
			}
		}
		if head.Compare(at) > 0 {
			at = head
		}
		if err = s.progress.Commit(ctx, event.Mark{Position: at, Last: last}, true); err != nil {
			return
		}
		last = event.Place{}
		select {
		case <-grown:
		case <-ctx.Done():
		}
	}
}

// send delivers events until they are acknowledged, one by one once all of them
// together were refused.
func (s *Subscriber) send(ctx context.Context, out chan<- *message.Message, events []event.Recorded) bool {
	if len(events) > 1 {
		parts := make([]*message.Message, len(events))
		for i, e := range events {
			parts[i] = NewMessage(ctx, e)
		}
		m := message.NewMessage(parts[0].UUID, nil)
		m.SetContext(context.WithValue(ctx, partsKey{}, parts))
		if deliver(ctx, out, m) {
			return true
		}
	}
	for _, e := range events {
		for !deliver(ctx, out, NewMessage(ctx, e)) {
			if wait(ctx); ctx.Err() != nil {
				return false
			}
		}
	}
	return true
}

// deliver tells whether a message was acknowledged.
func deliver(ctx context.Context, out chan<- *message.Message, m *message.Message) bool {
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

func wait(ctx context.Context) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
