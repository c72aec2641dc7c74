package user

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of a user.
var Aggregate = event.Aggregate[id.User, State]{
	Category: "user",
	Schemas: []event.Schema{
		event.Define[Registered](event.FieldsAdded, event.FieldsAdded),
		event.Define[ProfileUpdated](),
		event.Define[ActiveOrganizationSwitched](),
		event.Define[Deactivated](),
		event.Define[Restored](),
		event.Define[Erased](),
		event.Define[EmailClaimLapsed](),
		event.Define[EmailChanged](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Registered says that a person signed up. OccurredAt, here and in all events,
// is when the command was made: state and read models show this time, in UTC
// and whole milliseconds, not the time of storing.
type Registered struct {
	UserID id.User `json:"userId"`
	// SubjectHash and EmailHash are the keyed hashes under which the person is
	// found again.
	SubjectHash   string        `json:"subjectHash"`
	EmailHash     string        `json:"emailHash"`
	Email         personal.Text `json:"email,omitzero" subject:"userId"`
	EmailVerified bool          `json:"emailVerified"`
	// EmailIssuedAt is when the provider issued the token that brought the
	// address; zero when it did not say. Since version 2.
	EmailIssuedAt time.Time     `json:"emailIssuedAt,omitzero"`
	FirstName     personal.Text `json:"firstName,omitzero" subject:"userId"`
	LastName      personal.Text `json:"lastName,omitzero" subject:"userId"`
	Locale        string        `json:"locale,omitempty"`
	// ReferralCode is what the person came with, not yet looked at.
	ReferralCode string `json:"referralCode,omitempty"`
	// Click is the click on a referral link by which the person came: what the
	// signed id said. Since version 3.
	Click      *Click    `json:"click,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Click is a click on a referral link.
type Click struct {
	ID         string      `json:"id"`
	ReferrerID id.Referrer `json:"referrerId"`
	// CampaignID is empty for the referrer's own code.
	CampaignID id.Campaign `json:"campaignId,omitempty"`
	At         time.Time   `json:"at"`
	// RuleVersion is that of the programme's rules at the click.
	RuleVersion int `json:"ruleVersion"`
}

// ProfileUpdated carries the whole profile as it is afterwards, so that a
// cleared field is an absent one, and in Changed the names of what differs.
type ProfileUpdated struct {
	UserID     id.User       `json:"userId"`
	FirstName  personal.Text `json:"firstName,omitzero" subject:"userId"`
	LastName   personal.Text `json:"lastName,omitzero" subject:"userId"`
	Locale     string        `json:"locale,omitempty"`
	AvatarURL  personal.Text `json:"avatarUrl,omitzero" subject:"userId"`
	Changed    []string      `json:"changed"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// ActiveOrganizationSwitched names the organization that the person acts in
// from now on; an empty OrganizationID says none.
type ActiveOrganizationSwitched struct {
	UserID         id.User         `json:"userId"`
	OrganizationID id.Organization `json:"organizationId,omitempty"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Deactivated begins the grace after which the person may be erased.
type Deactivated struct {
	UserID     id.User   `json:"userId"`
	PurgeAt    time.Time `json:"purgeAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Restored ends a deactivation within its grace.
type Restored struct {
	UserID     id.User   `json:"userId"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Erased says that the person's data is gone for good.
type Erased struct {
	UserID     id.User   `json:"userId"`
	OccurredAt time.Time `json:"occurredAt"`
}

// EmailClaimLapsed takes from an unfinished registration the right to an
// address that it reserved and never used. Being in the user's stream, it makes
// that registration fail its revision check, should it still be under way.
type EmailClaimLapsed struct {
	UserID     id.User   `json:"userId"`
	EmailHash  string    `json:"emailHash"`
	OccurredAt time.Time `json:"occurredAt"`
}

// EmailChanged says that the identity provider has verified another address of
// the person, or the one that they have. The address is a verified one.
type EmailChanged struct {
	UserID    id.User       `json:"userId"`
	EmailHash string        `json:"emailHash"`
	Email     personal.Text `json:"email,omitzero" subject:"userId"`
	// EmailIssuedAt is when the provider issued the token that brought the
	// address.
	EmailIssuedAt time.Time `json:"emailIssuedAt"`
	// FormerEmailHash is of the verified address before, if there was one.
	FormerEmailHash string    `json:"formerEmailHash,omitempty"`
	OccurredAt      time.Time `json:"occurredAt"`
}

// EventType is the stored name.
func (EmailChanged) EventType() string { return "UserEmailChanged" }

// EventType is the stored name.
func (Registered) EventType() string { return "UserRegistered" }

// EventType is the stored name.
func (ProfileUpdated) EventType() string { return "UserProfileUpdated" }

// EventType is the stored name.
func (ActiveOrganizationSwitched) EventType() string { return "ActiveOrganizationSwitched" }

// EventType is the stored name.
func (Deactivated) EventType() string { return "UserDeactivated" }

// EventType is the stored name.
func (Restored) EventType() string { return "UserRestored" }

// EventType is the stored name.
func (Erased) EventType() string { return "UserErased" }

// EventType is the stored name.
func (EmailClaimLapsed) EventType() string { return "UserEmailClaimLapsed" }
