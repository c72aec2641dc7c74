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
// It fails with user.ErrEmailTaken when the provider has verified the address
// for another account as well. An address that is not verified is stored, but
// not reserved, so that it neither blocks its owner nor tells of them. Without
// an address it fails with user.ErrEmailMissing or user.ErrEmailInvalid.
type RegisterUser struct {
	FirstName personal.Text
	LastName  personal.Text
	// Locale is a BCP 47 tag; it may be empty, as may ReferralCode.
	Locale       string
	ReferralCode string
	// Click is what a signed id says of the click on a referral link by which the
	// person came; nil for none.
	Click *user.Click
}

// RegisteredUser is the account. New says that it was this request, or an earlier
// attempt of it, that made the account: of several requests of one person it is
// true for one.
type RegisteredUser struct {
	User user.State
	New  bool
}

func (x *executor) registerUser(ctx context.Context, req Request, c RegisterUser) (Result[RegisteredUser], error) {
	identity := req.Principal.Identity
	if req.Principal.Kind != access.KindUser || identity.SubjectHash == "" {
		return Result[RegisteredUser]{}, access.ErrCredentialNotAllowed
	}
	registration := user.Registration{
		Identity: identity, FirstName: c.FirstName, LastName: c.LastName,
		Locale: c.Locale, ReferralCode: c.ReferralCode, Click: c.Click,
	}
	// Wrong input reserves nothing.
	if _, err := (user.State{}).Register(registration, req.at()); err != nil {
		return Result[RegisteredUser]{}, err
	}
	candidate, err := id.New[id.User](req.IDs())
	if err != nil {
		return Result[RegisteredUser]{}, err
	}
	// The subject decides who this is: somebody new, or who began before. It is
	// also they who act, though the directory cannot know them yet.
	req.Principal.UserID = candidate
	holder, err := x.claim(ctx, req, x.subjectClaim(candidate, identity.SubjectHash))
	if err != nil {
		return Result[RegisteredUser]{}, err
	}
	registration.ID = id.User(holder)
	req.Principal.UserID = registration.ID
	o, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, registration.ID),
		// Clients tend to register a person from several places at once.
		contended: true,
		decide:    func(s user.State) ([]event.Event, error) { return s.Register(registration, req.at()) },
		claims:    func(events []event.Event) []held { return x.emailClaims(req, registration.ID, events) },
	})
	if err != nil {
		return Result[RegisteredUser]{}, err
	}
	return Result[RegisteredUser]{
		Value:    RegisteredUser{User: o.State, New: o.written},
		Revision: o.Revision, Position: o.Position,
	}, nil
}
