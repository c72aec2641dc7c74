package commands

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// EraseUser erases a deactivated account for good: the person's own, or any by
// those with access.EraseUsers. It ends the memberships, releases what was
// reserved, destroys the keys that the person's data is encrypted with, and
// returns the certificate. For an account that was erased it returns the same
// certificate again, and finishes what an earlier attempt left.
//
// It fails with user.ErrNotDeactivated for an account in use.
type EraseUser struct {
	UserID id.User
}

// EraseDueUser is EraseUser for an account whose grace is over. It does nothing
// for any other: the account may have been restored meanwhile.
type EraseDueUser struct {
	UserID id.User
}

// FinishUserErasure does what is left to do for an account that was erased. A
// policy issues it for each, so that no erasure stays half done.
type FinishUserErasure struct {
	UserID id.User
}

func (x *executor) eraseUser(ctx context.Context, req Request, c EraseUser) (Result[erasure.State], error) {
	if err := mayErase(req.Principal, c.UserID); err != nil {
		return Result[erasure.State]{}, err
	}
	o, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, c.UserID), expected: req.Expected,
		decide: func(s user.State) ([]event.Event, error) { return s.Erase(req.at()) },
	})
	if err != nil {
		return Result[erasure.State]{}, err
	}
	return resultOf(x.finishUserErasure(ctx, req, o))
}

func (x *executor) eraseDueUser(ctx context.Context, req Request, c EraseDueUser) (Result[erasure.State], error) {
	if err := mayErase(req.Principal, c.UserID); err != nil {
		return Result[erasure.State]{}, err
	}
	o, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, c.UserID),
		decide: func(s user.State) ([]event.Event, error) {
			if !s.PurgeDue(req.at()) {
				return nil, nil
			}
			return s.Erase(req.at())
		},
	})
	if err != nil || o.State.Status != user.StatusErased {
		return Result[erasure.State]{}, err
	}
	return resultOf(x.finishUserErasure(ctx, req, o))
}

func (x *executor) finishErasureOfUser(ctx context.Context, req Request, c FinishUserErasure) (Result[erasure.State], error) {
	if err := mayErase(req.Principal, c.UserID); err != nil {
		return Result[erasure.State]{}, err
	}
	o, err := load(ctx, x, ref(user.Aggregate, c.UserID), true)
	if err != nil || o.State.Status != user.StatusErased {
		return Result[erasure.State]{}, err
	}
	return resultOf(x.finishUserErasure(ctx, req, o))
}

// mayErase is nil for the person, and for those who may erase accounts. For all
// others the account does not exist.
func mayErase(p access.Principal, person id.User) error {
	switch {
	case p.Kind == access.KindUser && p.UserID == person && person != "":
		return nil
	case p.Kind == access.KindUser:
		return user.ErrNotFound
	}
	return p.Require(access.EraseUsers)
}

// finishUserErasure carries out what follows from user.Erased. Each step can be
// repeated.
func (x *executor) finishUserErasure(ctx context.Context, req Request, o outcome[user.State]) (outcome[erasure.State], error) {
	person := o.State
	if err := x.endMemberships(ctx, req, person); err != nil {
		return outcome[erasure.State]{}, err
	}
	held := []reservation.Claim{{Kind: reservation.Subject, ValueHash: person.SubjectHash, OwnerID: string(person.ID)}}
	if person.EmailVerified {
		held = append(held, reservation.Claim{Kind: reservation.Email, ValueHash: person.EmailHash, OwnerID: string(person.ID)})
	}
	for _, c := range held {
		if err := x.release(ctx, req, "", c, req.at()); err != nil {
			return outcome[erasure.State]{}, err
		}
	}
	erased, err := x.erase(ctx, req, erasure.KindUser, erasure.UserID(person.ID), "")
	erased.Position = latest(erased.Position, o.Position)
	return erased, err
}

// endMemberships removes an erased person from their organizations.
func (x *executor) endMemberships(ctx context.Context, req Request, person user.State) error {
	organizations, err := x.memberships.OrganizationsOf(ctx, person.ID)
	if err != nil {
		return fmt.Errorf("find the organizations of a person: %w", err)
	}
	for _, name := range organizations {
		if _, err := settle(ctx, x, req, ref(organization.Aggregate, name), name, func(s organization.State) ([]event.Event, error) {
			return s.RemoveErased(person.ID, req.at()), nil
		}); err != nil {
			return err
		}
	}
	return nil
}
