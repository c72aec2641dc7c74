package postgres

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

const (
	minReviveBackoff = time.Second
	maxReviveBackoff = 10 * time.Second
	// adoptedPoll is how often an adopted server is looked at: only a parent is
	// told of an end.
	adoptedPoll = 250 * time.Millisecond
	// orderlyEndPause is for the one who ended the server by Postgres' own tools:
	// pg_ctl restart would take a server that we start for the old one.
	orderlyEndPause = time.Second
)

// supervisor is the goroutine that starts a server again.
type supervisor struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (c *Cluster) supervise() *supervisor {
	ctx, cancel := context.WithCancel(context.Background())
	s := &supervisor{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for c.current().awaitUnaskedEnd(ctx) {
			c.reviveUntilItRuns(ctx)
		}
	}()
	return s
}

// endSupervision returns when the server must not be started again.
func (c *Cluster) endSupervision() {
	if c.supervisor == nil {
		return
	}
	c.supervisor.cancel()
	<-c.supervisor.done
	c.supervisor = nil
}

func (s *server) awaitUnaskedEnd(ctx context.Context) bool {
	poll := time.NewTicker(adoptedPoll)
	defer poll.Stop()
	for s.alive(ctx) {
		select {
		case <-ctx.Done():
			return false
		case <-s.exited: // nil when adopted: never ready
		case <-poll.C:
		}
	}
	return ctx.Err() == nil
}

func (c *Cluster) reviveUntilItRuns(ctx context.Context) {
	logger := c.config.Logger.With("dir", c.folder.path)
	logger.Warn("PostgreSQL ended unasked, starting it again", "pid", c.PID(), "log", c.folder.log())
	if _, err := readPidFile(c.folder.data()); errors.Is(err, fs.ErrNotExist) && !pause(ctx, orderlyEndPause) {
		return
	}
	for backoff := minReviveBackoff; ; backoff = min(2*backoff, maxReviveBackoff) {
		err := c.revive(ctx)
		if err == nil {
			logger.Info("PostgreSQL runs again", "pid", c.PID())
			return
		}
		if ctx.Err() != nil {
			return
		}
		logger.Error("PostgreSQL does not start, trying again", "error", err, "in", backoff.String())
		if !pause(ctx, backoff) {
			return
		}
	}
}

// pause tells whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// revive starts the server on the port that its clients know, or takes the one
// that somebody else started in the folder.
func (c *Cluster) revive(ctx context.Context) error {
	ctx, cancel := c.startTimeout(ctx)
	defer cancel()
	return c.locked(ctx, func() error {
		server, err := c.adoptOrLaunch(ctx, c.current().port, false, true)
		if err == nil {
			c.use(server)
		}
		return err
	})
}
