package postgres

import (
	"context"
	"errors"
	"fmt"
)

var errUnseen = errors.New("another process uses the folder, and its server does not run or cannot be seen from here, as from another container")

// adoptOrLaunch returns the server that runs in the folder, or a new one. The
// caller holds the start lock. Only the one who is alone in using the folder
// may restart a server; launch says whether a missing one may be started.
func (c *Cluster) adoptOrLaunch(ctx context.Context, port int, alone, launch bool) (*server, error) {
	for {
		running, err := c.findRunning(ctx)
		if err != nil {
			return nil, err
		}
		if running == nil && !launch {
			return nil, errUnseen
		}
		if running == nil {
			return c.launch(ctx, port)
		}
		same := c.sameSettings(running, port)
		if !same && alone {
			c.config.Logger.Info("restarting PostgreSQL: it was left running with other settings",
				"dir", c.folder.path, "pid", running.pid)
			if err := running.stop(ctx, c.config.StopTimeout, stopFast); err != nil {
				return nil, err
			}
			continue
		}
		err = c.awaitAnswer(ctx, running)
		if errors.Is(err, errServerGone) {
			continue // it was about to end
		}
		if err != nil {
			return nil, fmt.Errorf("a server runs in the folder (pid %d) but is of no use: %w", running.pid, err)
		}
		if port != 0 && port != running.port {
			return nil, fmt.Errorf("a server runs in the folder (pid %d), in use by others, on another port than %d", running.pid, port)
		}
		c.config.Logger.Info("using the PostgreSQL server that runs in the folder",
			"dir", c.folder.path, "pid", running.pid, "same_settings", same)
		return running, nil
	}
}
