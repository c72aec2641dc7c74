package eventstore

import (
	"context"
	"sync"
)

// room bounds how many bytes wait in memory. One who needs more than there is in
// all may enter an empty room. It is safe for concurrent use.
type room struct {
	mu    sync.Mutex
	bytes int
	taken int
	freed chan struct{} // closed and replaced when bytes become free
}

func newRoom(bytes int) *room { return &room{bytes: bytes, freed: make(chan struct{})} }

// enter waits for room, and tells whether there was some before ctx ended.
func (r *room) enter(ctx context.Context, bytes int) bool {
	for {
		r.mu.Lock()
		if r.taken == 0 || r.taken+bytes <= r.bytes {
			r.taken += bytes
			r.mu.Unlock()
			return true
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}

func (r *room) leave(bytes int) {
	if bytes == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= bytes
	close(r.freed)
	r.freed = make(chan struct{})
}
