package eventlog

import (
	"context"
	"slices"
)

// How the writer learns what other processes wrote.

func (w *writer) followOthers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.WriteTimeout)
	defer cancel()
	err := w.ready(ctx)
	if err == nil {
		err = w.follow(ctx)
	}
	if err != nil {
		w.fail(ctx, "follow the log", err)
	}
}

// follow applies what other processes wrote.
func (w *writer) follow(ctx context.Context) error {
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
	w.heads = newHeadCache(w.config.CachedStreams)
	w.recent = newRecentIDs(w.config.RecentEvents)
	for _, e := range slices.Backward(ids) {
		w.recent.add(e)
	}
	w.position.Store(before)
	w.tail.restart(before)
	for {
		events, done, err := w.store.after(ctx, w.position.Load(), followPage)
		if err != nil {
			return err
		}
		w.apply(events)
		if done {
			return nil
		}
	}
}

func (w *writer) apply(events []*Event) {
	if len(events) == 0 {
		return
	}
	for _, e := range events {
		w.heads.apply(e)
		w.recent.add(e)
	}
	w.position.Store(events[len(events)-1].Position)
	w.tail.publish(events)
}
