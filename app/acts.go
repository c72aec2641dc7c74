package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/personal"
)

// ErrNoSystemUser says that a tool was told to act as somebody who does not work for
// the operator.
var ErrNoSystemUser = errors.New("there is no system user of this id or address")

// Operator is who uses a tool.
type Operator struct {
	// As is the id or the address of a system user; empty for the command line
	// itself, which has all permissions of an admin. The machine is trusted, as it is
	// with the keys.
	As string
	// Account is the account of the machine.
	Account string
	// Reason is why, as the person says it.
	Reason string
}

// Acts record what operators do with tools.
type Acts struct{ commands *commands.Commands }

// openActs makes only the commands that acts need. They are in no metric.
func (c *core) openActs(logger *slog.Logger) (*Acts, error) {
	streams, err := eventstore.NewStreams(c.log.Client, c.codec, -1)
	if err != nil {
		return nil, err
	}
	return &Acts{commands.New(commands.Deps{
		Streams: streams, Secrets: keyedSecrets{c.keys}, Observer: telemetry.NewCommands(c.tracing, logger, telemetry.NewRegistry()),
	})}, nil
}

// Do records that an operator begins something, does it, and records how it ended:
// see commands.Commands.Act.
func (a *Acts) Do(ctx context.Context, who Operator, what commands.BeginAct, work func(context.Context) (note string, err error)) error {
	req, err := requestOf(ctx, a.commands, who.As)
	if err != nil {
		return err
	}
	if what.Account.IsZero() && who.Account != "" {
		what.Account = personal.New(who.Account)
	}
	if what.Reason.IsZero() && who.Reason != "" {
		what.Reason = personal.New(who.Reason)
	}
	return a.commands.Act(ctx, req, what, work)
}

// commandLine is the actor in the audit trail of what is done by a tool on behalf of
// no system user.
const commandLine = "command-line"

// requestOf returns a request of a system user, who is named by id or address, or of
// the command line itself.
func requestOf(ctx context.Context, uses *commands.Commands, as string) (commands.Request, error) {
	req, err := newRequest(access.ByPolicy(commandLine, "", access.ManageSystemUsers, access.ManageOperations))
	if err != nil || as == "" {
		return req, err
	}
	all, err := uses.ListSystemUsers(ctx, req, commands.ListSystemUsers{})
	if err != nil {
		return commands.Request{}, err
	}
	i := slices.IndexFunc(all.Value, func(u operator.User) bool { return string(u.ID) == as || u.Email.Reveal() == as })
	if i < 0 {
		return commands.Request{}, ErrNoSystemUser
	}
	u := all.Value[i]
	req.Principal = access.Principal{Kind: access.KindSystem, UserID: id.User(u.ID), SystemRoles: u.Roles}
	return req, nil
}

// ended records the end of an act that servers carried out: why it failed, or nothing
// if it did not. Repeated, it changes nothing.
func (a *Acts) ended(ctx context.Context, name, failure string) error {
	end := commands.EndAct{ActID: id.Act(name), Outcome: act.Done}
	if failure != "" {
		end.Outcome, end.Note = act.Failed, failure
	}
	return a.end(ctx, end)
}

func (a *Acts) end(ctx context.Context, end commands.EndAct) error {
	req, err := newRequest(access.ByPolicy("read-models", "", access.ManageOperations))
	if err != nil {
		return err
	}
	_, err = a.commands.EndAct(ctx, req, end)
	if errors.Is(err, act.ErrEnded) {
		return nil // It was cancelled meanwhile.
	}
	return err
}
