package evidence

import (
	"context"
	"errors"
	"sync"

	"github.com/perfectworks/backend/domain/event"
)

var errOver = errors.New("nobody reads any more")

// read is Config.Read, but when it returns, each does not run any more.
func (l *Ledger) read(ctx context.Context, from, upTo event.Position, prefixes []string, each func(Event) error) error {
	var mu sync.Mutex
	over := false
	err := l.Read(ctx, from, upTo, prefixes, func(e Event) error {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return errOver
		}
		return each(e)
	})
	mu.Lock()
	defer mu.Unlock()
	over = true
	return err
}

// batchSize is how many events are handed over at a time.
const batchSize = 512

// readBatches reads in one goroutine, and calls each in this one: so the next events
// are received while these are hashed. It ends early when each returns an error, which
// it then returns.
func (l *Ledger) readBatches(ctx context.Context, from, upTo event.Position, prefixes []string, each func([]Event) error) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	batches, ended := make(chan []Event, 4), make(chan error, 1)
	go func() {
		defer close(batches)
		batch := make([]Event, 0, batchSize)
		send := func() error {
			select {
			case batches <- batch:
				batch = make([]Event, 0, batchSize)
				return nil
			case <-reading.Done():
				return context.Cause(reading)
			}
		}
		err := l.read(reading, from, upTo, prefixes, func(e Event) error {
			if batch = append(batch, e); len(batch) < batchSize {
				return nil
			}
			return send()
		})
		if err == nil && len(batch) > 0 {
			err = send()
		}
		ended <- err
	}()
	var failed error
	for batch := range batches {
		if failed == nil {
			if failed = each(batch); failed != nil {
				stop()
			}
		}
	}
	if err := <-ended; failed == nil {
		return err
	}
	return failed
}
