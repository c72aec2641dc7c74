// Package commands holds the use cases that change something: each authorises,
// loads, decides by the domain's rules, and appends. One file per use case.
//
// Commands see the outside through the small interfaces of this package.
package commands

import (
	"cmp"
	"context"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/payment"
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
	// Keys finds API keys; only RevokeOrphanedKeys needs it.
	Keys KeyIndex
	// Secrets and Invitations are for the commands of members.
	Secrets     Secrets
	Invitations InvitationIndex
	Mailer      Mailer
	// Memberships finds the organizations of a person, and Eraser destroys what
	// is stored about one. Only commands that end an account, or an organization
	// for good, need them.
	Memberships MembershipIndex
	Eraser      Eraser
	// Grace is how long a deactivated account can be restored; user.DefaultGrace
	// when zero.
	Grace time.Duration
	// Live makes API keys of the live kind; without it they are test keys.
	Live   bool
	Limits Limits
	// Turns are those of the processes that write to busy streams; nil where there
	// is only one.
	Turns Turns
	// LowBalance is the number of available tokens below which an account is said
	// to be low; zero says never.
	LowBalance int64
	// Welcome is what a new organization is given.
	Welcome Welcome
	// Payments is the payment provider, and Catalogue what is sold.
	Payments  PaymentProvider
	Catalogue payment.Catalogue
	// Referrals are the terms of the referral programme.
	Referrals Referrals
	// Files is for the commands of files.
	Files Files
}

// Commands are the use cases, those of each resource in a file of their own.
type Commands struct {
	UserCommands
	OrganizationCommands
	MemberCommands
	APIKeyCommands
	TokenCommands
	SystemUserCommands
	PaymentCommands
	ReferralCommands
	FileCommands
	ActCommands
}

// New returns the use cases.
func New(deps Deps) *Commands {
	x := &executor{
		streams: deps.Streams, turns: newTurns(), lines: newLines(deps.Turns),
		keys: deps.Keys, secrets: deps.Secrets, invitations: deps.Invitations, mailer: deps.Mailer,
		memberships: deps.Memberships, eraser: deps.Eraser, grace: cmp.Or(deps.Grace, user.DefaultGrace),
		live: deps.Live, limits: deps.Limits.withDefaults(), lowBalance: deps.LowBalance, welcome: deps.Welcome,
		payments: deps.Payments, catalogue: deps.Catalogue, referrals: deps.Referrals,
		files: deps.Files.withDefaults(),
	}
	x.tokens = x.tokenCommands(deps.Observer)
	return &Commands{
		UserCommands:         x.userCommands(deps.Observer),
		OrganizationCommands: x.organizationCommands(deps.Observer),
		MemberCommands:       x.memberCommands(deps.Observer),
		APIKeyCommands:       x.apiKeyCommands(deps.Observer),
		SystemUserCommands:   x.systemUserCommands(deps.Observer),
		TokenCommands:        x.tokens,
		PaymentCommands:      x.paymentCommands(deps.Observer),
		ReferralCommands:     x.referralCommands(deps.Observer),
		FileCommands:         x.fileCommands(deps.Observer),
		ActCommands:          x.actCommands(deps.Observer),
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
