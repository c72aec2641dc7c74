package eventlog

import (
	"context"

	"github.com/google/uuid"
)

// Result says where a write ended.
type Result struct {
	// Revision is that of the last event of the append; -1 when the append and
	// the stream are empty. For a deletion it is that of the stream.
	Revision int64
	// Position is that of the last event written, or the end of the log when
	// nothing was to be written; zero in an empty log.
	Position int64
}

// operation is one write on its way through the writer.
type operation struct {
	ctx      context.Context
	kind     kind
	stream   string
	expected Expected
	events   []Proposed
	size     int64
	done     chan outcome // with room for one
}

// createsStream says that the operation can only succeed if its stream is new, or
// was written by this very operation before. Of the store's own streams, among
// them metastreams, little is new.
func (op *operation) createsStream() bool {
	return op.kind == appendEvents && op.expected == NoStream && op.stream[0] != '$'
}

type kind int

const (
	appendEvents kind = iota
	softDelete
	tombstone
)

type outcome struct {
	result Result
	err    error
}

// Append writes events at the end of a stream when the stream is where the
// writer expects it, and returns once they are durable.
//
// An append that was written before, told by the ids of its events, is not
// written again and gives the same result: always when an exact revision or
// NoStream is expected, and with Any or StreamExists as long as the events are
// among the latest of the log (see Config.RecentEvents).
//
// The error wraps one of this package's, or is a *WrongRevisionError. After
// ErrOutcomeUnknown, and when ctx ended first, the events may have been written.
func (l *Log) Append(ctx context.Context, stream string, expected Expected, events []Proposed) (Result, error) {
	return l.write(ctx, &operation{kind: appendEvents, stream: stream, expected: expected, events: events})
}

// Delete deletes a stream so that it may be written again: it then goes on at
// the next revision, with the events up to now hidden.
func (l *Log) Delete(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.write(ctx, &operation{
		kind: softDelete, stream: stream, expected: expected,
		events: []Proposed{{ID: uuid.New(), Type: TypeMetadata, JSON: true, Data: deletedMetadata}},
	})
}

// Tombstone ends a stream, and its metastream, permanently.
func (l *Log) Tombstone(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.write(ctx, &operation{
		kind: tombstone, stream: stream, expected: expected,
		events: []Proposed{{ID: uuid.New(), Type: TypeTombstone}},
	})
}

func (l *Log) write(ctx context.Context, op *operation) (Result, error) {
	pending, err := l.enqueue(ctx, op)
	if err != nil {
		return Result{}, err
	}
	return pending.Wait()
}

// Pending is a write that has its place in the order of writes.
type Pending struct {
	log *Log
	op  *operation
}

// StartAppend is the first half of Append: appends that are started one after the
// other are decided in that order. ErrBusy and ErrClosed are returned at once, all
// else by Wait.
func (l *Log) StartAppend(ctx context.Context, stream string, expected Expected, events []Proposed) (*Pending, error) {
	return l.enqueue(ctx, &operation{kind: appendEvents, stream: stream, expected: expected, events: events})
}

func (l *Log) enqueue(ctx context.Context, op *operation) (*Pending, error) {
	op.ctx = ctx
	op.done = make(chan outcome, 1)
	for i := range op.events {
		op.size += op.events[i].size(op.stream)
	}
	if !l.writer.admit(op) {
		return nil, ErrBusy
	}
	select {
	case l.writer.queue <- op:
		return &Pending{log: l, op: op}, nil
	case <-l.writer.stopped:
		l.writer.leave(op)
		return nil, ErrClosed
	default:
		l.writer.leave(op)
		return nil, ErrBusy
	}
}

// Wait returns what became of the write. It is called once.
func (p *Pending) Wait() (Result, error) {
	select {
	case out := <-p.op.done:
		return out.result, out.err
	case <-p.op.ctx.Done():
		return Result{}, p.op.ctx.Err()
	case <-p.log.writer.stopped:
		// The writer answers what it has taken up before it stops.
		select {
		case out := <-p.op.done:
			return out.result, out.err
		default:
			return Result{}, ErrClosed
		}
	}
}
