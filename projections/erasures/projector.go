// Package erasures is the read model by which the personal data of a person or
// an organization is found, and the list of the erasures so far.
package erasures

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "erasures"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. It holds ids and keyed hashes, and deletes what
// it has of a subject once the erasure is complete.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes,
		Reducers: projections.Join(
			projections.On(registered),
			projections.On(emailChanged),
			projections.On(deactivated),
			projections.On(restored),
			projections.On(erased),
			projections.On(memberInvited),
			projections.On(invitationResent),
			projections.On(invitationRevoked),
			projections.On(invitationForgotten),
			projections.On(memberJoined),
			projections.On(begun),
			projections.On(completed),
		),
	}
}

const (
	invitations = "invitations"
	addresses   = "addresses"
	identities  = "identities"
	memberships = "memberships"
	due         = "due"
	erasures    = "erasures"
)

type (
	row    = projections.Row
	change = projections.Change
)

func registered(e user.Registered, _ event.Recorded) []change {
	changes := []change{projections.Put(identities, row{"user_id": e.UserID}, row{"subject_hash": e.SubjectHash})}
	if e.EmailVerified {
		changes = append(changes,
			projections.Put(addresses, row{"user_id": e.UserID, "email_hash": e.EmailHash, "since": e.OccurredAt}, row{}))
	}
	return changes
}

func emailChanged(e user.EmailChanged, _ event.Recorded) []change {
	var changes []change
	if e.FormerEmailHash != "" {
		changes = append(changes, projections.PatchWhere(addresses,
			row{"user_id": e.UserID, "email_hash": e.FormerEmailHash, "until": nil}, row{"until": e.OccurredAt}))
	}
	return append(changes,
		projections.Put(addresses, row{"user_id": e.UserID, "email_hash": e.EmailHash, "since": e.OccurredAt}, row{}))
}

func deactivated(e user.Deactivated, _ event.Recorded) []change {
	return []change{projections.Put(due, row{"user_id": e.UserID}, row{"purge_at": e.PurgeAt})}
}

func restored(e user.Restored, _ event.Recorded) []change {
	return []change{projections.Delete(due, row{"user_id": e.UserID})}
}

func erased(e user.Erased, _ event.Recorded) []change {
	return []change{projections.Delete(due, row{"user_id": e.UserID})}
}

func memberInvited(e organization.MemberInvited, _ event.Recorded) []change {
	return []change{projections.Put(invitations, row{"id": e.InvitationID}, row{
		"organization_id": e.OrganizationID, "email_hash": e.EmailHash, "invited_at": e.OccurredAt, "over_at": e.ExpireAt,
	})}
}

func invitationResent(e organization.InvitationResent, _ event.Recorded) []change {
	return []change{projections.Patch(invitations, row{"id": e.InvitationID}, row{"over_at": e.ExpireAt})}
}

func invitationRevoked(e organization.InvitationRevoked, _ event.Recorded) []change {
	return []change{projections.Patch(invitations, row{"id": e.InvitationID}, row{"over_at": e.OccurredAt})}
}

func invitationForgotten(e organization.InvitationForgotten, _ event.Recorded) []change {
	return []change{projections.Delete(invitations, row{"id": e.InvitationID})}
}

func memberJoined(e organization.MemberJoined, _ event.Recorded) []change {
	changes := []change{projections.Put(memberships, row{"user_id": e.UserID, "organization_id": e.OrganizationID}, row{})}
	if e.InvitationID != "" {
		changes = append(changes, projections.Patch(invitations, row{"id": e.InvitationID}, row{"accepted_by": e.UserID, "over_at": e.OccurredAt}))
	}
	return changes
}

func begun(e erasure.Begun, _ event.Recorded) []change {
	return []change{projections.Put(erasures, row{"id": e.SubjectID}, row{
		"kind": e.Kind, "keys": len(e.Keys), "begun_at": e.OccurredAt,
	})}
}

func completed(e erasure.Completed, _ event.Recorded) []change {
	changes := []change{projections.Patch(erasures, row{"id": e.SubjectID}, row{
		"keys": len(e.Keys), "completed_at": e.OccurredAt,
	})}
	for _, key := range e.Keys {
		changes = append(changes, projections.Delete(invitations, row{"id": key}))
	}
	return append(changes,
		projections.DeleteWhere(addresses, row{"user_id": e.SubjectID}),
		projections.DeleteWhere(memberships, row{"user_id": e.SubjectID}),
		projections.Delete(identities, row{"user_id": e.SubjectID}),
		projections.DeleteWhere(invitations, row{"organization_id": e.SubjectID}),
		projections.DeleteWhere(memberships, row{"organization_id": e.SubjectID}),
	)
}
