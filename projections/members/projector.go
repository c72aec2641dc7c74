// Package members is the read model of organizations' members and invitations.
//
// A member's names are those of the read model of users, which queries join. An
// invitation has its address only while it can be accepted: erasing the
// invitation clears it.
package members

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "members"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. Every event of an organization's stream moves its
// revision, which is what If-Match is compared with.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{{Table: members, Subject: "id", Columns: []string{"email"}}},
		Reducers: projections.Join(
			projections.On(registered),
			projections.On(func(e organization.ProfileUpdated, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(func(e organization.SlugChanged, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(func(e organization.FileRetentionChanged, r event.Recorded) []change {
				return moved(e.OrganizationID, r)
			}),
			projections.On(func(e organization.SlugClaimLapsed, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(func(e organization.RegistrationLapsed, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(func(e organization.OwnershipTransferred, r event.Recorded) []change {
				return moved(e.OrganizationID, r)
			}),
			projections.On(func(e organization.Deleted, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(func(e organization.Restored, r event.Recorded) []change { return moved(e.OrganizationID, r) }),
			projections.On(invited),
			projections.On(resent),
			projections.On(revoked),
			projections.On(forgotten),
			projections.On(joined),
			projections.On(roleChanged),
			projections.On(suspended),
			projections.On(reinstated),
			projections.On(removed),
			projections.On(purged),
		),
	}
}

const (
	members     = "members"
	invitations = "invitations"
	streams     = "streams"
)

type (
	row    = projections.Row
	change = projections.Change
)

// Status is what somebody in the list of members is.
type Status string

// The statuses.
const (
	StatusActive    Status = "active"
	StatusSuspended Status = "suspended"
	StatusInvited   Status = "invited"
)

func registered(e organization.Registered, r event.Recorded) []change {
	return []change{projections.Put(streams, row{"organization_id": e.OrganizationID}, row{"revision": r.Revision})}
}

// moved is what every event of a stream changes, beside the other changes.
func moved(o id.Organization, r event.Recorded, others ...change) []change {
	return append(others, projections.Patch(streams, row{"organization_id": o}, row{"revision": r.Revision}))
}

// member is the key of a member or an invitation.
func member[I id.Name](o id.Organization, name I) row { return row{"organization_id": o, "id": name} }

func invited(e organization.MemberInvited, r event.Recorded) []change {
	return moved(
		e.OrganizationID, r,
		projections.Put(members, member(e.OrganizationID, e.InvitationID), row{
			"role": e.Role, "status": StatusInvited, "joined_at": e.OccurredAt,
			"email": e.Email.Reveal(), "invited_by": e.InvitedBy, "expire_at": e.ExpireAt,
		}),
		projections.Put(invitations, row{"id": e.InvitationID}, row{
			"organization_id": e.OrganizationID, "email_hash": e.EmailHash, "role": e.Role,
			"invited_by": e.InvitedBy, "invited_at": e.OccurredAt, "expire_at": e.ExpireAt,
		}),
	)
}

func resent(e organization.InvitationResent, r event.Recorded) []change {
	set := row{"invited_by": e.ResentBy, "expire_at": e.ExpireAt}
	return moved(
		e.OrganizationID, r,
		projections.Patch(members, member(e.OrganizationID, e.InvitationID), set),
		projections.Patch(invitations, row{"id": e.InvitationID}, set),
	)
}

func revoked(e organization.InvitationRevoked, r event.Recorded) []change {
	return moved(e.OrganizationID, r, over(e.OrganizationID, e.InvitationID)...)
}

// forgotten takes the address of an invitation away that expired long ago. Its
// organization is still found: to join again gives the same answer.
func forgotten(e organization.InvitationForgotten, r event.Recorded) []change {
	return moved(e.OrganizationID, r, projections.Delete(members, member(e.OrganizationID, e.InvitationID)))
}

// over takes an invitation off the list.
func over(o id.Organization, name id.Invitation) []change {
	return []change{
		projections.Delete(members, member(o, name)),
		projections.Patch(invitations, row{"id": name}, row{"ended": true}),
	}
}

func joined(e organization.MemberJoined, r event.Recorded) []change {
	changes := []change{projections.Put(members, member(e.OrganizationID, e.UserID), row{
		"user_id": e.UserID, "role": e.Role, "status": StatusActive, "joined_at": e.OccurredAt,
	})}
	if e.InvitationID != "" {
		changes = append(changes, over(e.OrganizationID, e.InvitationID)...)
	}
	return moved(e.OrganizationID, r, changes...)
}

func roleChanged(e organization.MemberRoleChanged, r event.Recorded) []change {
	return moved(e.OrganizationID, r, projections.Patch(members, member(e.OrganizationID, e.UserID), row{"role": e.Role}))
}

func suspended(e organization.MemberSuspended, r event.Recorded) []change {
	return moved(e.OrganizationID, r, projections.Patch(members, member(e.OrganizationID, e.UserID), row{"status": StatusSuspended}))
}

func reinstated(e organization.MemberReinstated, r event.Recorded) []change {
	return moved(e.OrganizationID, r, projections.Patch(members, member(e.OrganizationID, e.UserID), row{"status": StatusActive}))
}

func removed(e organization.MemberRemoved, r event.Recorded) []change {
	return moved(e.OrganizationID, r, projections.Delete(members, member(e.OrganizationID, e.UserID)))
}

func purged(e organization.Purged, _ event.Recorded) []change {
	return []change{
		projections.DeleteWhere(members, row{"organization_id": e.OrganizationID}),
		projections.DeleteWhere(invitations, row{"organization_id": e.OrganizationID}),
		projections.Delete(streams, row{"organization_id": e.OrganizationID}),
	}
}
