package app

import (
	"context"
	"time"
)

// startTimeout bounds how long new read models wait for the start of a server.
const startTimeout = 15 * time.Second

// noteStart waits until the directory knows the log, which a start takes most
// time for.
func (a *App) noteStart(ctx context.Context) {
	defer close(a.started)
	if a.directory == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(readyBeat)
	defer tick.Stop()
	for a.directory.Ready() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// awaitStart lets the start of the server go before.
func (c *core) awaitStart(ctx context.Context) {
	select {
	case <-c.started:
	case <-ctx.Done():
	}
}
