package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/user"
)

// UpdateUserProfile changes the caller's own profile.
type UpdateUserProfile struct {
	user.ProfileChange
}

func (x *executor) updateUserProfile(ctx context.Context, req Request, c UpdateUserProfile) (Result[user.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return Result[user.State]{}, err
	}
	return resultOf(execute(ctx, x, req, change[user.State]{
		of: ref(user.Aggregate, req.Principal.UserID), expected: req.Expected,
		decide: func(s user.State) ([]event.Event, error) { return s.UpdateProfile(c.ProfileChange, req.at()) },
	}))
}
