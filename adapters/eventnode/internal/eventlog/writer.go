package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"
)

// writer is the one goroutine of the process that writes to the log, and the one
// that knows what it holds: it applies every event, its own and those of other
// processes, in order, to the heads, the recent ids and the tail.
//
// Group commit: all writes that arrive while a transaction is under way wait
// together and become the next transaction. Each is decided on its own, on top
// of those before it, so a write that fails its check fails alone. Nobody gets
// an answer before the transaction is committed, for the answer to one may rest
// on the events of another.
//
// The memory is right for the log as of position. That the log still ends there
// is checked by the transaction itself (commit in store.go), not by asking
// first; when it does not, nothing is written, the writer reads what others
// wrote, and decides again, this time with the lock in hand.
type writer struct {
	store    *store
	queue    chan *operation
	wake     chan struct{} // others may have written
	stopped  chan struct{}
	tail     *tail
	position atomic.Int64 // end of the log as far as it is applied
	healthy  atomic.Bool

	heads  *headCache
	recent *recentIDs
	config Config
	log    *slog.Logger

	announce func(position int64)
}

// begin reads the end of the log.
func (w *writer) begin(ctx context.Context) error {
	if err := w.ready(ctx); err != nil {
		return err
	}
	return w.restart(ctx)
}

// run serves until ctx ends. What is under way then is finished.
func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	defer w.store.close(ctx)
	defer w.healthy.Store(false)
	poll := time.NewTicker(w.config.PollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case op := <-w.queue:
			w.commit(ctx, w.gather(op))
		case <-w.wake:
			w.followOthers(ctx)
		case <-poll.C:
			// A process may have died between its commit and its notification.
			w.followOthers(ctx)
		}
	}
}

// gather takes everything that waits, up to the bounds of a transaction. Writers
// that gave up are left out.
func (w *writer) gather(op *operation) []*operation {
	var batch []*operation
	var size int64
	for {
		if op.ctx.Err() == nil {
			batch = append(batch, op)
			size += op.size
		} else {
			op.done <- outcome{err: op.ctx.Err()}
		}
		if len(batch) >= w.config.MaxBatch || size >= maxBatchBytes {
			return batch
		}
		select {
		case op = <-w.queue:
		default:
			return batch
		}
	}
}

func (w *writer) commit(ctx context.Context, batch []*operation) {
	if len(batch) == 0 {
		return
	}
	// Once begun, a transaction is not cut off by a shutdown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.config.WriteTimeout)
	defer cancel()
	start := time.Now()
	outcomes, written, err := w.write(ctx, batch)
	if err != nil {
		w.fail(ctx, "write", err)
		// The connection may have been lost while nobody used it. It is safe to
		// begin anew even if the transaction was committed: what it wrote is then
		// found by its ids.
		first := err
		if outcomes, written, err = w.write(ctx, batch); err != nil {
			w.fail(ctx, "write again", err)
			err = errors.Join(first, err)
		}
	}
	if err != nil {
		outcomes = make([]outcome, len(batch))
		for i := range outcomes {
			outcomes[i].err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	w.config.Observer.Committed(len(batch), written, time.Since(start), err)
	for i, op := range batch {
		op.done <- outcomes[i]
	}
}

// write decides and commits a batch. The first attempt takes one round trip when
// all heads are known; the second holds the lock from the start, and so cannot
// be overtaken.
func (w *writer) write(ctx context.Context, batch []*operation) ([]outcome, int, error) {
	if err := w.ready(ctx); err != nil {
		return nil, 0, err
	}
	p, outcomes, err := w.decide(ctx, batch)
	if err != nil {
		return nil, 0, err
	}
	committed, err := w.store.commit(ctx, w.position.Load(), p.events)
	if err != nil {
		return nil, 0, err
	}
	if !committed {
		p, outcomes, err = w.writeLocked(ctx, batch)
		if err != nil {
			return nil, 0, err
		}
	}
	w.apply(p.events)
	if len(p.events) > 0 {
		w.announce(w.position.Load())
	}
	return outcomes, len(p.events), nil
}

func (w *writer) writeLocked(ctx context.Context, batch []*operation) (*plan, []outcome, error) {
	if err := w.store.lock(ctx); err != nil {
		return nil, nil, err
	}
	if err := w.follow(ctx); err != nil {
		return nil, nil, err
	}
	if end, err := w.store.end(ctx); err != nil {
		return nil, nil, err
	} else if end != w.position.Load() {
		// The log ends before what was read of it: the database was restored.
		w.log.WarnContext(ctx, "event log went back", slog.Int64("from", w.position.Load()), slog.Int64("to", end))
		if err := w.restart(ctx); err != nil {
			return nil, nil, err
		}
	}
	p, outcomes, err := w.decide(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	if err := w.store.commitLocked(ctx, p.events); err != nil {
		return nil, nil, err
	}
	return p, outcomes, nil
}

func (w *writer) decide(ctx context.Context, batch []*operation) (*plan, []outcome, error) {
	heads, err := w.headsOf(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	stored, err := w.storedOf(ctx, batch, heads)
	if err != nil {
		return nil, nil, err
	}
	p := newPlan(heads, w.recent, stored, w.position.Load(), ticks(time.Now()))
	outcomes := make([]outcome, len(batch))
	for i, op := range batch {
		outcomes[i] = p.decide(op)
	}
	return p, outcomes, nil
}

// headsOf collects the heads that the batch needs. Those that the cache lacks
// are read.
func (w *writer) headsOf(ctx context.Context, batch []*operation) (map[string]head, error) {
	heads := make(map[string]head, 2*len(batch))
	var missing []string
	for _, op := range batch {
		for _, name := range streamsOf(op.stream) {
			if _, ok := heads[name]; ok {
				continue
			}
			h, ok := w.heads.get(name)
			if !ok {
				missing = append(missing, name)
				h = head{revision: noRevision}
			}
			heads[name] = h
		}
	}
	if len(missing) == 0 {
		return heads, nil
	}
	found, err := readHeads(ctx, w.store.conn, missing)
	if err != nil {
		return nil, err
	}
	maps.Copy(heads, found)
	for _, name := range missing {
		w.heads.put(name, heads[name])
	}
	return heads, nil
}

// storedOf reads the ids written where the operations that are behind their
// stream would have written theirs.
func (w *writer) storedOf(ctx context.Context, batch []*operation, heads map[string]head) (map[revisionOf]storedID, error) {
	var behind []*operation
	for _, op := range batch {
		last := heads[op.stream].revision
		if op.expected >= NoStream && int64(op.expected) < last && last != TombstoneRevision && len(op.events) > 0 {
			behind = append(behind, op)
		}
	}
	if len(behind) == 0 {
		return nil, nil
	}
	return w.store.idsAfter(ctx, behind)
}

// ready makes the connection if there is none.
func (w *writer) ready(ctx context.Context) error {
	if err := w.store.connect(ctx); err != nil {
		return err
	}
	if w.healthy.CompareAndSwap(false, true) {
		w.log.InfoContext(ctx, "event log connected", slog.Int64("position", w.position.Load()))
	}
	return nil
}

// fail drops the connection; the next operation makes a new one. The memory
// stays: it is right for the position it has.
func (w *writer) fail(ctx context.Context, what string, err error) {
	w.store.close(ctx)
	if w.healthy.CompareAndSwap(true, false) {
		w.log.WarnContext(ctx, "event log lost its connection", slog.String("during", what), slog.Any("error", err))
	}
}
