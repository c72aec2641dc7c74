package campaign

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Aggregate describes the aggregate of a campaign.
var Aggregate = event.Aggregate[id.Campaign, State]{
	Category: "campaign",
	Schemas: []event.Schema{
		event.Define[Created](event.FieldsAdded),
		event.Define[Updated](),
		event.Define[Ended](),
		event.Define[CodeLapsed](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// UTM are the parameters that analytics tools of others know a campaign by. Those
// that are empty are not added to the destination.
type UTM struct {
	Source  string `json:"source,omitempty"`
	Medium  string `json:"medium,omitempty"`
	Name    string `json:"campaign,omitempty"`
	Term    string `json:"term,omitempty"`
	Content string `json:"content,omitempty"`
}

// Created begins a campaign of a referrer.
type Created struct {
	CampaignID id.Campaign `json:"campaignId"`
	ReferrerID id.Referrer `json:"referrerId"`
	Name       string      `json:"name"`
	// Code is folded, and never changes.
	Code string `json:"code"`
	// Destination is a path or an address; empty for the landing page.
	Destination string `json:"destination,omitempty"`
	UTM         UTM    `json:"utm,omitzero"`
	// StartAt is the first instant at which the link counts, EndAt the first at which
	// it does not any more; zero for none.
	StartAt time.Time `json:"startAt,omitzero"`
	EndAt   time.Time `json:"endAt,omitzero"`
	// Slot is the one of the referrer's that the campaign is counted in. Since version
	// 2; zero before, when campaigns were not counted.
	Slot       int       `json:"slot,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Updated carries all that can change, as it is afterwards, and in Changed the
// names of what differs.
type Updated struct {
	CampaignID  id.Campaign `json:"campaignId"`
	Name        string      `json:"name"`
	Destination string      `json:"destination,omitempty"`
	UTM         UTM         `json:"utm,omitzero"`
	EndAt       time.Time   `json:"endAt,omitzero"`
	Changed     []string    `json:"changed"`
	OccurredAt  time.Time   `json:"occurredAt"`
}

// Ended ends a campaign for good.
type Ended struct {
	CampaignID id.Campaign `json:"campaignId"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// CodeLapsed takes from an unfinished creation the right to what it reserved and
// never used: a code or, where Code is empty, a slot. Being in the campaign's stream,
// it makes that creation fail its revision check, should it still be under way.
type CodeLapsed struct {
	CampaignID id.Campaign `json:"campaignId"`
	Code       string      `json:"code"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// EventType is the stored name.
func (CodeLapsed) EventType() string { return "CampaignCodeLapsed" }

// EventType is the stored name.
func (Created) EventType() string { return "CampaignCreated" }

// EventType is the stored name.
func (Updated) EventType() string { return "CampaignUpdated" }

// EventType is the stored name.
func (Ended) EventType() string { return "CampaignEnded" }
