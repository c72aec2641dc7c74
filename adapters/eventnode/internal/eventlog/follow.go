package eventlog

import (
	"context"
	"log/slog"
	"slices"

	"github.com/google/uuid"
)

// How the writer learns what other processes wrote.

func (w *writer) followOthers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.WriteTimeout)
	defer cancel()
	err := w.store.connect(ctx)
	if err == nil {
		err = w.follow(ctx)
	}
	if err != nil {
		w.recover(ctx, err)
		w.health.ill(ctx, "follow", unwritable(err))
		return
	}
	if !w.health.refused() {
		w.health.well(ctx, w.position.Load())
	}
}

// follow applies what other processes wrote. A log that no longer holds the event
// that was its last is another: all that is remembered of it is dropped.
func (w *writer) follow(ctx context.Context) error {
	if held, err := w.store.holds(ctx, w.end()); err != nil {
		return err
	} else if !held {
		w.log.ErrorContext(ctx, "event log went back: its last event is gone", slog.Int64("position", w.position.Load()), slog.String("event_id", w.last.String()))
		if err := w.restart(ctx); err != nil {
			return err
		}
		w.tail.replace()
		return nil
	}
	for applied := 0; applied < followLimit; {
		events, done, err := w.store.after(ctx, w.position.Load(), followPage)
		if err != nil {
			return err
		}
		w.apply(events)
		if done {
			return nil
		}
		applied += len(events)
	}
	return w.restart(ctx)
}

// restart forgets everything and begins at the present end of the log, with the
// latest events in the tail.
func (w *writer) restart(ctx context.Context) error {
	before, err := w.store.positionBefore(ctx, w.config.TailEvents, w.config.TailBytes)
	if err != nil {
		return err
	}
	ids, err := w.store.idsBefore(ctx, before, w.config.RecentEvents)
	if err != nil {
		return err
	}
	var latest []*Event
	for position, done := before, false; !done; {
		var events []*Event
		if events, done, err = w.store.after(ctx, position, followPage); err != nil {
			return err
		}
		if len(events) > 0 {
			position = events[len(events)-1].Position
		}
		latest = append(latest, events...)
	}
	w.heads = newHeadCache(w.config.CachedStreams)
	w.recent = newRecentIDs(w.config.RecentEvents)
	for _, e := range slices.Backward(ids) {
		w.recent.add(e)
	}
	w.position.Store(before) // of no event, unless the log is empty
	w.last = uuid.Nil
	w.tail.restart(before)
	w.apply(latest)
	return nil
}

func (w *writer) apply(events []*Event) {
	if len(events) == 0 {
		return
	}
	for _, e := range events {
		w.heads.apply(e)
		w.recent.add(e)
	}
	end := endAt(events[len(events)-1])
	w.position.Store(end.position)
	w.last = end.id
	w.tail.publish(events)
}
