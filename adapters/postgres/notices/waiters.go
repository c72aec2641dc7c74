// Package notices wakes those who wait for something in the database when
// another process tells of it by NOTIFY.
package notices

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	relistenPause = 500 * time.Millisecond
	hangUpTimeout = time.Second
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
// wait for the key that a payload is; parse tells whether it is one. It has a
// connection of its own, which comes back by itself, and failed is told of each that
// was lost. The channel is an identifier of ours, never input.
func (w *Waiters[K]) Listen(ctx context.Context, pool *pgxpool.Pool, channel string, parse func(payload string) (K, bool), failed func(error)) {
	for {
		err := w.listen(ctx, pool, channel, parse)
		if ctx.Err() != nil {
			return
		}
		failed(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(relistenPause):
		}
	}
}

func (w *Waiters[K]) listen(ctx context.Context, pool *pgxpool.Pool, channel string, parse func(string) (K, bool)) error {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTimeout)
		defer cancel()
		_ = conn.Close(ctx) // It is of no more use either way.
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	w.wakeAll() // Something may have happened meanwhile.
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if key, ok := parse(n.Payload); ok {
			w.Wake(key)
		}
	}
}
