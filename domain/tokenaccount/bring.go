package tokenaccount

import (
	"math"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Granting brings in tokens.
type Granting struct {
	Grant  Reference
	Source Source
	Amount int64
	// ExpireAt is zero for a grant that does not expire.
	ExpireAt time.Time
	// Reason is why, for a grant of SourceAdjustment.
	Reason Reason
}

// Reason is why a person of finance corrects an account. Nonce is random, so
// that the commitment to the reason tells nothing of it once both are erased.
type Reason struct {
	Text  personal.Text
	Nonce personal.Text
}

// maxReason bounds a reason, in characters.
const maxReason = 500

// checked returns the reason in the form that is stored, and its digest.
func (r Reason) checked() (Reason, string, error) {
	var wrong failure.Fields
	r.Text = personal.New(input.Line(&wrong, "reason", r.Text.Reveal(), 3, maxReason))
	return r, digestOf(r.Nonce, r.Text), wrong.Err()
}

// Bring adds a grant, of which debt is repaid first. Repeating it with the same
// content changes nothing. A grant that has expired already expires at once. It
// fails with ErrReferenceReused and ErrReferenceTooOld.
func (s State) Bring(ctx Context, g Granting) ([]event.Event, error) {
	g.ExpireAt = g.ExpireAt.UTC().Truncate(time.Millisecond)
	if known, ok := s.grants.find(g.Grant); ok {
		if known.Amount != g.Amount || known.Source != g.Source || !known.ExpireAt.Equal(g.ExpireAt) {
			return nil, ErrReferenceReused
		}
		return nil, nil
	}
	if err := checkAmount(g.Amount); err != nil {
		return nil, err
	}
	d := s.decide(ctx)
	if err := d.checkReference(g.Grant, GrantWindow); err != nil {
		return nil, err
	}
	if -d.Balance.Issued > math.MaxInt64-g.Amount {
		var wrong failure.Fields
		wrong.Add("amount", input.CodeRange, "is more than the account can count")
		return nil, wrong.Err()
	}
	reason, digest := Reason{}, ""
	if g.Source == SourceAdjustment {
		var err error
		if reason, digest, err = g.Reason.checked(); err != nil {
			return nil, err
		}
	}
	repaid := min(g.Amount, d.owed())
	d.post(d.at, []Movement{
		{Issued, -g.Amount},
		{Available, g.Amount - repaid},
		{Debt, repaid},
	}, func(entry Entry) posting {
		return TokensGranted{
			OrganizationID: d.OrganizationID, Grant: g.Grant, Source: g.Source, Priority: g.Source.Priority(),
			Amount: g.Amount, Repaid: repaid, ExpireAt: g.ExpireAt,
			Reason: reason.Text, Nonce: reason.Nonce, ReasonDigest: digest, Entry: entry,
		}
	})
	d.expire(d.at)
	return d.done()
}

// Adjustment corrects the account downwards, by hand.
type Adjustment struct {
	Reference Reference
	Amount    int64
	Reason    Reason
}

// Adjust takes available tokens away, in burn order. Repeating it with the same
// amount changes nothing. It fails with ErrInsufficient, ErrReferenceReused and
// ErrReferenceTooOld.
func (s State) Adjust(ctx Context, a Adjustment) ([]event.Event, error) {
	if known, ok := s.operations.get(a.Reference); ok {
		if known.Kind != (TokensAdjusted{}).EventType() || known.Amount != a.Amount {
			return nil, ErrReferenceReused
		}
		return nil, nil
	}
	if err := checkAmount(a.Amount); err != nil {
		return nil, err
	}
	d := s.decide(ctx)
	if err := d.checkReference(a.Reference, ReferenceWindow); err != nil {
		return nil, err
	}
	reason, digest, err := a.Reason.checked()
	if err != nil {
		return nil, err
	}
	if a.Amount > d.Balance.Available {
		return nil, ErrInsufficient
	}
	allocations := d.burn(a.Amount, Reference{})
	d.post(d.at, []Movement{{Available, -a.Amount}, {Issued, a.Amount}}, func(entry Entry) posting {
		return TokensAdjusted{
			OrganizationID: d.OrganizationID, Reference: a.Reference, Amount: a.Amount, Allocations: allocations,
			Reason: reason.Text, Nonce: reason.Nonce, ReasonDigest: digest, Entry: entry,
		}
	})
	return d.done()
}
