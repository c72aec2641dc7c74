// Package commands holds the use cases that change something: each authorises,
// loads, decides by the domain's rules, and appends. One file per use case.
//
// Commands see the outside through the small interfaces of this package.
package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// Handler carries out one kind of command. It is safe for concurrent use.
type Handler[C, R any] func(ctx context.Context, req Request, command C) (Result[R], error)

// Result is what a command answers: the aggregate as it is now, the revision
// that names this state, and the position from which reads will show it.
type Result[R any] struct {
	Value    R
	Revision event.Revision
	Position event.Position
}

// Observer watches every command: traces, measures and logs it. End is called
// exactly once, with the command's error.
type Observer interface {
	Begin(ctx context.Context, command string, req Request) (_ context.Context, end func(error))
}

// Deps is what use cases need.
type Deps struct {
	Streams  Streams
	Observer Observer
	// Live makes API keys of the live kind; without it they are test keys.
	Live bool
}

// Commands are the use cases.
type Commands struct {
	RegisterUser             Handler[RegisterUser, RegisteredUser]
	FollowEmail              Handler[FollowEmail, user.State]
	UpdateUserProfile        Handler[UpdateUserProfile, user.State]
	SwitchActiveOrganization Handler[SwitchActiveOrganization, SwitchedOrganization]

	CreateOrganization Handler[CreateOrganization, CreatedOrganization]
	UpdateOrganization Handler[UpdateOrganization, organization.State]

	IssueAPIKey  Handler[IssueAPIKey, IssuedAPIKey]
	UpdateAPIKey Handler[UpdateAPIKey, apikey.State]
	RotateAPIKey Handler[RotateAPIKey, RotatedAPIKey]
	RevokeAPIKey Handler[RevokeAPIKey, apikey.State]
}

// New makes the use cases.
func New(deps Deps) *Commands {
	x := &executor{streams: deps.Streams, turns: newTurns(), live: deps.Live}
	return &Commands{
		RegisterUser:             observed(deps.Observer, "RegisterUser", x.registerUser),
		FollowEmail:              observed(deps.Observer, "FollowEmail", x.followEmail),
		UpdateUserProfile:        observed(deps.Observer, "UpdateUserProfile", x.updateUserProfile),
		SwitchActiveOrganization: observed(deps.Observer, "SwitchActiveOrganization", x.switchActiveOrganization),

		CreateOrganization: observed(deps.Observer, "CreateOrganization", x.createOrganization),
		UpdateOrganization: observed(deps.Observer, "UpdateOrganization", x.updateOrganization),

		IssueAPIKey:  observed(deps.Observer, "IssueAPIKey", x.issueAPIKey),
		UpdateAPIKey: observed(deps.Observer, "UpdateAPIKey", x.updateAPIKey),
		RotateAPIKey: observed(deps.Observer, "RotateAPIKey", x.rotateAPIKey),
		RevokeAPIKey: observed(deps.Observer, "RevokeAPIKey", x.revokeAPIKey),
	}
}

// observed is the one decoration that all commands share.
func observed[C, R any](o Observer, name string, h Handler[C, R]) Handler[C, R] {
	return func(ctx context.Context, req Request, command C) (result Result[R], err error) {
		ctx, end := o.Begin(ctx, name, req)
		defer func() { end(err) }()
		return h(ctx, req, command)
	}
}
