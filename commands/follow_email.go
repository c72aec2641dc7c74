package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// FollowEmail makes the address that the request's token has verified the
// caller's own, if the token is later than the one that brought the present
// address. It reserves the address, and releases the former one.
//
// It fails with user.ErrEmailTaken when the provider has verified the address
// for another account as well: then the caller keeps the present one.
type FollowEmail struct{}

func (x *executor) followEmail(ctx context.Context, req Request, _ FollowEmail) (Result[user.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[user.State]{}, err
	}
	userID := req.Principal.UserID
	o, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, userID),
		decide: func(s user.State) ([]event.Event, error) {
			return s.FollowEmail(req.Principal.Identity, req.at())
		},
		claims: func(events []event.Event) []held { return x.emailClaims(req, userID, events) },
	})
	if former := o.State.FormerEmailHash; err == nil && former != "" {
		err = x.release(ctx, req, "", reservation.Claim{
			Kind: reservation.Email, ValueHash: former, OwnerID: string(userID),
		}, req.at())
	}
	return resultOf(o, err)
}
