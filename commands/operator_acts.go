package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// ActCommands record what operators do outside the aggregates: to read models, jobs
// and the log itself. Act does both in their order.
type ActCommands struct {
	BeginAct Handler[BeginAct, act.State]
	EndAct   Handler[EndAct, act.State]
}

// BeginAct records that the principal begins something. It fails with
// access.ErrForbidden for those who may not, and for a reason that is missing or
// unusable. The id of the act is that of the request: see ActID.
type BeginAct struct {
	Kind   act.Kind
	Target string
	// Details tell more. They must hold no data about people.
	Details map[string]string
	// Account is the account of a command line.
	Account personal.Text
	Reason  personal.Text
	// Organization is the one that the act concerns, if it is of one: its audit log
	// shows the act.
	Organization id.Organization
}

// EndAct records how an act ended. It fails with act.ErrEnded for one that has
// ended differently.
type EndAct struct {
	ActID   id.Act
	Outcome act.Outcome
	// Note says what was done, or why it failed. It must hold no data about people.
	Note         string
	Organization id.Organization
}

func (x *executor) actCommands(o Observer) ActCommands {
	return ActCommands{
		BeginAct: observed(o, "BeginAct", x.beginAct),
		EndAct:   observed(o, "EndAct", x.endAct),
	}
}

// ActID returns the id of the act that a request begins.
func ActID(req Request) (id.Act, error) { return id.New[id.Act](req.IDs()) }

func (x *executor) beginAct(ctx context.Context, req Request, c BeginAct) (Result[act.State], error) {
	name, err := ActID(req)
	if err != nil {
		return Result[act.State]{}, err
	}
	b := act.Beginning{ID: name, Kind: c.Kind, Target: c.Target, Details: c.Details, Account: c.Account, Reason: c.Reason}
	return resultOf(settle(ctx, x, req, ref(act.Aggregate, name), c.Organization, func(s act.State) ([]event.Event, error) {
		return s.Begin(req.Principal, b, req.at())
	}))
}

func (x *executor) endAct(ctx context.Context, req Request, c EndAct) (Result[act.State], error) {
	return resultOf(settle(ctx, x, req, ref(act.Aggregate, c.ActID), c.Organization, func(s act.State) ([]event.Event, error) {
		return s.End(c.Outcome, c.Note, req.at())
	}))
}

// OrderAct is Act for work that goes on after it was ordered: the act ends when whoever
// carries it out says so by EndAct, or here, when it could not be ordered.
func (c *Commands) OrderAct(ctx context.Context, req Request, begin BeginAct, order func(ctx context.Context, act string) error) error {
	began, err := c.BeginAct(ctx, req, begin)
	if err != nil {
		return err
	}
	started := time.Now()
	if err = order(ctx, string(began.Value.ID)); err == nil {
		return nil
	}
	req.Now = req.Now.Add(time.Since(started))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, endErr := c.EndAct(ctx, req, EndAct{ActID: began.Value.ID, Outcome: act.Failed, Note: err.Error(), Organization: begin.Organization})
	return errors.Join(err, endErr)
}

// endTimeout bounds how long the end of an act is recorded after its context ended.
const endTimeout = 10 * time.Second

// Act records that an operator begins something, does it, and records how it ended.
// Nothing is done when the beginning cannot be recorded. The work returns a sentence
// that is kept with the end; neither that nor its error may hold data about people.
func (c *Commands) Act(ctx context.Context, req Request, begin BeginAct, work func(context.Context) (note string, err error)) error {
	began, err := c.BeginAct(ctx, req, begin)
	if err != nil {
		return err
	}
	started := time.Now()
	note, err := work(ctx)
	end := EndAct{ActID: began.Value.ID, Outcome: act.Done, Note: note, Organization: begin.Organization}
	switch {
	case err != nil && ctx.Err() != nil:
		end.Outcome = act.Interrupted
	case err != nil:
		end.Outcome, end.Note = act.Failed, err.Error()
	}
	req.Now = req.Now.Add(time.Since(started))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, endErr := c.EndAct(ctx, req, end)
	return errors.Join(err, endErr)
}
