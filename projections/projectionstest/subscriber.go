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
	ended     chan struct{}
	end       func()
	running   sync.WaitGroup
}

// Subscriber makes a subscriber. The caller closes it.
func (l *Log) Subscriber(p Progress, maxEvents int) *Subscriber {
	s := &Subscriber{log: l, progress: p, maxEvents: maxEvents, ended: make(chan struct{})}
	s.end = sync.OnceFunc(func() { close(s.ended) })
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
		for i, e := range events {
			if !s.deliver(ctx, out, e) {
				return
			}
			at, last = e.Position, e.Place()
			if end := i == len(events)-1; !end && (i+1)%s.maxEvents == 0 {
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

// deliver delivers an event until it is acknowledged.
func (s *Subscriber) deliver(ctx context.Context, out chan<- *message.Message, e event.Recorded) bool {
	for ctx.Err() == nil {
		m := NewMessage(ctx, e)
		select {
		case out <- m:
		case <-ctx.Done():
			return false
		}
		select {
		case <-m.Acked():
			return true
		case <-m.Nacked():
			wait(ctx)
		case <-ctx.Done():
		}
	}
	return false
}

func wait(ctx context.Context) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}
