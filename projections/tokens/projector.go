// Package tokens is the read model of token accounts: their entries, grants and
// open reservations.
//
// It holds all that the clock needs: what has come due but is not recorded yet
// follows from it by the rules of package tokenaccount.
package tokens

import (
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "tokens"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model. The entries outlive the organization: only the
// reasons of adjustments are erased with it.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 1, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{{Table: transactions, Subject: "organization_id", Columns: []string{"reason"}}},
		Reducers: projections.Join(
			projections.On(granted),
			projections.On(reserved),
			projections.On(captured),
			projections.On(released),
			projections.On(refunded),
			projections.On(expired),
			projections.On(clawedBack),
			projections.On(clawbackReversed),
			projections.On(frozen),
			projections.On(thawed),
			projections.On(adjusted),
		),
	}
}

const (
	transactions = "transactions"
	grants       = "grants"
	grantRuns    = "grant_runs"
	holds        = "holds"
)

type (
	row    = projections.Row
	change = projections.Change
)

// runLength is how many transactions share their rows of grant_runs. Changing it
// takes a new version.
const runLength = 1024

// Type is what kind of transaction an entry is.
type Type string

// The types.
const (
	TypeGrant            Type = "grant"
	TypeAdjustment       Type = "adjustment"
	TypeReservation      Type = "reservation"
	TypeCapture          Type = "capture"
	TypeRelease          Type = "release"
	TypeTimeout          Type = "timeout"
	TypeRefund           Type = "refund"
	TypeExpiry           Type = "expiry"
	TypeClawback         Type = "clawback"
	TypeClawbackReversal Type = "clawbackReversal"
	TypeFreeze           Type = "freeze"
	TypeThaw             Type = "thaw"
)

// Types lists all types, in the order of the documentation.
var Types = []Type{
	TypeGrant, TypeAdjustment, TypeReservation, TypeCapture, TypeRelease, TypeTimeout, TypeRefund,
	TypeExpiry, TypeClawback, TypeClawbackReversal, TypeFreeze, TypeThaw,
}

// posting is an event that is an entry.
type posting interface {
	event.Event
	Commitment() string
}

// entry is what differs between the rows of different events.
type entry struct {
	organization id.Organization
	kind         Type
	amount       int64
	reference    tokenaccount.Reference
	reservation  string
	work         tokenaccount.Work
	reason       string
	expireAt     time.Time
}

// changes are those that all entries make: the row, and what it adds to grants.
func (e entry) changes(of posting, r event.Recorded) []change {
	posted, _ := tokenaccount.EntryOf(of)
	moved := tokenaccount.ChangesOf(of)
	if moved == nil {
		moved = []tokenaccount.GrantChange{}
	}
	b := posted.Balance
	all := []change{projections.Put(transactions, row{"organization_id": e.organization, "sequence": posted.Sequence}, row{
		"id": transactionID(r), "type": e.kind, "amount": e.amount,
		"reference": e.reference.ID, "reservation": e.reservation,
		"purpose": e.work.Purpose, "file_id": e.work.FileID, "user_id": e.work.UserID,
		"actor_kind": r.Metadata.ActorKind, "actor_id": r.Metadata.ActorID,
		"reason": e.reason, "expire_at": projections.OrNull(e.expireAt), "occurred_at": posted.OccurredAt,
		"movements": movementsOf(posted.Movements),
		"issued":    b.Issued, "available": b.Available, "held": b.Held, "frozen": b.Frozen,
		"consumed": b.Consumed, "expired": b.Expired, "clawed_back": b.ClawedBack, "debt": b.Debt,
		"grants": moved, "event_type": of.EventType(), "details": of.Commitment(), "hash": posted.Hash,
		"commit_position": r.Position.Commit, "prepare_position": r.Position.Prepare,
	})}
	for _, c := range moved {
		added := row{
			"free": c.Free, "held": c.Held, "expired": c.Expired, "clawed_back": c.ClawedBack, "disputed": c.Disputed,
		}
		all = append(all,
			projections.Add(grants, grantKey(e.organization, c.Grant), added),
			projections.Add(grantRuns, row{
				"organization_id": e.organization, "run": posted.Sequence / runLength,
				"reference": c.Grant.ID, "reference_at": c.Grant.At,
			}, added))
	}
	return all
}

func transactionID(r event.Recorded) id.TokenTransaction {
	return id.FromUUID[id.TokenTransaction](r.ID)
}

func grantKey(organization id.Organization, g tokenaccount.Reference) row {
	return row{"organization_id": organization, "reference": g.ID, "reference_at": g.At}
}

// movementsOf writes movements as account=amount, separated by spaces.
func movementsOf(movements []tokenaccount.Movement) string {
	var b strings.Builder
	for i, m := range movements {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(m.Account))
		b.WriteByte('=')
		b.WriteString(strconv.FormatInt(m.Amount, 10))
	}
	return b.String()
}

func granted(e tokenaccount.TokensGranted, r event.Recorded) []change {
	kind := TypeGrant
	if e.Source == tokenaccount.SourceAdjustment {
		kind = TypeAdjustment
	}
	all := entry{
		organization: e.OrganizationID, kind: kind, amount: e.Amount, reference: e.Grant,
		reason: e.Reason.Reveal(), expireAt: e.ExpireAt,
	}.changes(e, r)
	return append(all, projections.Merge(grants, grantKey(e.OrganizationID, e.Grant), row{
		"source": e.Source, "priority": e.Priority, "amount": e.Amount, "expire_at": projections.OrNull(e.ExpireAt),
		"sequence": e.Entry.Sequence, "transaction_id": transactionID(r), "due_at": projections.OrNull(e.ExpireAt),
	}))
}

func reserved(e tokenaccount.TokensReserved, r event.Recorded) []change {
	all := entry{
		organization: e.OrganizationID, kind: TypeReservation, amount: e.Amount, reference: e.Reference,
		work: tokenaccount.Work{Purpose: e.Purpose, FileID: e.FileID, UserID: e.UserID}, expireAt: e.Deadline,
	}.changes(e, r)
	return append(all, projections.Put(holds, grantKey(e.OrganizationID, e.Reference), row{
		"amount": e.Amount, "allocations": e.Allocations, "deadline": e.Deadline,
	}))
}

func captured(e tokenaccount.TokensCaptured, r event.Recorded) []change {
	all := entry{
		organization: e.OrganizationID, kind: TypeCapture, amount: e.Amount, reference: e.Reference, work: e.Work,
	}.changes(e, r)
	return append(all, projections.Delete(holds, grantKey(e.OrganizationID, e.Reference)))
}

func released(e tokenaccount.ReservationReleased, r event.Recorded) []change {
	kind := TypeRelease
	if e.Reason == tokenaccount.ReasonTimedOut {
		kind = TypeTimeout
	}
	amount := int64(0)
	for _, a := range e.Returned {
		amount += a.Amount
	}
	all := entry{organization: e.OrganizationID, kind: kind, amount: amount, reference: e.Reference, work: e.Work}.changes(e, r)
	return append(all, projections.Delete(holds, grantKey(e.OrganizationID, e.Reference)))
}

func refunded(e tokenaccount.TokensRefunded, r event.Recorded) []change {
	return entry{
		organization: e.OrganizationID, kind: TypeRefund, amount: e.Amount, reference: e.Reference,
		reservation: e.Reservation.ID, work: e.Work,
	}.changes(e, r)
}

// expired: what returns to the grant later expires in the same append, so that
// nothing is due any more.
func expired(e tokenaccount.TokensExpired, r event.Recorded) []change {
	all := entry{organization: e.OrganizationID, kind: TypeExpiry, amount: e.Amount, reference: e.Grant}.changes(e, r)
	return append(all, projections.Patch(grants, grantKey(e.OrganizationID, e.Grant), row{"due_at": nil}))
}

func clawedBack(e tokenaccount.TokensClawedBack, r event.Recorded) []change {
	return entry{organization: e.OrganizationID, kind: TypeClawback, amount: e.Amount, reference: e.Grant}.changes(e, r)
}

func clawbackReversed(e tokenaccount.ClawbackReversed, r event.Recorded) []change {
	return entry{organization: e.OrganizationID, kind: TypeClawbackReversal, amount: e.Amount, reference: e.Grant}.changes(e, r)
}

func frozen(e tokenaccount.TokensFrozen, r event.Recorded) []change {
	return entry{organization: e.OrganizationID, kind: TypeFreeze, amount: e.Amount, reference: e.Grant}.changes(e, r)
}

func thawed(e tokenaccount.TokensThawed, r event.Recorded) []change {
	return entry{organization: e.OrganizationID, kind: TypeThaw, amount: e.Amount, reference: e.Grant}.changes(e, r)
}

// adjusted is a correction downwards: its amount is negative.
func adjusted(e tokenaccount.TokensAdjusted, r event.Recorded) []change {
	return entry{
		organization: e.OrganizationID, kind: TypeAdjustment, amount: -e.Amount, reference: e.Reference, reason: e.Reason.Reveal(),
	}.changes(e, r)
}
