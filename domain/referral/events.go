package referral

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Aggregate describes the aggregate of a referral.
var Aggregate = event.Aggregate[id.Referral, State]{
	Category: "referral",
	Schemas: []event.Schema{
		event.Define[Attributed](),
		event.Define[Denied](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Attributed says that a referrer brought a person.
type Attributed struct {
	ReferralID id.Referral `json:"referralId"`
	UserID     id.User     `json:"userId"`
	ReferrerID id.Referrer `json:"referrerId"`
	// CampaignID is empty for the referrer's own code.
	CampaignID id.Campaign `json:"campaignId,omitempty"`
	// ClickID is empty when the person came with a code.
	ClickID      string    `json:"clickId,omitempty"`
	ClickedAt    time.Time `json:"clickedAt,omitzero"`
	RegisteredAt time.Time `json:"registeredAt"`
	// Rule is what applies to the person's payments from now on.
	Rule       Rule      `json:"rule"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Denied says that a person who came by a link or with a code earns nobody a
// commission, and why.
type Denied struct {
	ReferralID id.Referral `json:"referralId"`
	UserID     id.User     `json:"userId"`
	// ReferrerID and CampaignID are whose link or code it was, as far as that is
	// known.
	ReferrerID   id.Referrer `json:"referrerId,omitempty"`
	CampaignID   id.Campaign `json:"campaignId,omitempty"`
	ClickID      string      `json:"clickId,omitempty"`
	ClickedAt    time.Time   `json:"clickedAt,omitzero"`
	RegisteredAt time.Time   `json:"registeredAt"`
	Reason       Reason      `json:"reason"`
	OccurredAt   time.Time   `json:"occurredAt"`
}

// EventType is the stored name.
func (Attributed) EventType() string { return "ReferralAttributed" }

// EventType is the stored name.
func (Denied) EventType() string { return "ReferralDenied" }
