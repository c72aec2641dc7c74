package directory

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// saveTimeout bounds the writing of a snapshot, for which the end of the program
// waits.
const saveTimeout = 15 * time.Second

// loadSnapshot begins with the latest snapshot. Without one the directory begins
// with the log.
func (d *Directory) loadSnapshot(ctx context.Context) {
	if d.config.Snapshots == nil || !d.Applied().IsZero() {
		return
	}
	began := time.Now()
	loaded, mark, err := d.config.Snapshots.load(ctx)
	if errors.Is(err, errNoSnapshot) {
		return
	}
	if err != nil {
		d.config.Logger.WarnContext(ctx, "the directory reads the whole log, for its snapshot cannot be read", "error", err)
		return
	}
	recognised, err := d.awaitRecognition(ctx, mark)
	if errors.Is(err, event.ErrLogWentBack) {
		d.config.Logger.ErrorContext(ctx, "the log went back: the directory reads the whole log, for its snapshot is of another",
			"snapshot", mark.Position.String(), "reason", err)
		if err := d.config.Snapshots.discard(ctx, mark.Position); err != nil {
			d.config.Logger.WarnContext(ctx, "the directory's snapshot cannot be deleted", "error", err)
		}
		return
	}
	if err != nil {
		return // The program ends.
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state, d.applied, d.log, d.last = loaded, recognised.Position, recognised.Log, recognised.Last
	d.wake()
	d.config.Logger.InfoContext(ctx, "the directory goes on from a snapshot",
		"position", mark.Position.String(), "took", time.Since(began))
}

// awaitRecognition asks about a mark until the store answers or ctx ends.
func (d *Directory) awaitRecognition(ctx context.Context, mark event.Mark) (event.Mark, error) {
	for {
		recognised, err := d.config.Recognise(ctx, mark)
		if err == nil || errors.Is(err, event.ErrLogWentBack) {
			return recognised, err
		}
		select {
		case <-time.After(beat):
		case <-ctx.Done():
			return event.Mark{}, ctx.Err()
		}
	}
}

// awaitHead asks for the head until the store answers or ctx ends.
func (d *Directory) awaitHead(ctx context.Context) (event.Position, error) {
	for {
		if head, err := d.ask(ctx, time.Now()); err == nil {
			return head, nil
		}
		select {
		case <-time.After(beat):
		case <-ctx.Done():
			return event.Position{}, ctx.Err()
		}
	}
}

// open lets the directory prove how fresh it is, once it has caught up with the
// log and saved what that took.
func (d *Directory) open(ctx context.Context) {
	head, err := d.awaitHead(ctx)
	if err != nil || d.WaitFor(ctx, head) != nil {
		return // The program ends.
	}
	d.saveSnapshot(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.freshness.lost != nil {
		return // Until the log is what it was.
	}
	d.freshness.open = true
	d.freshness.reached(d.applied)
	d.wake()
}

// saveSnapshot writes a snapshot if it spares the next start enough. Changes
// wait while it is made, so this is not for the time in between.
func (d *Directory) saveSnapshot(ctx context.Context) {
	if d.config.Snapshots == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	unsaved, err := d.writeSnapshot(ctx)
	if err != nil {
		d.config.Logger.WarnContext(ctx, "the directory's snapshot cannot be saved", "error", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsaved -= unsaved
}

// writeSnapshot tells how many events the snapshot spares; it writes none when
// these are few. Nothing of it is kept in memory but the part on its way.
func (d *Directory) writeSnapshot(ctx context.Context) (unsaved int, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.unsaved < d.config.SnapshotEvery {
		return 0, nil
	}
	at := event.Mark{Log: d.log, Position: d.applied, Last: d.last}
	return d.unsaved, d.config.Snapshots.save(ctx, at, func(w io.Writer) error { return d.state.encode(w, at) })
}
