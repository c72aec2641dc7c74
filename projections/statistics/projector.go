// Package statistics is the read model of what each organization has, in numbers.
//
// The numbers are moved by events as they come; nothing is counted when they are
// read. What ends without an event, because its time is over or its owner has
// gone, is still in these numbers: it is found by an index and subtracted.
package statistics

import (
	_ "embed"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "statistics"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes,
		Reducers: projections.Join(
			projections.On(memberJoined),
			projections.On(memberRemoved),
			projections.On(memberInvited),
			projections.On(invitationResent),
			projections.On(invitationRevoked),
			projections.On(purged),
			projections.On(keyIssued),
			projections.On(keyRotated),
			projections.On(keyRevoked),
			projections.On(userErased),
			fileCounts(),
			balances(),
		),
	}
}

const (
	counts  = "counts"
	endings = "endings"

	kindInvitation = "invitation"
	kindKey        = "key"
)

type (
	row    = projections.Row
	change = projections.Change
)

func add(o id.Organization, deltas row) change {
	return projections.Add(counts, row{"organization_id": o}, deltas)
}

func memberJoined(e organization.MemberJoined, _ event.Recorded) []change {
	if e.InvitationID == "" {
		return []change{add(e.OrganizationID, row{"members": 1})}
	}
	return []change{
		add(e.OrganizationID, row{"members": 1, "invitations": -1}),
		projections.Delete(endings, row{"id": e.InvitationID}),
	}
}

// memberRemoved ends the member's keys, which will be revoked later, one by one.
func memberRemoved(e organization.MemberRemoved, _ event.Recorded) []change {
	return []change{
		add(e.OrganizationID, row{"members": -1}),
		projections.PatchWhere(endings, row{"user_id": e.UserID, "organization_id": e.OrganizationID}, row{"orphaned": true}),
	}
}

func memberInvited(e organization.MemberInvited, _ event.Recorded) []change {
	return []change{
		add(e.OrganizationID, row{"invitations": 1}),
		projections.Put(endings, row{"id": e.InvitationID}, row{
			"organization_id": e.OrganizationID, "kind": kindInvitation, "end_at": e.ExpireAt,
		}),
	}
}

func invitationResent(e organization.InvitationResent, _ event.Recorded) []change {
	return []change{projections.Patch(endings, row{"id": e.InvitationID}, row{"end_at": e.ExpireAt})}
}

func invitationRevoked(e organization.InvitationRevoked, _ event.Recorded) []change {
	return []change{
		add(e.OrganizationID, row{"invitations": -1}),
		projections.Delete(endings, row{"id": e.InvitationID}),
	}
}

// purged leaves the keys, which are subtracted as those that have ended: they are
// revoked later, one by one.
func purged(e organization.Purged, _ event.Recorded) []change {
	return []change{
		projections.Merge(counts, row{"organization_id": e.OrganizationID}, row{"members": 0, "invitations": 0}),
		projections.DeleteWhere(endings, row{"organization_id": e.OrganizationID, "kind": kindInvitation}),
		projections.PatchWhere(endings, row{"organization_id": e.OrganizationID, "kind": kindKey}, row{"orphaned": true}),
	}
}

func keyIssued(e apikey.Issued, _ event.Recorded) []change {
	return []change{
		add(e.OrganizationID, row{"api_keys": 1}),
		projections.Put(endings, row{"id": e.KeyID}, row{
			"organization_id": e.OrganizationID, "user_id": e.UserID, "kind": kindKey, "end_at": projections.OrNull(e.ExpireAt),
		}),
	}
}

func keyRotated(e apikey.Rotated, _ event.Recorded) []change {
	return []change{projections.Patch(endings, row{"id": e.KeyID}, row{"end_at": projections.OrNull(e.ExpireAt)})}
}

// keyRevoked: a key whose stream begins with its end was never issued.
func keyRevoked(e apikey.Revoked, r event.Recorded) []change {
	if r.Revision == 0 {
		return nil
	}
	return []change{
		add(id.Organization(r.Metadata.OrganizationID), row{"api_keys": -1}),
		projections.Delete(endings, row{"id": e.KeyID}),
	}
}

// userErased: keys that were asked for just before.
func userErased(e user.Erased, _ event.Recorded) []change {
	return []change{projections.PatchWhere(endings, row{"user_id": e.UserID}, row{"orphaned": true})}
}

// balances are the reducers of all entries of token accounts: each says what the
// balance is afterwards.
func balances() projections.Reducers {
	return projections.Join(
		entry(func(e tokenaccount.TokensGranted) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensReserved) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensCaptured) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.ReservationReleased) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensRefunded) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensExpired) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensClawedBack) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.ClawbackReversed) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensFrozen) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensThawed) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
		entry(func(e tokenaccount.TokensAdjusted) (id.Organization, tokenaccount.Entry) {
			return e.OrganizationID, e.Entry
		}),
	)
}

func entry[E event.Event](of func(E) (id.Organization, tokenaccount.Entry)) projections.Reducers {
	return projections.On(func(e E, _ event.Recorded) []change {
		o, entry := of(e)
		b := entry.Balance
		return []change{projections.Merge(counts, row{"organization_id": o}, row{
			"tokens_available": b.Available, "tokens_held": b.Held, "tokens_frozen": b.Frozen,
			"tokens_consumed": b.Consumed, "tokens_debt": -b.Debt,
		})}
	})
}
