package commands

import (
	"context"
	"hash/maphash"
)

// turns lets commands that contend for a stream go one after another, so that
// of many at once each gets through, and none wastes its appends. It orders the
// commands of one process; between processes the store decides. Streams that
// share a place wait for each other without need, which is rare and harmless.
//
// A caller must not take a second turn while it has one: that could wait forever.
type turns struct {
	seed   maphash.Seed
	places [256]chan struct{}
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed()}
	for i := range t.places {
		t.places[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the turn on a stream. The caller gives it back by calling
// leave.
func (t *turns) take(ctx context.Context, stream string) (leave func(), err error) {
	place := t.places[maphash.String(t.seed, stream)%uint64(len(t.places))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
