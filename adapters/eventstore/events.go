package eventstore

import (
	"context"
	"iter"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/domain/event"
)

// Events returns the events of a stream, one after another; none for a stream
// that does not exist. It reads on as fast as the events are taken, and holds a
// few at a time. After an error nothing follows.
func (s *Streams) Events(ctx context.Context, stream string) iter.Seq2[event.Recorded, error] {
	return func(yield func(event.Recorded, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// The store's client calls from a goroutine of its own.
		events, ended := make(chan event.Recorded), make(chan error, 1)
		go func() {
			_, err := s.client.readForwards(ctx, stream, 0, func(stored *esdb.RecordedEvent) error {
				recorded, err := s.codec.DecodeRecorded(ctx, stored)
				if err != nil {
					return err
				}
				select {
				case events <- recorded:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			ended <- err
		}()
		for {
			select {
			case e := <-events:
				if !yield(e, nil) {
					return
				}
			case err := <-ended:
				if err != nil {
					yield(event.Recorded{}, err)
				}
				return
			}
		}
	}
}
