package tokenaccount

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// ID is the id of a token account: that of its organization.
type ID string

// Prefix implements id.Name. It is empty, because the prefix is that of
// organizations.
func (ID) Prefix() string { return "" }

// Aggregate describes the aggregate of a token account.
var Aggregate = event.Aggregate[ID, State]{
	Category: "tokenAccount",
	Schemas: []event.Schema{
		event.Define[TokensGranted](),
		event.Define[TokensReserved](),
		event.Define[TokensCaptured](event.FieldsAdded),
		event.Define[ReservationReleased](event.FieldsAdded),
		event.Define[TokensRefunded](event.FieldsAdded),
		event.Define[TokensExpired](),
		event.Define[TokensClawedBack](),
		event.Define[ClawbackReversed](),
		event.Define[TokensFrozen](),
		event.Define[TokensThawed](),
		event.Define[GrantAligned](),
		event.Define[TokensAdjusted](),
		event.Define[LowBalanceReached](),
		event.Define[AccountSuspended](),
		event.Define[AccountResumed](),
	},
	Apply:     Apply,
	Snapshots: event.SnapshotsAs(1, State.Save, Load),
}

// Allocation is a part of an amount that belongs to one grant.
type Allocation struct {
	Grant  Reference `json:"grant"`
	Amount int64     `json:"amount"`
}

// TokensGranted brings in tokens. Repaid of them went to the debt.
type TokensGranted struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Source         Source          `json:"source"`
	Priority       int             `json:"priority"`
	Amount         int64           `json:"amount"`
	Repaid         int64           `json:"repaid,omitempty"`
	// ExpireAt is the first instant at which the grant can no longer be spent;
	// zero says that it does not expire.
	ExpireAt time.Time `json:"expireAt,omitzero"`
	// Reason, Nonce and ReasonDigest belong to an adjustment: see TokensAdjusted.
	Reason       personal.Text `json:"reason,omitzero" subject:"organizationId"`
	Nonce        personal.Text `json:"nonce,omitzero" subject:"organizationId"`
	ReasonDigest string        `json:"reasonDigest,omitempty"`
	Entry        Entry         `json:"entry"`
}

// TokensReserved holds tokens for an operation until the deadline.
type TokensReserved struct {
	OrganizationID id.Organization `json:"organizationId"`
	Reference      Reference       `json:"reference"`
	// Purpose is what the tokens are for, for example "accessibility".
	Purpose string `json:"purpose"`
	// FileID is the file that is worked on, if there is one.
	FileID string `json:"fileId,omitempty"`
	// UserID is the person on whose behalf tokens are spent, if there is one.
	UserID      id.User      `json:"userId,omitempty"`
	Amount      int64        `json:"amount"`
	Allocations []Allocation `json:"allocations"`
	// Deadline is the first instant at which the reservation has timed out.
	Deadline time.Time `json:"deadline"`
	Entry    Entry     `json:"entry"`
}

// Work is what tokens are spent for, as the reservation said it. Events that end
// a reservation repeat it, so that each entry can be read by itself.
type Work struct {
	Purpose string  `json:"purpose,omitempty"`
	FileID  string  `json:"fileId,omitempty"`
	UserID  id.User `json:"userId,omitempty"`
}

// TokensCaptured consumes what a reservation held, and returns the rest.
type TokensCaptured struct {
	OrganizationID id.Organization `json:"organizationId"`
	Reference      Reference       `json:"reference"`
	Amount         int64           `json:"amount"`
	Allocations    []Allocation    `json:"allocations"`
	Returned       []Allocation    `json:"returned,omitempty"`
	// Repaid of what was returned went to the debt.
	Repaid int64 `json:"repaid,omitempty"`
	Work   Work  `json:"work,omitzero"`
	Entry  Entry `json:"entry"`
}

// ReservationReleased ends a reservation without consuming anything.
type ReservationReleased struct {
	OrganizationID id.Organization `json:"organizationId"`
	Reference      Reference       `json:"reference"`
	Reason         ReleaseReason   `json:"reason"`
	Returned       []Allocation    `json:"returned"`
	Repaid         int64           `json:"repaid,omitempty"`
	Work           Work            `json:"work,omitzero"`
	Entry          Entry           `json:"entry"`
}

// TokensRefunded returns consumed tokens to the grants they came from.
type TokensRefunded struct {
	OrganizationID id.Organization `json:"organizationId"`
	// Reference names the refund, Reservation what it gives back.
	Reference   Reference    `json:"reference"`
	Reservation Reference    `json:"reservation"`
	Amount      int64        `json:"amount"`
	Returned    []Allocation `json:"returned"`
	Repaid      int64        `json:"repaid,omitempty"`
	Work        Work         `json:"work,omitzero"`
	Entry       Entry        `json:"entry"`
}

// TokensExpired takes from a grant what was left of it when it expired.
type TokensExpired struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Amount         int64           `json:"amount"`
	Entry          Entry           `json:"entry"`
}

// TokensClawedBack takes back tokens whose payment was returned.
type TokensClawedBack struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	// Version is the revision of the payment's stream that asked for it.
	Version int64 `json:"version"`
	Amount  int64 `json:"amount"`
	Taken   Taken `json:"taken"`
	// Total is what has been clawed back of the grant in all.
	Total int64 `json:"total"`
	Entry Entry `json:"entry"`
}

// ClawbackReversed gives back tokens whose payment was not returned after all.
type ClawbackReversed struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Version        int64           `json:"version"`
	Amount         int64           `json:"amount"`
	// Undone is the part of the clawbacks that is undone, by where it was taken.
	Undone Taken `json:"undone"`
	// Returned is what the grants got; Repaid went to the debt, and Lapsed is
	// what had expired before it was clawed back.
	Returned []Allocation `json:"returned,omitempty"`
	Repaid   int64        `json:"repaid,omitempty"`
	Lapsed   int64        `json:"lapsed,omitempty"`
	Total    int64        `json:"total"`
	Entry    Entry        `json:"entry"`
}

// Taken says where clawed back tokens were taken from.
type Taken struct {
	// Available and Frozen are tokens of the grant itself.
	Available int64 `json:"available,omitempty"`
	Frozen    int64 `json:"frozen,omitempty"`
	// Expired are tokens of the grant that had expired before.
	Expired int64 `json:"expired,omitempty"`
	// Others are tokens of other grants.
	Others []Allocation `json:"others,omitempty"`
	Debt   int64        `json:"debt,omitempty"`
}

// TokensFrozen withholds what is left of a disputed grant, and what returns to
// it.
type TokensFrozen struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Version        int64           `json:"version"`
	Amount         int64           `json:"amount"`
	Entry          Entry           `json:"entry"`
}

// TokensThawed ends the freeze of a grant.
type TokensThawed struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Version        int64           `json:"version"`
	Amount         int64           `json:"amount"`
	Repaid         int64           `json:"repaid,omitempty"`
	Entry          Entry           `json:"entry"`
}

// GrantAligned notes that the payment's state at this version asked for nothing
// new, so that an older version that arrives later changes nothing. It is no
// entry of the ledger.
type GrantAligned struct {
	OrganizationID id.Organization `json:"organizationId"`
	Grant          Reference       `json:"grant"`
	Version        int64           `json:"version"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// TokensAdjusted corrects the account by hand, downwards. An upward correction
// is a grant of SourceAdjustment.
type TokensAdjusted struct {
	OrganizationID id.Organization `json:"organizationId"`
	Reference      Reference       `json:"reference"`
	Amount         int64           `json:"amount"`
	Allocations    []Allocation    `json:"allocations"`
	// Reason is free text, and so may be about a person: purging the
	// organization erases it.
	Reason personal.Text `json:"reason,omitzero" subject:"organizationId"`
	// Nonce and Reason together give ReasonDigest, which is what the chain of
	// hashes knows of the reason.
	Nonce        personal.Text `json:"nonce,omitzero" subject:"organizationId"`
	ReasonDigest string        `json:"reasonDigest"`
	Entry        Entry         `json:"entry"`
}

// LowBalanceReached says that the available tokens fell below the threshold. It
// is no entry of the ledger.
type LowBalanceReached struct {
	OrganizationID id.Organization `json:"organizationId"`
	Available      int64           `json:"available"`
	Threshold      int64           `json:"threshold"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// AccountSuspended stops all spending, because the organization was deleted.
type AccountSuspended struct {
	OrganizationID id.Organization `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// AccountResumed allows spending again, because the organization was restored.
type AccountResumed struct {
	OrganizationID id.Organization `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// EventType implements event.Event.
func (TokensGranted) EventType() string { return "TokensGranted" }

// EventType implements event.Event.
func (TokensReserved) EventType() string { return "TokensReserved" }

// EventType implements event.Event.
func (TokensCaptured) EventType() string { return "TokensCaptured" }

// EventType implements event.Event.
func (ReservationReleased) EventType() string { return "ReservationReleased" }

// EventType implements event.Event.
func (TokensRefunded) EventType() string { return "TokensRefunded" }

// EventType implements event.Event.
func (TokensExpired) EventType() string { return "TokensExpired" }

// EventType implements event.Event.
func (TokensClawedBack) EventType() string { return "TokensClawedBack" }

// EventType implements event.Event.
func (ClawbackReversed) EventType() string { return "ClawbackReversed" }

// EventType implements event.Event.
func (TokensFrozen) EventType() string { return "TokensFrozen" }

// EventType implements event.Event.
func (TokensThawed) EventType() string { return "TokensThawed" }

// EventType implements event.Event.
func (GrantAligned) EventType() string { return "GrantAligned" }

// EventType implements event.Event.
func (TokensAdjusted) EventType() string { return "TokensAdjusted" }

// EventType implements event.Event.
func (LowBalanceReached) EventType() string { return "LowBalanceReached" }

// EventType implements event.Event.
func (AccountSuspended) EventType() string { return "TokenAccountSuspended" }

// EventType implements event.Event.
func (AccountResumed) EventType() string { return "TokenAccountResumed" }
