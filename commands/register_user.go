package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// RegisterUser signs up the person whom the request's token speaks of. For one
// who has an account it answers with that account.
//
// It fails with user.ErrEmailTaken when another account has the address, and
// with user.ErrEmailMissing when the token names none.
type RegisterUser struct {
	FirstName personal.Text
	LastName  personal.Text
	// Locale is a BCP 47 tag; it may be empty, as may ReferralCode.
	Locale       string
	ReferralCode string
}

func (x *executor) registerUser(ctx context.Context, req Request, c RegisterUser) (Result[user.State], error) {
	identity := req.Principal.Identity
	if req.Principal.Kind != access.KindUser || identity.SubjectHash == "" {
		return Result[user.State]{}, access.ErrUserOnly
	}
	registration := user.Registration{
		Identity: identity, FirstName: c.FirstName, LastName: c.LastName,
		Locale: c.Locale, ReferralCode: c.ReferralCode,
	}
	// Wrong input reserves nothing.
	if _, err := (user.State{}).Register(registration, req.at()); err != nil {
		return Result[user.State]{}, err
	}
	candidate, err := id.New[id.User](req.IDs())
	if err != nil {
		return Result[user.State]{}, err
	}
	// The subject decides who this is: somebody new, or who began before. It is
	// also they who act, though the directory cannot know them yet.
	req.Principal.UserID = candidate
	holder, err := x.claim(ctx, req, x.subjectClaim(candidate, identity.SubjectHash))
	if err != nil {
		return Result[user.State]{}, err
	}
	registration.ID = id.User(holder)
	req.Principal.UserID = registration.ID
	return resultOf(execute(ctx, x, req, change[user.State]{
		of:     ref(user.Aggregate, registration.ID),
		decide: func(s user.State) ([]event.Event, error) { return s.Register(registration, req.at()) },
		claims: func([]event.Event) []claim {
			return []claim{x.emailClaim(req, registration.ID, identity.EmailHash)}
		},
	}))
}
