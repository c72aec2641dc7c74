package eventnode

import (
	"context"
	"errors"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// liveBatch is how many events a subscriber takes from memory at a time.
const liveBatch = 256

// subscription follows $all or a stream. It is live while it finds its next
// events in the tail that the log holds in memory; when they are no longer
// there, because it starts far back or its client is slow, it catches up from
// Postgres until they are.
type subscription struct {
	log *eventlog.Log
	out *sender
	r   *reading
	// ending is closed when the node stops, replaced when the log turns out to be
	// another than the one that was followed.
	ending, replaced <-chan struct{}

	// position is where it stands in the log: everything up to it was considered.
	position int64
	// revision is where it stands in its stream; not used for $all.
	revision int64
	live     bool
	// behind says that the stream has events that the metadata may hide: only
	// reading the stream tells.
	behind bool

	checkpoints checkpoints
}

func (s *streamsService) subscribe(ctx context.Context, r *reading, out *sender) error {
	s.metrics.subscribers.Inc()
	defer s.metrics.subscribers.Dec()
	sub := &subscription{log: s.log, out: out, r: r, ending: s.ending, replaced: s.log.Replaced()}
	if err := sub.start(ctx); err != nil {
		return err
	}
	if err := sub.confirm(); err != nil {
		return err
	}
	return sub.run(ctx)
}

func (sub *subscription) confirm() error {
	return sub.out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

// start finds where the subscription begins: after the event that the client
// names.
func (sub *subscription) start(ctx context.Context) error {
	head := sub.log.Position()
	if sub.r.target.all {
		return sub.startAll(ctx, head)
	}
	last, err := sub.log.LastRevision(ctx, sub.r.target.stream)
	if err != nil {
		return err
	}
	sub.revision = sub.r.target.from
	switch {
	case sub.r.target.from == eventlog.End:
		sub.position, sub.revision = head, last
	case sub.revision >= last:
		sub.position = head
	default:
		sub.behind = true
	}
	return nil
}

func (sub *subscription) startAll(ctx context.Context, head int64) error {
	switch from := sub.r.target.from; {
	case from == eventlog.End:
		sub.position = head
	case from > head:
		// Not there yet, for all that this process knows. It is heard of when it is.
		sub.position = from
	default:
		sub.position = max(from, 0)
		if _, err := sub.log.CheckPosition(ctx, sub.position); err != nil {
			return err
		}
	}
	sub.checkpoints = newCheckpoints(sub.r.filter, sub.position)
	return nil
}

func (sub *subscription) run(ctx context.Context) error {
	if sub.behind {
		if err := sub.catchUp(ctx); err != nil {
			return err
		}
	}
	buf := make([]*eventlog.Event, 0, liveBatch)
	for {
		events, wait, ok := sub.log.After(sub.position, buf)
		switch {
		case !ok:
			sub.live = false
			if err := sub.catchUp(ctx); err != nil {
				return err
			}
		case len(events) == 0:
			if err := sub.goLive(); err != nil {
				return err
			}
			select {
			case <-wait:
			case <-ctx.Done():
				return ctx.Err()
			case <-sub.ending:
			case <-sub.replaced:
			}
			if err := sub.ended(); err != nil {
				return err
			}
		default:
			if err := sub.send(ctx, events); err != nil {
				return err
			}
		}
	}
}

// catchUp reads from Postgres to the end. Afterwards the tail reaches back far
// enough, or it is not called for the last time.
func (sub *subscription) catchUp(ctx context.Context) error {
	if !sub.r.target.all {
		return sub.catchUpStream(ctx)
	}
	for events, err := range sub.log.ReadAllAfter(ctx, sub.position) {
		if err != nil {
			return err
		}
		if err := sub.send(ctx, events); err != nil {
			return err
		}
		if err := sub.ended(); err != nil {
			return err
		}
	}
	return nil
}

// catchUpStream reads the rest of the stream, which then is complete up to where
// the log ended before.
func (sub *subscription) catchUpStream(ctx context.Context) error {
	head := sub.log.Position()
	for events, err := range sub.log.ReadStream(ctx, sub.r.target.stream, eventlog.Forwards, sub.revision+1, eventlog.Unlimited) {
		if errors.Is(err, eventlog.ErrStreamNotFound) {
			break
		}
		if err != nil {
			return err
		}
		if err := sub.sendOfStream(ctx, events); err != nil {
			return err
		}
		if err := sub.ended(); err != nil {
			return err
		}
	}
	sub.position = max(sub.position, head)
	return nil
}

// ended says why the subscription has to end, if it has.
func (sub *subscription) ended() error {
	select {
	case <-sub.ending:
		return errShuttingDown
	case <-sub.replaced:
		return errReplaced
	default:
		return nil
	}
}

// send takes the next events of the log.
func (sub *subscription) send(ctx context.Context, events []*eventlog.Event) error {
	last := events[len(events)-1].Position
	var err error
	switch {
	case !sub.r.target.all:
		err = sub.sendOfStream(ctx, events)
	case sub.r.filter == nil:
		err = sub.sendChosen(ctx, events)
	default:
		err = sub.sendFiltered(ctx, events)
	}
	sub.position = max(sub.position, last)
	return err
}

func (sub *subscription) sendOfStream(ctx context.Context, events []*eventlog.Event) error {
	chosen := events[:0]
	for _, e := range events {
		if e.Stream == sub.r.target.stream && e.Revision > sub.revision {
			sub.revision = e.Revision
			chosen = append(chosen, e)
		}
	}
	if err := sub.out.events(ctx, chosen); err != nil {
		return err
	}
	if sub.revision == eventlog.TombstoneRevision {
		return eventlog.ErrStreamDeleted
	}
	return nil
}

func (sub *subscription) sendChosen(ctx context.Context, events []*eventlog.Event) error {
	chosen, err := choose(events, sub.r.filter)
	if err != nil {
		return err
	}
	return sub.out.events(ctx, chosen)
}

// sendFiltered sends what the filter chooses, and a checkpoint after every so
// many events considered.
func (sub *subscription) sendFiltered(ctx context.Context, events []*eventlog.Event) error {
	for len(events) > 0 {
		n := sub.checkpoints.next(len(events))
		considered := events[n-1].Position
		if err := sub.sendChosen(ctx, events[:n]); err != nil {
			return err
		}
		if sub.checkpoints.count(n) {
			if err := sub.checkpoint(considered); err != nil {
				return err
			}
		}
		sub.position = considered
		events = events[n:]
	}
	return nil
}

// goLive tells the client, once, that it has everything. With a filter the
// checkpoint comes first: the client can resume from the end, not only from the
// last event it got.
func (sub *subscription) goLive() error {
	if sub.live {
		return nil
	}
	sub.live = true
	if sub.r.filter != nil {
		sub.checkpoints.considered = 0
		if err := sub.checkpoint(sub.position); err != nil {
			return err
		}
	}
	at := sub.position
	if !sub.r.target.all {
		at = sub.revision
	}
	caughtUp := &streams.ReadResp_CaughtUp{}
	caughtUp.ProtoReflect().SetUnknown(caughtUpFields(time.Now(), sub.r.target, at))
	return sub.out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: caughtUp}})
}
