package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
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
	waiting  atomic.Int64 // bytes of the writes in the queue and under way
	tail     *tail
	position atomic.Int64 // end of the log as far as it is applied
	last     uuid.UUID    // id of the event there
	health   *health

	lastBatch int // writes in the last transaction, and how long it took
	lastTook  time.Duration

	heads  *headCache
	recent *recentIDs
	config Config
	log    *slog.Logger

	announce func(position int64)
}

// begin reads the end of the log.
func (w *writer) begin(ctx context.Context) error {
	if err := w.store.connect(ctx); err != nil {
		return err
	}
	if err := w.restart(ctx); err != nil {
		return err
	}
	w.health.well(ctx, w.position.Load())
	return nil
}

func (w *writer) end() logEnd { return logEnd{position: w.position.Load(), id: w.last} }

// run serves until ctx ends. What is under way then is finished.
func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	defer w.store.close(ctx)
	defer w.health.close()
	poll := time.NewTicker(w.config.PollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case op := <-w.queue:
			w.awaitCompany()
			w.commit(ctx, w.gather(op))
		case <-w.wake:
			w.followOthers(ctx)
		case <-poll.C:
			// A process may have died between its commit and its notification.
			w.followOthers(ctx)
			w.probe(ctx)
		}
	}
}

// awaitCompany gives those whose answers have just gone out the time to come back
// with their next write, so that they share the next transaction: without it every
// other one is of the few that were quickest. It waits for three quarters of the
// last batch and an eighth of the time that it took at most, so never for a writer
// that is alone.
func (w *writer) awaitCompany() {
	want := w.lastBatch*3/4 - 1
	if want <= 0 {
		return
	}
	for until := time.Now().Add(w.lastTook / 8); len(w.queue) < want && time.Now().Before(until); {
		runtime.Gosched()
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
			w.answer(op, outcome{err: op.ctx.Err()})
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
	outcomes, written, err := w.writeUntilDecided(ctx, batch)
	if err != nil {
		outcomes = make([]outcome, len(batch))
		for i := range outcomes {
			outcomes[i].err = err
		}
	}
	w.lastBatch, w.lastTook = len(batch), time.Since(start)
	w.config.Observer.Committed(len(batch), written, time.Since(start), err)
	for i, op := range batch {
		w.answer(op, outcomes[i])
	}
}

// admit takes a write in, unless too much waits already. One is always taken.
func (w *writer) admit(op *operation) bool {
	if before := w.waiting.Add(op.size) - op.size; before > 0 && before+op.size > w.config.QueueBytes {
		w.leave(op)
		return false
	}
	return true
}

func (w *writer) leave(op *operation) { w.waiting.Add(-op.size) }

func (w *writer) answer(op *operation, out outcome) {
	w.leave(op)
	op.done <- out
}

// writeUntilDecided writes again after failures that a second attempt may get
// around. It is safe to begin anew even if a transaction was committed: what it
// wrote is then found by its ids.
func (w *writer) writeUntilDecided(ctx context.Context, batch []*operation) ([]outcome, int, error) {
	var first error
	for attempt := 0; ; attempt++ {
		outcomes, written, err := w.write(ctx, batch)
		if err == nil {
			w.health.well(ctx, w.position.Load())
			return outcomes, written, nil
		}
		w.recover(ctx, err)
		switch {
		case hasState(err, stateLockNotTaken) && ctx.Err() == nil && w.takeOver(ctx):
			continue // for as long as the batch has time: somebody else holds the lock
		case hasState(err, stateSerialize, stateDeadlock) && attempt == 0:
			continue
		}
		if _, refused := answered(err); !refused && attempt == 0 {
			// The connection may have been lost while it was idle.
			first = err
			continue
		}
		err = unwritable(errors.Join(first, err))
		w.health.ill(ctx, "write", err)
		return nil, 0, err
	}
}

// recover makes the store usable after an error. A connection on which Postgres
// answered is kept, but one that is read-only: the next may lead elsewhere.
func (w *writer) recover(ctx context.Context, err error) {
	if _, ok := answered(err); ok && !hasState(err, stateReadOnly) && w.store.rollBack(ctx) == nil {
		return
	}
	w.store.close(ctx)
}

// takeOver returns whether it is worth waiting for the lock again.
func (w *writer) takeOver(ctx context.Context) bool {
	ended, err := w.store.takeOver(ctx)
	if err != nil {
		w.recover(ctx, err)
		return false
	}
	if ended > 0 {
		w.log.WarnContext(ctx, "event log took over from a process that held the lock and did nothing")
	}
	return true
}

// write decides and commits a batch. The first attempt takes one round trip when
// all heads are known; the second holds the lock from the start, and so cannot
// be overtaken.
func (w *writer) write(ctx context.Context, batch []*operation) ([]outcome, int, error) {
	if err := w.store.connect(ctx); err != nil {
		return nil, 0, err
	}
	heads, unwritten, err := w.headsOf(ctx, batch, optimistically)
	if err != nil {
		return nil, 0, err
	}
	p, outcomes, err := w.decide(ctx, batch, heads)
	if err != nil {
		return nil, 0, err
	}
	committed, err := w.store.commit(ctx, w.end(), unwritten, p.events)
	if err != nil {
		return nil, 0, err
	}
	if committed {
		w.heads.putNew(unwritten)
	} else if p, outcomes, err = w.writeLocked(ctx, batch); err != nil {
		return nil, 0, err
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
	heads, _, err := w.headsOf(ctx, batch, exactly)
	if err != nil {
		return nil, nil, err
	}
	p, outcomes, err := w.decide(ctx, batch, heads)
	if err != nil {
		return nil, nil, err
	}
	if err := w.store.commitLocked(ctx, p.events); err != nil {
		return nil, nil, err
	}
	return p, outcomes, nil
}

func (w *writer) decide(ctx context.Context, batch []*operation, heads map[string]head) (*plan, []outcome, error) {
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

// precision says whether headsOf may believe that a stream is new because its
// writer says so. The commit then proves it.
type precision bool

const (
	exactly        precision = false
	optimistically precision = true
)

// headsOf collects the heads that the batch needs. Those that the cache lacks
// are read; or, when all of them are of streams that nobody but appends with
// NoStream asks for, they are taken to be unwritten. So an append to a new stream
// takes no round trip to learn that it is new.
func (w *writer) headsOf(ctx context.Context, batch []*operation, how precision) (heads map[string]head, unwritten []string, err error) {
	heads = make(map[string]head, 2*len(batch))
	var missing []string
	believed := how == optimistically
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
		return heads, nil, nil
	}
	for _, op := range batch {
		believed = believed && (op.createsStream() || !w.lacks(op))
	}
	if believed {
		return heads, missing, nil
	}
	found, err := readHeads(ctx, w.store.conn, missing)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(heads, found)
	for _, name := range missing {
		w.heads.put(name, heads[name])
	}
	return heads, nil, nil
}

// lacks says whether the cache does not have what an operation needs.
func (w *writer) lacks(op *operation) bool {
	for _, name := range streamsOf(op.stream) {
		if _, ok := w.heads.get(name); !ok {
			return true
		}
	}
	return false
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
