package tokenaccount

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// MaxAmount bounds one operation, in tokens. The whole account is bounded by
// int64: see decision.mayIssue.
const MaxAmount int64 = 1_000_000_000_000

// maxReference bounds a reference's id, and other names, in bytes.
const maxReference = 100

// Context is what every decision of the account is given from outside.
type Context struct {
	OrganizationID id.Organization
	// At is the time of the decision.
	At time.Time
	// LowBalance is the number of available tokens below which LowBalanceReached
	// is recorded; zero says never.
	LowBalance int64
}

// decision collects events and what they make of the state.
type decision struct {
	State
	ctx       Context
	at        time.Time
	available int64 // before
	events    []event.Event
	// settled counts the events of what had come due.
	settled int
}

// decide begins a decision with what has come due.
func (s State) decide(ctx Context) *decision {
	d := s.begin(ctx)
	d.settle(math.MaxInt)
	d.settled = len(d.events)
	return d
}

func (s State) begin(ctx Context) *decision {
	at := ctx.At.UTC().Truncate(time.Millisecond)
	if at.Before(s.LastAt) {
		at = s.LastAt
	}
	s.OrganizationID = ctx.OrganizationID
	return &decision{State: s, ctx: ctx, at: at, available: s.Balance.Available}
}

// done returns the events of a decision that changed something. It fails with
// ErrOverdue when so much had come due that it has to be recorded first.
func (d *decision) done() ([]event.Event, error) {
	if d.settled > maxDue {
		return nil, ErrOverdue
	}
	if n := d.Balance.Available; n < d.ctx.LowBalance && d.available >= d.ctx.LowBalance {
		d.record(LowBalanceReached{
			OrganizationID: d.OrganizationID, Available: n, Threshold: d.ctx.LowBalance, OccurredAt: d.at,
		})
	}
	return d.events, nil
}

func (d *decision) record(e event.Event) {
	d.events = append(d.events, e)
	d.State = Apply(d.State, e)
}

// posting is an event that is an entry of the ledger.
type posting interface {
	event.Event
	// Commitment stands for the details of the event in the chain of hashes.
	Commitment() string
}

// post records an entry at a time. Movements of zero are left out.
func (d *decision) post(at time.Time, movements []Movement, build func(Entry) posting) {
	entry := Entry{Sequence: d.Sequence + 1, OccurredAt: at, PreviousHash: d.LastHash}
	for _, m := range movements {
		if m.Amount != 0 {
			entry.Movements = append(entry.Movements, m)
		}
	}
	entry.Balance = d.Balance.after(entry.Movements)
	unsealed := build(entry)
	entry.Hash = entry.ChainHash(unsealed.EventType(), unsealed.Commitment())
	d.record(build(entry))
}

// owed is the debt as a positive number.
func (d *decision) owed() int64 { return -d.Balance.Debt }

// returning says what becomes of tokens that return to their grants: how many
// repay the debt, become available, and freeze.
func (d *decision) returning(returned []Allocation) (repaid, available, frozen int64) {
	repaid = min(total(returned), d.owed())
	_, rest := divide(returned, repaid)
	for _, a := range rest {
		if g, _ := d.grants.find(a.Grant); g.Disputed {
			frozen += a.Amount
		} else {
			available += a.Amount
		}
	}
	return repaid, available, frozen
}

// checkReference refuses a malformed reference, and one too old for the account
// to know whether it was used before.
func (d *decision) checkReference(r Reference, window time.Duration) error {
	var wrong failure.Fields
	switch {
	case r.ID == "" || len(r.ID) > maxReference:
		wrong.Add("reference", input.CodeFormat, "must have between 1 and 100 bytes")
	case r.At.IsZero() || !r.At.Equal(r.At.UTC().Truncate(time.Millisecond)):
		wrong.Add("reference", input.CodeFormat, "must carry a time in whole milliseconds")
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	if err := checkText("reference", r.ID); err != nil {
		return err
	}
	if r.At.Before(d.at.Add(-window)) {
		return ErrReferenceTooOld
	}
	return nil
}

// checkAmount refuses what is not between 1 and MaxAmount.
func checkAmount(amount int64) error {
	var wrong failure.Fields
	if amount < 1 || amount > MaxAmount {
		wrong.Add("amount", input.CodeRange, "must be between 1 and 1,000,000,000,000 tokens")
	}
	return wrong.Err()
}

// checkText refuses what is too long, and what could not be told from its
// neighbours in the chain of hashes: see fields.
func checkText(field, text string) error {
	var wrong failure.Fields
	if len(text) > maxReference {
		wrong.Add(field, input.CodeTooLong, "must have at most 100 bytes")
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		wrong.Add(field, input.CodeCharacter, "must be UTF-8 without control characters")
	}
	return wrong.Err()
}
