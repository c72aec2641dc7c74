package eventstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// Events returns the events of a stream, one after another; none for a stream
// that does not exist. It reads on as fast as the events are taken, and holds some
// hundreds at a time. After an error nothing follows.
func (s *Streams) Events(ctx context.Context, stream string) iter.Seq2[event.Recorded, error] {
	return s.decoded(ctx, stream, s.codec.DecodeRecorded)
}

// Facts is Events without metadata: states are folded from what happened, not from
// who did it, and reading that takes as long again.
func (s *Streams) Facts(ctx context.Context, stream string) iter.Seq2[event.Recorded, error] {
	return s.decoded(ctx, stream, s.codec.decodeFact)
}

// handedOver is how many events the goroutine that receives hands over at a time.
const handedOver = 64

// decoded reads a stream and decodes its events: they are received by the store's
// client, in a goroutine of its own, while those before are decoded in this one.
func (s *Streams) decoded(ctx context.Context, stream string, decode func(context.Context, *esdb.RecordedEvent) (event.Recorded, error)) iter.Seq2[event.Recorded, error] {
	return func(yield func(event.Recorded, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		batches, ended := make(chan []*esdb.RecordedEvent, 2), make(chan error, 1)
		go func() { ended <- s.receive(ctx, stream, batches) }()
		take := func(batch []*esdb.RecordedEvent) bool {
			for _, stored := range batch {
				recorded, err := decode(ctx, stored)
				if err != nil {
					yield(event.Recorded{}, fmt.Errorf("read %s: %w", stream, err))
					return false
				}
				if !yield(recorded, nil) {
					return false
				}
			}
			return true
		}
		for {
			select {
			case batch := <-batches:
				if !take(batch) {
					return
				}
			case err := <-ended:
				for len(batches) > 0 { // What was handed over before the end.
					if !take(<-batches) {
						return
					}
				}
				if err != nil {
					yield(event.Recorded{}, err)
				}
				return
			}
		}
	}
}

// receive hands over the events of a stream in batches.
func (s *Streams) receive(ctx context.Context, stream string, batches chan<- []*esdb.RecordedEvent) error {
	batch := make([]*esdb.RecordedEvent, 0, handedOver)
	send := func() error {
		select {
		case batches <- batch:
			batch = make([]*esdb.RecordedEvent, 0, handedOver)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err := s.client.readForwards(ctx, stream, 0, func(stored *esdb.RecordedEvent) error {
		if batch = append(batch, stored); len(batch) < handedOver {
			return nil
		}
		return send()
	})
	if err == nil && len(batch) > 0 { // Without an error nobody calls it any more.
		err = send()
	}
	return err
}
