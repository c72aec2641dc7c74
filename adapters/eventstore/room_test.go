package eventstore

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/perfectworks/backend/domain/domaintest"
)

func TestARoomHoldsSoManyBytes(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRoom(10)
		if !r.enter(ctx, 6) || !r.enter(ctx, 4) {
			t.Fatal("there is no room at the beginning")
		}
		entered := make(chan bool)
		go func() { entered <- r.enter(ctx, 50) }()
		r.leave(6)
		synctest.Wait()
		select {
		case <-entered:
			t.Fatal("there is room for more than there is")
		default:
		}
		r.leave(4) // An empty room takes in anything, and then nothing else.
		if !<-entered {
			t.Fatal("an empty room does not take in a large one")
		}
		go func() { entered <- r.enter(ctx, 1) }()
		synctest.Wait()
		cancel()
		if <-entered {
			t.Fatal("there is room beside a large one")
		}
	})
}
