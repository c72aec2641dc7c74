package identity

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

// ErrAccessEnded says that whom something was issued to has no access any more.
var ErrAccessEnded = failure.New(failure.Forbidden, "ACCESS_ENDED",
	"whom this was issued to has no access to the organization any more")

// Recall returns the principal with an id, as access.Principal.ID gives it, as it may
// act now in the organization in which it acted. It is for what was issued to a
// principal and comes back without credentials, such as a signed URL. It fails with
// ErrAccessEnded, and with directory.ErrBehind when that cannot be known.
func (a *Authenticator) Recall(ctx context.Context, name string, in id.Organization) (access.Principal, error) {
	if err := a.parts.Directory.Current(ctx); err != nil {
		return access.Principal{}, err
	}
	if p, err := a.recall(name, in); err == nil {
		return p, nil
	}
	// The key or the membership may have been written a moment ago, by another process.
	if err := a.parts.Directory.CatchUp(ctx); err != nil {
		return access.Principal{}, err
	}
	return a.recall(name, in)
}

func (a *Authenticator) recall(name string, in id.Organization) (access.Principal, error) {
	if key, isKey := a.parts.Directory.KeyByID(id.APIKey(name)); isKey {
		p, err := keyPrincipal(key, time.Now())
		switch {
		case errors.Is(err, directory.ErrBehind):
			return access.Principal{}, err
		case err != nil || p.OrganizationID != in:
			return access.Principal{}, ErrAccessEnded
		}
		return p, nil
	}
	u, _ := a.parts.Directory.User(id.User(name))
	place, _ := a.parts.Directory.Membership(u.ID, in)
	switch {
	case u.Unreadable || place.Organization.Unreadable:
		return access.Principal{}, directory.ErrBehind
	case u.Status != user.StatusActive || place.Organization.Status != organization.StatusActive:
		return access.Principal{}, ErrAccessEnded
	}
	return access.Principal{
		Kind: access.KindUser, UserID: u.ID, OrganizationID: in, Role: place.Role, MemberSince: place.Since,
	}, nil
}
