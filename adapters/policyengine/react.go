package policyengine

import (
	"context"
	"errors"
	"fmt"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

// KindPrefix is common to the kinds of the jobs of policies.
const KindPrefix = "policy/"

// args are the arguments of a policy's job.
type args struct {
	policy string
	Event  event.Ref `json:"event"`
}

// Kind implements jobs.Args.
func (a args) Kind() string { return KindPrefix + a.policy }

// Reacting is what the jobs of policies need.
type Reacting struct {
	Commands *commands.Commands
	// Read reads an event. Unreadable tells from its error that no attempt of this
	// program will be able to.
	Read       func(context.Context, event.Ref) (event.Recorded, error)
	Unreadable func(error) bool
	// Seed is the randomness of a command: for the same id always the same, and
	// known to nobody else.
	Seed func(command event.ID) commands.Seed
	// Observe, when set, sees each reaction begin, and gives what ends the
	// observation: a span, for example.
	Observe func(ctx context.Context, policy string, cause event.Recorded) (context.Context, func(error))
}

// Kinds are the kinds of jobs that carry out what the policies decide.
func Kinds(all []policies.Policy, r Reacting) []jobs.Kind {
	kinds := make([]jobs.Kind, len(all))
	for i, p := range all {
		kinds[i] = jobs.On(args{policy: p.Name}, jobs.Options{Queue: p.Queue, Timeout: p.Timeout},
			func(ctx context.Context, job jobs.Job[args]) error { return r.react(ctx, p, job) })
	}
	return kinds
}

var errWrongKey = errors.New("the job's key is not that of its event")

func (r Reacting) react(ctx context.Context, p policies.Policy, job jobs.Job[args]) (err error) {
	id := policies.CommandID(p.Name, job.Args.Event.ID)
	if event.ID(job.Key) != id {
		return jobs.Final(errWrongKey)
	}
	cause, err := r.Read(ctx, job.Args.Event)
	if err != nil {
		err = fmt.Errorf("read the event: %w", err)
		if r.Unreadable(err) {
			return jobs.Final(err)
		}
		return err
	}
	if r.Observe != nil {
		var end func(error)
		ctx, end = r.Observe(ctx, p.Name, cause)
		defer func() { end(err) }()
	}
	// The job may have been put off: then the command is made when it is due.
	at := job.CreatedAt
	if due := cause.Time.Add(p.Delay); due.After(at) {
		at = due
	}
	return p.React(ctx, policies.Reaction{
		Event: cause, Commands: r.Commands, Request: p.Request(cause, at, r.Seed(id)), Fence: job.Lease.Fence,
	})
}
