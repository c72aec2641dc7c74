// Package users is the read model of people with an account.
package users

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "users"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. Every event of a user's stream moves the row's
// revision, which is what If-Match is compared with.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{{
			Table: profiles, Subject: "id", Columns: []string{"email", "first_name", "last_name", "avatar_url"},
		}},
		Reducers: projections.Join(
			projections.On(registered),
			projections.On(profileUpdated),
			projections.On(activeOrganizationSwitched),
			projections.On(deactivated),
			projections.On(restored),
			projections.On(erased),
			projections.On(emailClaimLapsed),
			projections.On(emailChanged),
			projections.On(memberRemoved),
		),
	}
}

const profiles = "profiles"

type (
	row    = projections.Row
	change = projections.Change
)

func registered(e user.Registered, r event.Recorded) []change {
	return []change{projections.Put(profiles, row{"id": e.UserID}, row{
		"status": user.StatusActive, "subject_hash": e.SubjectHash,
		"email": e.Email.Reveal(), "email_verified": e.EmailVerified,
		"first_name": e.FirstName.Reveal(), "last_name": e.LastName.Reveal(), "locale": e.Locale,
		"revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

func profileUpdated(e user.ProfileUpdated, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{
		"first_name": e.FirstName.Reveal(), "last_name": e.LastName.Reveal(), "locale": e.Locale,
		"avatar_url": e.AvatarURL.Reveal(), "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func activeOrganizationSwitched(e user.ActiveOrganizationSwitched, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{
		"active_organization_id": e.OrganizationID, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func deactivated(e user.Deactivated, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{
		"status": user.StatusDeactivated, "purge_at": e.PurgeAt, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func restored(e user.Restored, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{
		"status": user.StatusActive, "purge_at": nil, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func erased(e user.Erased, _ event.Recorded) []change {
	return []change{projections.Delete(profiles, row{"id": e.UserID})}
}

func emailClaimLapsed(e user.EmailClaimLapsed, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{"revision": r.Revision})}
}

func emailChanged(e user.EmailChanged, r event.Recorded) []change {
	return []change{projections.Patch(profiles, row{"id": e.UserID}, row{
		"email": e.Email.Reveal(), "email_verified": true, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

// memberRemoved: nobody acts where they are no member.
func memberRemoved(e organization.MemberRemoved, _ event.Recorded) []change {
	return []change{projections.PatchWhere(profiles,
		row{"id": e.UserID, "active_organization_id": e.OrganizationID}, row{"active_organization_id": ""})}
}
