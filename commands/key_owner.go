package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// withOwner returns a key as its owner's membership and account leave it. It
// asks the store, for another process may just have ended them, and does not
// wait for the policy that will revoke the key.
func (x *executor) withOwner(ctx context.Context, key apikey.State) (apikey.State, error) {
	if key.OwnerType != apikey.OwnerUser || !key.RevokedAt.IsZero() {
		return key, nil
	}
	person, err := load(ctx, x, ref(user.Aggregate, key.UserID), true)
	if err != nil {
		return apikey.State{}, err
	}
	home, err := load(ctx, x, ref(organization.Aggregate, key.OrganizationID), true)
	if err != nil {
		return apikey.State{}, err
	}
	membership := home.State.Members.Get(key.UserID)
	return key.Under(apikey.Owner{
		Erased:      person.State.Status == user.StatusErased,
		Asleep:      person.State.Status == user.StatusDeactivated || membership.Suspended,
		MemberSince: membership.JoinedAt,
	}), nil
}
