// Package organizations is the read model of organizations, their members and
// their slugs.
package organizations

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "organizations"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. Every event of an organization's stream moves
// the row's revision, which is what If-Match is compared with.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 4, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{{Table: organizations, Subject: "id", Columns: []string{"email"}}},
		Reducers: projections.Join(
			projections.On(registered),
			projections.On(profileUpdated),
			projections.On(slugChanged),
			projections.On(fileRetentionChanged),
			projections.On(slugClaimLapsed),
			projections.On(registrationLapsed),
			projections.On(memberInvited),
			projections.On(invitationResent),
			projections.On(invitationRevoked),
			projections.On(invitationForgotten),
			projections.On(memberJoined),
			projections.On(memberRoleChanged),
			projections.On(memberSuspended),
			projections.On(memberReinstated),
			projections.On(memberRemoved),
			projections.On(ownershipTransferred),
			projections.On(deleted),
			projections.On(restored),
			projections.On(purged),
		),
	}
}

const (
	organizations = "organizations"
	members       = "members"
	slugs         = "slugs"
)

type (
	row    = projections.Row
	change = projections.Change
)

func registered(e organization.Registered, r event.Recorded) []change {
	return []change{
		projections.Put(organizations, row{"id": e.OrganizationID}, row{
			"status": organization.StatusActive, "name": e.Name, "slug": e.Slug, "email": e.Email.Reveal(),
			"website": e.Website, "description": e.Description, "logo_url": e.LogoURL,
			"country": e.Country, "timezone": e.Timezone,
			"revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
		}),
		projections.Put(slugs, row{"slug": e.Slug}, row{"organization_id": e.OrganizationID}),
	}
}

func profileUpdated(e organization.ProfileUpdated, r event.Recorded) []change {
	return []change{projections.Patch(organizations, row{"id": e.OrganizationID}, row{
		"name": e.Name, "email": e.Email.Reveal(), "website": e.Website, "description": e.Description,
		"logo_url": e.LogoURL, "country": e.Country, "timezone": e.Timezone,
		"revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

// slugChanged: the former slug still leads here, until another organization
// takes it.
func slugChanged(e organization.SlugChanged, r event.Recorded) []change {
	return []change{
		projections.Patch(organizations, row{"id": e.OrganizationID}, row{
			"slug": e.Slug, "revision": r.Revision, "updated_at": e.OccurredAt,
		}),
		projections.Put(slugs, row{"slug": e.Slug}, row{"organization_id": e.OrganizationID}),
	}
}

func fileRetentionChanged(e organization.FileRetentionChanged, r event.Recorded) []change {
	return []change{projections.Patch(organizations, row{"id": e.OrganizationID}, row{
		"file_retention": e.Days, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func slugClaimLapsed(e organization.SlugClaimLapsed, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

// moved is the change of an event that only moves the stream.
func moved(o id.Organization, r event.Recorded) []change {
	return []change{projections.Patch(organizations, row{"id": o}, row{"revision": r.Revision})}
}

func registrationLapsed(e organization.RegistrationLapsed, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func memberInvited(e organization.MemberInvited, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func invitationResent(e organization.InvitationResent, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func invitationRevoked(e organization.InvitationRevoked, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func invitationForgotten(e organization.InvitationForgotten, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func ownershipTransferred(e organization.OwnershipTransferred, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func memberSuspended(e organization.MemberSuspended, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func memberReinstated(e organization.MemberReinstated, r event.Recorded) []change {
	return moved(e.OrganizationID, r)
}

func memberJoined(e organization.MemberJoined, r event.Recorded) []change {
	return []change{
		projections.Put(members, row{"organization_id": e.OrganizationID, "user_id": e.UserID},
			row{"role": e.Role, "joined_at": e.OccurredAt}),
		projections.Patch(organizations, row{"id": e.OrganizationID}, row{"revision": r.Revision}),
	}
}

func memberRoleChanged(e organization.MemberRoleChanged, r event.Recorded) []change {
	return []change{
		projections.Patch(members, row{"organization_id": e.OrganizationID, "user_id": e.UserID}, row{"role": e.Role}),
		projections.Patch(organizations, row{"id": e.OrganizationID}, row{"revision": r.Revision}),
	}
}

func memberRemoved(e organization.MemberRemoved, r event.Recorded) []change {
	return []change{
		projections.Delete(members, row{"organization_id": e.OrganizationID, "user_id": e.UserID}),
		projections.Patch(organizations, row{"id": e.OrganizationID}, row{"revision": r.Revision}),
	}
}

func deleted(e organization.Deleted, r event.Recorded) []change {
	return []change{projections.Patch(organizations, row{"id": e.OrganizationID}, row{
		"status": organization.StatusDeleted, "purge_at": e.PurgeAt, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func restored(e organization.Restored, r event.Recorded) []change {
	return []change{projections.Patch(organizations, row{"id": e.OrganizationID}, row{
		"status": organization.StatusActive, "purge_at": nil, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func purged(e organization.Purged, _ event.Recorded) []change {
	return []change{
		projections.Delete(organizations, row{"id": e.OrganizationID}),
		projections.DeleteWhere(members, row{"organization_id": e.OrganizationID}),
		projections.DeleteWhere(slugs, row{"organization_id": e.OrganizationID}),
	}
}
