package eventlog

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
)

// probeSize is more than the free space of a page, and is not compressed: the
// database has to find room for it.
const probeSize = 256 << 10

// probe finds out whether a database that refused a write takes writes again:
// callers stay away from a server that is not ready, so none of theirs would tell.
// It inserts an event and rolls back.
func (w *writer) probe(ctx context.Context) {
	if !w.health.refused() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.WriteTimeout)
	defer cancel()
	err := w.store.connect(ctx)
	if err == nil {
		err = w.store.probe(ctx)
	}
	if err != nil {
		w.recover(ctx, err)
		w.health.ill(ctx, "probe", unwritable(err))
		return
	}
	w.health.well(ctx, w.position.Load())
}

func (s *store) probe(ctx context.Context) (err error) {
	if s.tx, err = s.conn.Begin(ctx); err != nil {
		return fmt.Errorf("begin a probe: %w", err)
	}
	data := make([]byte, probeSize)
	_, _ = crand.Read(data) // it never fails
	// No event has a negative position or revision. Random ones, so that probes of
	// several processes do not wait for each other.
	at := -1 - rand.Int64N(1<<62) //nolint:gosec // nothing is secret about it
	_, err = s.tx.Exec(ctx, insertEvents, columns([]*Event{{Position: at, Revision: at, Stream: "$probe", Type: "$probe", Data: data}})...)
	if err != nil {
		return fmt.Errorf("insert a probe: %w", err)
	}
	return s.rollBack(ctx)
}
