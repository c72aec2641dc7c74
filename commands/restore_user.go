package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

// RestoreUser ends the deactivation of the caller's account, and reinstates the
// memberships. The API keys that slept work again; those that were revoked stay
// so. An account in use stays as it is.
//
// It fails with user.ErrGraceExpired once the account is due to be erased.
type RestoreUser struct{}

func (x *executor) restoreUser(ctx context.Context, req Request, _ RestoreUser) (Result[user.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[user.State]{}, err
	}
	o, err := execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, req.Principal.UserID), expected: req.Expected,
		decide: func(s user.State) ([]event.Event, error) { return s.Restore(req.at()) },
	})
	if err == nil {
		err = x.reinstateEverywhere(ctx, req, req.Principal.UserID)
	}
	return resultOf(o, err)
}
