// Package apikeys is the read model of API keys, as their owners see them. What
// a key opens is decided elsewhere, from memory.
//
// A user's key ends with the owner's membership and account, and sleeps while
// they are suspended, which happens in other streams than the key's: these
// changes leave the key's revision alone.
package apikeys

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/list"
)

// Name is the projection's name.
const Name = "apikeys"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
	//go:embed trigrams.sql
	trigrams string
)

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 3, Tables: tables, Indexes: indexes, Trigrams: trigrams,
		Reducers: projections.Join(
			projections.On(issued),
			projections.On(descriptionChanged),
			projections.On(rotated),
			projections.On(revoked),
			projections.On(memberSuspended),
			projections.On(memberReinstated),
			projections.On(memberRemoved),
			projections.On(userErased),
			projections.On(organizationPurged),
		),
	}
}

const keys = "keys"

type (
	row    = projections.Row
	change = projections.Change
)

func issued(e apikey.Issued, r event.Recorded) []change {
	return []change{projections.Put(keys, row{"id": e.KeyID}, row{
		"organization_id": e.OrganizationID, "owner_type": e.OwnerType, "user_id": e.UserID, "issued_by": e.IssuedBy,
		"description": e.Description, "scopes": e.Scopes, "live": e.Live, "start": e.Start, "last4": e.Last4,
		"description_folded": list.Fold(e.Description), "characters_folded": list.Fold(e.Start + " " + e.Last4),
		"expire_at": projections.OrNull(e.ExpireAt), "predecessor_id": e.PredecessorID,
		"revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

func descriptionChanged(e apikey.DescriptionChanged, r event.Recorded) []change {
	return []change{projections.Patch(keys, row{"id": e.KeyID}, row{
		"description": e.Description, "description_folded": list.Fold(e.Description),
		"revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func rotated(e apikey.Rotated, r event.Recorded) []change {
	return []change{projections.Patch(keys, row{"id": e.KeyID}, row{
		"successor_id": e.SuccessorID, "expire_at": projections.OrNull(e.ExpireAt), "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func revoked(e apikey.Revoked, r event.Recorded) []change {
	return []change{projections.Patch(keys, row{"id": e.KeyID}, row{
		"revoked_at": e.OccurredAt, "revision": r.Revision, "updated_at": e.OccurredAt,
	})}
}

func memberSuspended(e organization.MemberSuspended, _ event.Recorded) []change {
	return []change{projections.PatchWhere(keys, ofMember(e.UserID, e.OrganizationID), row{"suspended": true})}
}

func memberReinstated(e organization.MemberReinstated, _ event.Recorded) []change {
	return []change{projections.PatchWhere(keys, ofMember(e.UserID, e.OrganizationID), row{"suspended": false})}
}

// memberRemoved ends the member's keys that have not ended before.
func memberRemoved(e organization.MemberRemoved, _ event.Recorded) []change {
	match := ofMember(e.UserID, e.OrganizationID)
	match["revoked_at"] = nil
	return []change{projections.PatchWhere(keys, match, row{"revoked_at": e.OccurredAt, "updated_at": e.OccurredAt})}
}

// ofMember matches the keys of a person in an organization, and not those of the
// organization that they issued.
func ofMember(person id.User, organization id.Organization) row {
	return row{"user_id": person, "organization_id": organization, "owner_type": apikey.OwnerUser}
}

func userErased(e user.Erased, _ event.Recorded) []change {
	return []change{projections.DeleteWhere(keys, row{"user_id": e.UserID, "owner_type": apikey.OwnerUser})}
}

func organizationPurged(e organization.Purged, _ event.Recorded) []change {
	return []change{projections.DeleteWhere(keys, row{"organization_id": e.OrganizationID})}
}
