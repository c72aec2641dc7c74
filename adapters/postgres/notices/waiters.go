// Package notices hears what other processes say by NOTIFY, and wakes those who
// wait for it.
package notices

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Waiters are those who wait, by what they wait for. The zero value has none. It
// is safe for concurrent use.
type Waiters[K comparable] struct {
	mu    sync.Mutex
	byKey map[K]map[chan struct{}]bool
}

// Add adds one who waits for a key, until done is called. wake receives at least
// once after each notice.
func (w *Waiters[K]) Add(key K) (wake <-chan struct{}, done func()) {
	own := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byKey == nil {
		w.byKey = map[K]map[chan struct{}]bool{}
	}
	if w.byKey[key] == nil {
		w.byKey[key] = map[chan struct{}]bool{}
	}
	w.byKey[key][own] = true
	return own, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byKey[key], own)
		if len(w.byKey[key]) == 0 {
			delete(w.byKey, key)
		}
	}
}

// Wake wakes those who wait for a key.
func (w *Waiters[K]) Wake(key K) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wake := range w.byKey[key] {
		poke(wake)
	}
}

func (w *Waiters[K]) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range w.byKey {
		for wake := range all {
			poke(wake)
		}
	}
}

func poke(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // It has not looked since the last time.
	}
}

// Listen receives what is told on a channel, until ctx ends, and wakes those who
// wait for the key that a payload is; parse tells whether it is one. See Line for
// the rest.
func (w *Waiters[K]) Listen(ctx context.Context, pool *pgxpool.Pool, channel string, parse func(payload string) (K, bool), failed func(error)) {
	Line{
		Pool: pool, Channel: channel, Failed: failed,
		Joined: func(context.Context, *pgx.Conn) error {
			w.wakeAll() // Something may have happened meanwhile.
			return nil
		},
		Heard: func(_ context.Context, payload string) error {
			if key, ok := parse(payload); ok {
				w.Wake(key)
			}
			return nil
		},
	}.Listen(ctx, nil)
}
