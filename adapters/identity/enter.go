package identity

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/directory"
)

// Enter returns a principal as it acts in an organization that the request names
// in its path, deleted or not. Those who may not know of the organization get
// organization.ErrNotFound, as they do for one that does not exist. A key acts in
// its own organization only, a system user in each, and somebody without an
// account in none.
func (a *Authenticator) Enter(ctx context.Context, p access.Principal, name id.Organization) (access.Principal, error) {
	switch {
	case p.Kind != access.KindUser && p.Kind != access.KindSystem:
		if p.OrganizationID != name {
			return access.Principal{}, organization.ErrNotFound
		}
		return p, nil
	case p.UserID == "":
		return p, nil
	}
	if entered, err := a.enter(p, name); err == nil {
		return entered, nil
	}
	// The membership may have been written a moment ago, by another process.
	if err := a.parts.Directory.CatchUp(ctx); err != nil {
		return access.Principal{}, err
	}
	return a.enter(p, name)
}

func (a *Authenticator) enter(p access.Principal, name id.Organization) (access.Principal, error) {
	if p.Kind == access.KindSystem {
		o, known := a.parts.Directory.Organization(name)
		switch {
		case !known, o.Status == organization.StatusPurged, o.Status == "":
			return access.Principal{}, organization.ErrNotFound
		case o.Unreadable:
			return access.Principal{}, directory.ErrBehind
		}
		return p.In(name), nil
	}
	place, member := a.parts.Directory.Membership(p.UserID, name)
	switch {
	case !member, place.Organization.Status == organization.StatusPurged:
		return access.Principal{}, organization.ErrNotFound
	case place.Organization.Unreadable:
		return access.Principal{}, directory.ErrBehind
	}
	p.OrganizationID, p.Role, p.MemberSince = name, place.Role, place.Since
	return p, nil
}
