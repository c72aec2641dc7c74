package policyengine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

// follower runs a group of policies on one subscription. Its methods are called
// by the subscriber, one at a time.
type follower struct {
	engine *Engine
	owner  owner
	group  group
	// joining says that the group joins the others once it has caught up.
	joining bool
	stop    context.CancelCauseFunc

	// Since the last commit: the jobs to insert, how many of each policy, and the
	// last event with its time.
	pending []jobs.Insertion
	counts  map[string]int64
	last    event.Place
	lastAt  time.Time
	// recognised is up to where the log is the one that was read, if that is less
	// than where it was read to; else nil.
	recognised *event.Position
}

// metadataType is the metadata of a message that names the type of its event.
const metadataType = "type"

// run follows the log until ctx ends or the positions are not this follower's
// any more. It returns the reason.
func (f *follower) run(ctx context.Context) error {
	ctx, f.stop = context.WithCancelCause(ctx)
	defer f.stop(nil)
	subscriber, err := f.engine.config.Subscribe(f)
	if err != nil {
		return fmt.Errorf("subscribe the policies: %w", err)
	}
	defer func() { _ = subscriber.Close() }() // It returns nothing of use.
	topic := "policies"
	if f.joining {
		topic = "policy " + f.group.members[0].policy.Name
	}
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return fmt.Errorf("subscribe the policies: %w", err)
	}
	for m := range messages {
		if err := f.take(m.Metadata.Get(metadataType), func() (event.Recorded, error) { return f.engine.config.Header(m) }); err != nil {
			m.Nack()
			f.stop(err)
			continue
		}
		m.Ack()
	}
	f.stop(errEnded) // Unless something else did.
	return context.Cause(ctx)
}

var errEnded = errors.New("the policies' subscription has ended")

// take notes the jobs that an event leads to. It does not read the event, so
// that none can stop a policy: what cannot be read fails in its job.
func (f *follower) take(eventType string, header func() (event.Recorded, error)) error {
	r, err := header()
	if err != nil {
		return err
	}
	f.last, f.lastAt = r.Place(), r.Time
	for _, m := range f.group.members {
		if m.policy.EventType == eventType && r.Position.Compare(m.after(f.recognised)) > 0 {
			f.pending = append(f.pending, insertion(m.policy, r))
			f.counts[m.policy.Name]++
		}
	}
	return nil
}

// insertion is the job of an event.
func insertion(p policies.Policy, r event.Recorded) jobs.Insertion {
	job := jobs.Insertion{
		Args: args{policy: p.Name, Event: r.Ref()},
		Key:  uuid.UUID(policies.CommandID(p.Name, r.ID)),
	}
	if p.Delay > 0 {
		job.At = r.Time.Add(p.Delay)
	}
	return job
}

// Resume says where the group goes on, and forgets what was not committed.
func (f *follower) Resume(ctx context.Context) (event.Position, error) {
	all, err := f.engine.checkpoints(ctx)
	if err != nil {
		return event.Position{}, err
	}
	var now group
	for _, m := range f.group.members {
		c := all[m.policy.Name]
		if c.stopped != "" {
			f.stop(errRegroup)
			return event.Position{}, errRegroup
		}
		now.add(m.policy, c)
	}
	f.group = now
	mark, err := f.engine.config.Recognise(ctx, now.mark)
	if errors.Is(err, event.ErrLogWentBack) {
		err = errors.Join(err, f.halt(ctx, err))
	}
	if err != nil {
		return event.Position{}, err
	}
	f.group.mark.Log, f.recognised = mark.Log, nil
	if mark.Position != now.mark.Position {
		f.recognised = &mark.Position
	}
	f.forget()
	return f.group.position(f.recognised), nil
}

// halt stops the group's policies until an operator has decided where they go
// on: it alone knows which of the lost events led to what.
func (f *follower) halt(ctx context.Context, reason error) error {
	names := make([]string, len(f.group.members))
	for i, m := range f.group.members {
		names[i] = m.policy.Name
	}
	f.engine.config.Logger.ErrorContext(ctx, "the log went back: policies stop until an operator starts them again",
		slog.Any("policies", names), slog.Any("reason", reason))
	_, err := f.engine.config.Pool.Exec(ctx, `UPDATE policy.checkpoints SET stopped = $2, stopped_at = now()
		WHERE policy = ANY ($1) AND stopped IS NULL`, names, reason.Error())
	if err != nil {
		return fmt.Errorf("stop policies: %w", err)
	}
	f.stop(errRegroup)
	return nil
}

func (f *follower) forget() {
	f.pending, f.counts = nil, map[string]int64{}
	f.last, f.lastAt = f.group.mark.Last, f.group.lastAt
}

// Commit inserts the jobs and moves the positions, in one transaction. It is
// durable if there are jobs, also in a database that is set not to wait for the
// disk: their events are not read again.
func (f *follower) Commit(ctx context.Context, reached event.Mark, live bool) error {
	upTo := event.Mark{Log: f.group.mark.Log, Position: reached.Position, Last: f.last}
	// Once begun it is seen through, for a while.
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	err := pgx.BeginFunc(writing, f.engine.config.Pool, func(tx pgx.Tx) error {
		durability := "on"
		if len(f.pending) == 0 {
			durability = "off"
		}
		if _, err := tx.Exec(writing, "SET LOCAL synchronous_commit = "+durability); err != nil {
			return err
		}
		if err := f.owner.advance(writing, tx, f.group, upTo, f.lastAt, f.counts, live); err != nil {
			return err
		}
		return f.engine.config.Queue.Insert(writing, tx, f.pending...)
	})
	if errors.Is(err, errFenced) {
		f.stop(err)
	}
	if err != nil {
		return fmt.Errorf("commit policies: %w", err)
	}
	for i := range f.group.members {
		if m := &f.group.members[i]; m.position.Compare(upTo.Position) < 0 {
			m.position = upTo.Position
		}
	}
	f.group.mark, f.group.lastAt = upTo, f.lastAt
	f.forget()
	if f.joining && live {
		f.stop(errRegroup)
	}
	return nil
}
