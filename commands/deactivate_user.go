package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
)

// The end of an account touches several streams, and a process may die between
// them. The memberships are suspended first, because only the organizations know
// whether they keep an owner; then the account is deactivated. Whatever is left
// behind is put right by policies that look a while after each step:
//
//   - a membership that is suspended though the account is in use is reinstated,
//   - a deactivated account's memberships that were missed are suspended; where an
//     organization refuses, the deactivation is taken back,
//   - a restored account's memberships are reinstated.
//
// None of this lets a deactivated person act: every request looks at the account
// itself.

// MembershipIndex finds the organizations of a person, which no stream tells.
type MembershipIndex interface {
	// OrganizationsOf returns the organizations of which a person is a member,
	// suspended or not, also deleted ones. It knows of all that was written before
	// the call.
	OrganizationsOf(ctx context.Context, person id.User) ([]id.Organization, error)
}

// DeactivateUser deactivates the caller's account. It can be restored until the
// grace is over, and is erased then. The memberships and the API keys of the
// person sleep meanwhile. An account that is deactivated already stays as it is.
//
// It fails with user.ErrSoleOwner, whose details name the organizations, when
// the person is the only active owner of an organization, and with
// referrer.ErrInProgress while a withdrawal of the person is under way.
type DeactivateUser struct {
	// ConfirmEmail must be the email address of the account.
	ConfirmEmail personal.Text
}

func (x *executor) deactivateUser(ctx context.Context, req Request, c DeactivateUser) (Result[user.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[user.State]{}, err
	}
	of := ref(user.Aggregate, req.Principal.UserID)
	before, err := load(ctx, x, of, true)
	if err != nil {
		return Result[user.State]{}, err
	}
	if err := before.State.ConfirmEmail(c.ConfirmEmail); err != nil && before.State.Status != user.StatusErased {
		return Result[user.State]{}, err
	}
	if before.State.Status != user.StatusActive {
		_, err := before.State.Deactivate(x.grace, req.at())
		return resultOf(before, err)
	}
	if req.Expected != nil && *req.Expected != before.Revision {
		return Result[user.State]{}, ErrStale
	}
	earner, err := load(ctx, x, ref(referrer.Aggregate, id.ReferrerOf(before.State.ID)), true)
	if err != nil {
		return Result[user.State]{}, err
	}
	if err := earner.State.RequireNoWithdrawal(); err != nil {
		return Result[user.State]{}, err
	}
	if err := x.suspendEverywhere(ctx, req, before.State.ID); err != nil {
		return Result[user.State]{}, x.afterTakingBack(ctx, req, before.State.ID, err)
	}
	o, err := execute(ctx, x, req, change[user.State]{
		of: of, expected: req.Expected,
		decide: func(s user.State) ([]event.Event, error) { return s.Deactivate(x.grace, req.at()) },
	})
	if err != nil {
		return Result[user.State]{}, x.afterTakingBack(ctx, req, before.State.ID, err)
	}
	// An organization may have been joined or created meanwhile.
	return resultOf(o, x.suspendOrRestore(ctx, req, o.State.ID))
}

// suspendEverywhere suspends the memberships of a person. Where the person is the
// last owner, no membership is suspended if that shows beforehand.
func (x *executor) suspendEverywhere(ctx context.Context, req Request, person id.User) error {
	organizations, err := x.memberships.OrganizationsOf(ctx, person)
	if err != nil {
		return fmt.Errorf("find the organizations of a person: %w", err)
	}
	var refused []failure.Detail
	for _, name := range organizations {
		o, err := load(ctx, x, ref(organization.Aggregate, name), true)
		if err != nil {
			return err
		}
		if _, err := o.State.Suspend(person, req.at()); errors.Is(err, organization.ErrLastOwner) {
			refused = append(refused, soleOwnerOf(o.State))
		} else if err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return soleOwner(refused)
	}
	for _, name := range organizations {
		_, err := settle(ctx, x, req, ref(organization.Aggregate, name), name, func(s organization.State) ([]event.Event, error) {
			events, err := s.Suspend(person, req.at())
			if errors.Is(err, organization.ErrLastOwner) { // The other owners went just now.
				err = soleOwner([]failure.Detail{soleOwnerOf(s)})
			}
			return events, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func soleOwnerOf(o organization.State) failure.Detail {
	return failure.Detail{Field: string(o.ID), Code: organization.ErrLastOwner.Code, Message: "the only active owner of " + o.Profile.Name}
}

func soleOwner(details []failure.Detail) error {
	refusal := *user.ErrSoleOwner
	refusal.Details = details
	return &refusal
}

// reinstateEverywhere ends the suspensions of a person.
func (x *executor) reinstateEverywhere(ctx context.Context, req Request, person id.User) error {
	organizations, err := x.memberships.OrganizationsOf(ctx, person)
	if err != nil {
		return fmt.Errorf("find the organizations of a person: %w", err)
	}
	for _, name := range organizations {
		if _, err := settle(ctx, x, req, ref(organization.Aggregate, name), name, func(s organization.State) ([]event.Event, error) {
			return s.Reinstate(person, req.at())
		}); err != nil {
			return err
		}
	}
	return nil
}

// takeBackTimeout bounds the work of undoing what a failed command has done.
const takeBackTimeout = 10 * time.Second

// afterTakingBack reinstates the memberships of a person whose account was not
// deactivated, and returns the reason why not. Should this fail, the policy on
// each suspension does the same later.
func (x *executor) afterTakingBack(ctx context.Context, req Request, person id.User, reason error) error {
	if !failure.Refused(reason) {
		return reason // The outcome is not known: the deactivation may stand.
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	if _, err := x.settleStanding(ctx, req, person); err != nil && failure.Of(err) == nil {
		return errors.Join(reason, err)
	}
	return reason
}

// SettleStanding makes a person's memberships follow from the account: asleep
// while it is deactivated, awake while it is in use. It is for policies, some
// time after the account or a membership has changed. Where an organization would
// be left without an owner, the account is restored.
type SettleStanding struct {
	UserID id.User
}

func (x *executor) settleStandingOf(ctx context.Context, req Request, c SettleStanding) (Result[user.State], error) {
	if err := mayChangeAccount(req.Principal, c.UserID); err != nil {
		return Result[user.State]{}, err
	}
	return resultOf(x.settleStanding(ctx, req, c.UserID))
}

func (x *executor) settleStanding(ctx context.Context, req Request, person id.User) (outcome[user.State], error) {
	of := ref(user.Aggregate, person)
	o, err := load(ctx, x, of, true)
	if err != nil {
		return o, err
	}
	switch o.State.Status {
	case user.StatusActive:
		err = x.reinstateEverywhere(ctx, req, person)
	case user.StatusDeactivated:
		if err = x.suspendOrRestore(ctx, req, person); errors.Is(err, user.ErrSoleOwner) {
			err = nil // The account is in use again, as it must be.
		}
	case user.StatusErased:
	}
	if err != nil {
		return o, err
	}
	return load(ctx, x, of, true)
}

// suspendOrRestore suspends the memberships of a deactivated account. If one
// cannot be, it restores the account with all memberships and returns
// user.ErrSoleOwner.
func (x *executor) suspendOrRestore(ctx context.Context, req Request, person id.User) error {
	refused := x.suspendEverywhere(ctx, req, person)
	if !errors.Is(refused, user.ErrSoleOwner) {
		return refused
	}
	if _, err := settle(ctx, x, req, ref(user.Aggregate, person), "", func(s user.State) ([]event.Event, error) {
		return s.Restore(req.at())
	}); err != nil {
		return err
	}
	if err := x.reinstateEverywhere(ctx, req, person); err != nil {
		return err
	}
	return refused
}
