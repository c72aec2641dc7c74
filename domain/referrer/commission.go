package referrer

import (
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
)

// Payment is what is known of a payment of somebody who was referred.
type Payment struct {
	ID             id.Payment
	OrganizationID id.Organization
	// UserID is the person who was referred, and registered the organization.
	UserID       id.User
	RegisteredAt time.Time
	CampaignID   id.Campaign
	ClickID      string
	Rule         referral.Rule
	// Due says that the payment was paid, and is not withheld.
	Due bool
	// Subtotal is before tax, Total what was paid, and Returned what of it went back.
	Subtotal, Total, Returned int64
	Currency                  string
	PaidAt                    time.Time
	// Disputed says that a dispute holds the money now.
	Disputed bool
	// SameOrganization says that the referrer is a member of the organization.
	SameOrganization bool
}

// worth is what the payment earns as it is now.
func (p Payment) worth() int64 {
	if !p.Due {
		return 0
	}
	return p.Rule.Commission(p.Subtotal, p.Total, p.Returned)
}

// denial is why the payment earns nothing; empty if it earns something.
func (s State) denial(p Payment) Reason {
	switch {
	case !strings.EqualFold(p.Currency, p.Rule.Currency):
		return ReasonCurrency
	case !p.PaidAt.Before(p.Rule.EarnsUntil(p.RegisteredAt)):
		return ReasonPeriodOver
	case p.SameOrganization:
		return ReasonSameOrganization
	case s.Suspended:
		return ReasonSuspended
	case p.Rule.Commission(p.Subtotal, p.Total, 0) == 0:
		return ReasonNothing
	}
	return ""
}

// Settle brings the commission on a payment to where the payment wants it. A
// payment that was denied a commission stays without. Where that takes what is
// reserved for a withdrawal that was not sent, the withdrawal is stopped.
func (s State) Settle(p Payment, at time.Time) ([]event.Event, error) {
	if s.ID == "" {
		return nil, ErrNotFound
	}
	var events []event.Event
	happen := func(e event.Event) { events, s = append(events, e), Apply(s, e) }
	c, known := s.Commission(p.ID)
	switch {
	case !known && !p.Due, c.Reason != "":
		return nil, nil
	case !known:
		if reason := s.denial(p); reason != "" {
			return []event.Event{CommissionDenied{
				ReferrerID: s.ID, PaymentID: p.ID, OrganizationID: p.OrganizationID, UserID: p.UserID,
				CampaignID: p.CampaignID, Reason: reason, OccurredAt: at,
			}}, nil
		}
		happen(CommissionEarned{
			ReferrerID: s.ID, Sequence: s.Sequence + 1, PaymentID: p.ID, OrganizationID: p.OrganizationID, UserID: p.UserID,
			CampaignID: p.CampaignID, ClickID: p.ClickID, RuleVersion: p.Rule.Version, RateBasisPoints: p.Rule.RateBasisPoints,
			Base: p.Subtotal, Amount: p.Rule.Commission(p.Subtotal, p.Total, 0), Currency: p.Rule.Currency,
			MaturesAt: p.Rule.MaturesAt(p.PaidAt), OccurredAt: at,
		})
		c, _ = s.Commission(p.ID)
	}
	switch worth, net := p.worth(), c.Net(); {
	case worth < net:
		happen(CommissionReversed{
			ReferrerID: s.ID, Sequence: s.Sequence + 1, PaymentID: p.ID, CampaignID: c.CampaignID,
			Amount: net - worth, Remaining: worth, Currency: c.Currency, OccurredAt: at,
		})
	case worth > net:
		happen(CommissionRestored{
			ReferrerID: s.ID, Sequence: s.Sequence + 1, PaymentID: p.ID, CampaignID: c.CampaignID,
			Amount: worth - net, Remaining: worth, Currency: c.Currency, OccurredAt: at,
		})
	}
	switch {
	case p.Disputed && !c.Disputed:
		happen(CommissionHeld{ReferrerID: s.ID, PaymentID: p.ID, OccurredAt: at})
	case !p.Disputed && c.Disputed:
		happen(CommissionReleased{ReferrerID: s.ID, PaymentID: p.ID, OccurredAt: at})
	}
	if w, open := s.open(); open && w.unsent() && s.Balance(at).Carried > 0 {
		happen(WithdrawalStopped{ReferrerID: s.ID, Sequence: w.Sequence, PaymentID: p.ID, OccurredAt: at})
	}
	return events, nil
}

// matureAtOnce is how many commissions are recorded as matured in one append.
const matureAtOnce = 500

// Mature records which commissions have matured by the clock: some of them, if
// there are many.
func (s State) Mature(at time.Time) []event.Event {
	var events []event.Event
	for _, c := range s.Commissions {
		if c.Amount > 0 && !c.Matured && !c.Held(at) && len(events) < matureAtOnce {
			events = append(events, CommissionMatured{ReferrerID: s.ID, PaymentID: c.PaymentID, MaturesAt: c.MaturesAt, OccurredAt: at})
		}
	}
	return events
}
