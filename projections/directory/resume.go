package directory

import (
	"context"
	"errors"

	"github.com/perfectworks/backend/domain/event"
)

// Resume is part of projections.Progress. It makes sure that the log still holds
// what the directory knows. If not, a directory that may begins again with the
// log; until it has caught up it vouches for nobody. One that may not waits for
// the log to be what it was.
func (d *Directory) Resume(ctx context.Context) (event.Position, error) {
	known := d.mark()
	mark, err := d.config.Recognise(ctx, known)
	if errors.Is(err, event.ErrLogWentBack) {
		restarts := d.config.RestartWhenLogWentBack && (d.config.AdoptAnotherLog || !errors.Is(err, event.ErrAnotherLog))
		d.config.Logger.ErrorContext(ctx, "the log went back: the directory knows what the log no longer holds",
			"position", known.Position.String(), "restarts", restarts, "reason", err)
		d.forget(err, restarts)
		if !restarts {
			return event.Position{}, err
		}
		mark, err = d.config.Recognise(ctx, event.Mark{})
	}
	if err != nil {
		return event.Position{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log, d.applied = mark.Log, mark.Position
	if d.freshness.lost != nil {
		d.freshness.lost = nil
		d.reopen()
	}
	return d.applied, nil
}

// mark is how far the directory knows the log.
func (d *Directory) mark() event.Mark {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return event.Mark{Log: d.log, Position: d.applied, Last: d.last}
}

// forget closes the directory, for what it knows is not of the log; if it may
// begin again, it forgets it too.
func (d *Directory) forget(reason error, restart bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freshness = freshness{lost: reason}
	if restart {
		d.state, d.applied, d.log, d.last, d.unsaved = newState(), event.Position{}, "", event.Place{}, 0
	}
	d.reopen()
}

// reopen lets the directory vouch again once it has caught up.
func (d *Directory) reopen() {
	select {
	case d.closed <- struct{}{}:
	default: // It is known already.
	}
}
