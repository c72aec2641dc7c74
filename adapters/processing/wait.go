package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// channel is the Postgres channel on which the ids of operations that ended are told.
const channel = "file_jobs_ended"

const (
	// recheck is how often one who waits looks, in case that a notification was lost.
	recheck       = time.Second
	relistenPause = 500 * time.Millisecond
	hangUpTimeout = time.Second
)

// waiters are those who wait for the end of operations.
type waiters struct {
	mu    sync.Mutex
	byJob map[id.Job]map[chan struct{}]bool
}

func (w *waiters) add(name id.Job) (wake chan struct{}, done func()) {
	wake = make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byJob[name] == nil {
		w.byJob[name] = map[chan struct{}]bool{}
	}
	w.byJob[name][wake] = true
	return wake, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byJob[name], wake)
		if len(w.byJob[name]) == 0 {
			delete(w.byJob, name)
		}
	}
}

func (w *waiters) wake(name id.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wake := range w.byJob[name] {
		poke(wake)
	}
}

func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, all := range w.byJob {
		for wake := range all {
			poke(wake)
		}
	}
}

func poke(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Progress is how far an operation is.
type Progress struct {
	// Held says that it waits for others of its organization.
	Held        bool
	Done, Total int
	Ended       bool
	// Position is that of the end in the log; zero before.
	Position event.Position
}

// Progress tells how far an operation is; the zero value of one that is not known
// here, because it is not in the queue yet, or ended long ago.
func (s *Service) Progress(ctx context.Context, name id.Job) (Progress, error) {
	var p Progress
	var position string
	err := s.Pool.QueryRow(ctx, `SELECT queued_at IS NULL AND ended_at IS NULL, pages_done, pages_total, ended_at IS NOT NULL, position
		FROM file_jobs WHERE job_id = $1`, string(name)).Scan(&p.Held, &p.Done, &p.Total, &p.Ended, &position)
	if errors.Is(err, pgx.ErrNoRows) {
		return Progress{}, nil
	}
	if err != nil {
		return Progress{}, fmt.Errorf("look for an operation: %w", err)
	}
	if position != "" {
		if p.Position, err = event.ParsePosition(position); err != nil {
			return Progress{}, fmt.Errorf("look for an operation: %w", err)
		}
	}
	return p, nil
}

// Wait returns the position in the log once an operation has ended, with all that
// follows. How long to wait is for ctx to say; the error is then ctx's.
func (s *Service) Wait(ctx context.Context, name id.Job) (event.Position, error) {
	wake, done := s.waiters.add(name) // Before the first look, so that nothing is missed.
	defer done()
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for {
		p, err := s.Progress(ctx, name)
		switch {
		case ctx.Err() != nil:
			return event.Position{}, ctx.Err()
		case err != nil:
			s.Logger.DebugContext(ctx, "an operation cannot be looked for", slog.Any("error", err))
		case p.Ended:
			return p.Position, nil
		}
		select {
		case <-ctx.Done():
			return event.Position{}, ctx.Err()
		case <-wake:
		case <-ticker.C:
		}
	}
}

// Listen receives the ends of operations for the calls of Wait in this process, until
// ctx ends. It has a connection of its own, which comes back by itself.
func (s *Service) Listen(ctx context.Context) {
	for {
		err := s.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		s.Logger.WarnContext(ctx, "the ends of operations are not heard of at the moment", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(relistenPause):
		}
	}
}

func (s *Service) listen(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.Pool.Config().ConnConfig)
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
	s.waiters.wakeAll() // Something may have ended meanwhile.
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		s.waiters.wake(id.Job(n.Payload))
	}
}
