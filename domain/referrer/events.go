package referrer

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of a referrer.
var Aggregate = event.Aggregate[id.Referrer, State]{
	Category: "referrer",
	Schemas: []event.Schema{
		event.Define[Enrolled](),
		event.Define[TermsAccepted](),
		event.Define[PayoutChanged](),
		event.Define[Suspended](),
		event.Define[Reinstated](),
		event.Define[CommissionEarned](),
		event.Define[CommissionDenied](),
		event.Define[CommissionMatured](),
		event.Define[CommissionReversed](),
		event.Define[CommissionRestored](),
		event.Define[CommissionHeld](),
		event.Define[CommissionReleased](),
		event.Define[WithdrawalRequested](),
		event.Define[WithdrawalApproved](),
		event.Define[WithdrawalRejected](),
		event.Define[WithdrawalStopped](),
		event.Define[WithdrawalSent](),
		event.Define[WithdrawalUncertain](),
		event.Define[WithdrawalPaid](),
		event.Define[WithdrawalFailed](),
		event.Define[WithdrawalReturned](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Enrolled says that a person became a referrer.
type Enrolled struct {
	ReferrerID id.Referrer `json:"referrerId"`
	UserID     id.User     `json:"userId"`
	// Code is folded, and never changes.
	Code         string        `json:"code"`
	TermsVersion string        `json:"termsVersion"`
	PayoutMethod Method        `json:"payoutMethod,omitempty"`
	PayoutEmail  personal.Text `json:"payoutEmail,omitzero" subject:"userId"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// TermsAccepted says that the referrer accepted another version of the terms.
type TermsAccepted struct {
	ReferrerID   id.Referrer `json:"referrerId"`
	TermsVersion string      `json:"termsVersion"`
	OccurredAt   time.Time   `json:"occurredAt"`
}

// PayoutChanged says where money goes from now on.
type PayoutChanged struct {
	ReferrerID   id.Referrer   `json:"referrerId"`
	UserID       id.User       `json:"userId"`
	PayoutMethod Method        `json:"payoutMethod,omitempty"`
	PayoutEmail  personal.Text `json:"payoutEmail,omitzero" subject:"userId"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// Suspended keeps the referrer from earning and withdrawing.
type Suspended struct {
	ReferrerID id.Referrer   `json:"referrerId"`
	UserID     id.User       `json:"userId"`
	Reason     personal.Text `json:"reason,omitzero" subject:"userId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// Reinstated ends a suspension.
type Reinstated struct {
	ReferrerID id.Referrer   `json:"referrerId"`
	UserID     id.User       `json:"userId"`
	Reason     personal.Text `json:"reason,omitzero" subject:"userId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// CommissionEarned says that a payment earned a commission. Amounts are in the
// minor unit of Currency. Sequence numbers the entries of the referrer's account,
// from 1 on.
type CommissionEarned struct {
	ReferrerID     id.Referrer     `json:"referrerId"`
	Sequence       int64           `json:"sequence"`
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	// UserID is the person who was referred.
	UserID     id.User     `json:"userId"`
	CampaignID id.Campaign `json:"campaignId,omitempty"`
	ClickID    string      `json:"clickId,omitempty"`
	// RuleVersion and RateBasisPoints are those of the referral, Base is the amount
	// before tax.
	RuleVersion     int       `json:"ruleVersion"`
	RateBasisPoints int64     `json:"rateBasisPoints"`
	Base            int64     `json:"base"`
	Amount          int64     `json:"amount"`
	Currency        string    `json:"currency"`
	MaturesAt       time.Time `json:"maturesAt"`
	OccurredAt      time.Time `json:"occurredAt"`
}

// CommissionDenied says that a payment of somebody who was referred earned nothing,
// and why.
type CommissionDenied struct {
	ReferrerID     id.Referrer     `json:"referrerId"`
	PaymentID      id.Payment      `json:"paymentId"`
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId"`
	CampaignID     id.Campaign     `json:"campaignId,omitempty"`
	Reason         Reason          `json:"reason"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// CommissionMatured records that a commission can be withdrawn since MaturesAt.
type CommissionMatured struct {
	ReferrerID id.Referrer `json:"referrerId"`
	PaymentID  id.Payment  `json:"paymentId"`
	MaturesAt  time.Time   `json:"maturesAt"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// CommissionReversed takes a part of a commission back. Amount is what this entry
// takes, Remaining what is left of the commission.
type CommissionReversed struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	PaymentID  id.Payment  `json:"paymentId"`
	CampaignID id.Campaign `json:"campaignId,omitempty"`
	Amount     int64       `json:"amount"`
	Remaining  int64       `json:"remaining"`
	Currency   string      `json:"currency"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// CommissionRestored gives back what was reversed, because a refund failed or a
// dispute was decided otherwise.
type CommissionRestored struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	PaymentID  id.Payment  `json:"paymentId"`
	CampaignID id.Campaign `json:"campaignId,omitempty"`
	Amount     int64       `json:"amount"`
	Remaining  int64       `json:"remaining"`
	Currency   string      `json:"currency"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// CommissionHeld keeps a commission while its payment is disputed.
type CommissionHeld struct {
	ReferrerID id.Referrer `json:"referrerId"`
	PaymentID  id.Payment  `json:"paymentId"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// CommissionReleased says that the payment is not disputed any more.
type CommissionReleased struct {
	ReferrerID id.Referrer `json:"referrerId"`
	PaymentID  id.Payment  `json:"paymentId"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalRequested reserves an amount. Sequence is that of the entry, and names
// the withdrawal.
type WithdrawalRequested struct {
	ReferrerID   id.Referrer   `json:"referrerId"`
	UserID       id.User       `json:"userId"`
	Sequence     int64         `json:"sequence"`
	Amount       int64         `json:"amount"`
	Currency     string        `json:"currency"`
	PayoutMethod Method        `json:"payoutMethod"`
	PayoutEmail  personal.Text `json:"payoutEmail,omitzero" subject:"userId"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// WithdrawalApproved is the approval by one person of finance. Final says that no
// other is needed.
type WithdrawalApproved struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	ApprovedBy string      `json:"approvedBy"`
	Final      bool        `json:"final"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalRejected is the refusal by finance, before the money was sent.
type WithdrawalRejected struct {
	ReferrerID id.Referrer   `json:"referrerId"`
	UserID     id.User       `json:"userId"`
	Sequence   int64         `json:"sequence"`
	RejectedBy string        `json:"rejectedBy"`
	Reason     personal.Text `json:"reason,omitzero" subject:"userId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// WithdrawalStopped ends a withdrawal that was not sent, because a reversal took
// what was reserved for it.
type WithdrawalStopped struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	PaymentID  id.Payment  `json:"paymentId"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalSent says that the payment of the money was ordered, under a reference
// by which it is asked about. It is never ordered again.
type WithdrawalSent struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	Reference  string      `json:"reference"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalUncertain says that nobody knows whether the money was paid.
type WithdrawalUncertain struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalPaid says that the money was paid.
type WithdrawalPaid struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalFailed says that the money was not paid, and gives it back.
type WithdrawalFailed struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// WithdrawalReturned says that money which was paid came back. Sequence is that of
// the entry that gives it back, Withdrawal that of the withdrawal.
type WithdrawalReturned struct {
	ReferrerID id.Referrer `json:"referrerId"`
	Sequence   int64       `json:"sequence"`
	Withdrawal int64       `json:"withdrawal"`
	Amount     int64       `json:"amount"`
	Currency   string      `json:"currency"`
	OccurredAt time.Time   `json:"occurredAt"`
}

// EventType is the stored name.
func (Enrolled) EventType() string { return "ReferrerEnrolled" }

// EventType is the stored name.
func (TermsAccepted) EventType() string { return "ReferrerTermsAccepted" }

// EventType is the stored name.
func (PayoutChanged) EventType() string { return "ReferrerPayoutChanged" }

// EventType is the stored name.
func (Suspended) EventType() string { return "ReferrerSuspended" }

// EventType is the stored name.
func (Reinstated) EventType() string { return "ReferrerReinstated" }

// EventType is the stored name.
func (CommissionEarned) EventType() string { return "CommissionEarned" }

// EventType is the stored name.
func (CommissionDenied) EventType() string { return "CommissionDenied" }

// EventType is the stored name.
func (CommissionMatured) EventType() string { return "CommissionMatured" }

// EventType is the stored name.
func (CommissionReversed) EventType() string { return "CommissionReversed" }

// EventType is the stored name.
func (CommissionRestored) EventType() string { return "CommissionRestored" }

// EventType is the stored name.
func (CommissionHeld) EventType() string { return "CommissionHeld" }

// EventType is the stored name.
func (CommissionReleased) EventType() string { return "CommissionReleased" }

// EventType is the stored name.
func (WithdrawalRequested) EventType() string { return "WithdrawalRequested" }

// EventType is the stored name.
func (WithdrawalApproved) EventType() string { return "WithdrawalApproved" }

// EventType is the stored name.
func (WithdrawalRejected) EventType() string { return "WithdrawalRejected" }

// EventType is the stored name.
func (WithdrawalStopped) EventType() string { return "WithdrawalStopped" }

// EventType is the stored name.
func (WithdrawalSent) EventType() string { return "WithdrawalSent" }

// EventType is the stored name.
func (WithdrawalUncertain) EventType() string { return "WithdrawalUncertain" }

// EventType is the stored name.
func (WithdrawalPaid) EventType() string { return "WithdrawalPaid" }

// EventType is the stored name.
func (WithdrawalFailed) EventType() string { return "WithdrawalFailed" }

// EventType is the stored name.
func (WithdrawalReturned) EventType() string { return "WithdrawalReturned" }
