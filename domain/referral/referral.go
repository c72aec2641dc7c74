// Package referral decides who brought a person: once, when the person registers,
// by the last click on a link or by the code that they came with. It also holds the
// programme: by which rules a referral earns commissions.
package referral

import (
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/reservation"
)

// ErrNotFound says that a person was not referred.
var ErrNotFound = failure.New(failure.NotFound, "REFERRAL_NOT_FOUND", "there is no such referral")

// Reason is why a referral earns nothing.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ReasonCodeUnknown       Reason = "codeUnknown"
	ReasonClickExpired      Reason = "clickExpired"
	ReasonNotStarted        Reason = "campaignNotStarted"
	ReasonCampaignEnded     Reason = "campaignEnded"
	ReasonReferrerInactive  Reason = "referrerInactive"
	ReasonSelfReferral      Reason = "selfReferral"
	ReasonSameAddress       Reason = "sameAddress"
	ReasonSameOrganization  Reason = "sameOrganization"
	ReasonAlreadyRegistered Reason = "alreadyRegistered"
	ReasonLoop              Reason = "loop"
)

// State is a referral, folded from its stream. Decided is false for a person who
// came by themselves.
type State struct {
	Decided      bool
	UserID       id.User
	ReferrerID   id.Referrer
	CampaignID   id.Campaign
	ClickID      string
	ClickedAt    time.Time
	RegisteredAt time.Time
	Rule         Rule
	// Reason is empty for a referral that earns commissions.
	Reason Reason
}

// Earns tells whether payments of the person earn commissions.
func (s State) Earns() bool { return s.Decided && s.Reason == "" }

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Attributed:
		return State{
			Decided: true, UserID: e.UserID, ReferrerID: e.ReferrerID, CampaignID: e.CampaignID,
			ClickID: e.ClickID, ClickedAt: e.ClickedAt, RegisteredAt: e.RegisteredAt, Rule: e.Rule,
		}
	case Denied:
		return State{
			Decided: true, UserID: e.UserID, ReferrerID: e.ReferrerID, CampaignID: e.CampaignID,
			ClickID: e.ClickID, ClickedAt: e.ClickedAt, RegisteredAt: e.RegisteredAt, Reason: e.Reason,
		}
	}
	return s
}

// Evidence is what is known of how a person came. Others look it up.
type Evidence struct {
	UserID       id.User
	RegisteredAt time.Time
	// ReferrerID is empty when the link or code leads to no referrer; CampaignID
	// for the referrer's own code.
	ReferrerID id.Referrer
	CampaignID id.Campaign
	// ClickID is empty when there was no click, only a code.
	ClickID   string
	ClickedAt time.Time
	// Rule is that of the click.
	Rule Rule
	// CampaignStart and CampaignEnd bound the campaign: zero for no bound.
	CampaignStart, CampaignEnd time.Time

	Inactive          bool // the referrer is suspended, or their account is not in use
	SameAddress       bool // of person and referrer, folded
	SameOrganization  bool // person and referrer are members of one
	AlreadyRegistered bool // the person has another account
	Loop              bool // the person referred the referrer, or who referred them
}

// cameAt is when the person followed the link or typed the code.
func (e Evidence) cameAt() time.Time {
	if e.ClickID == "" {
		return e.RegisteredAt
	}
	return e.ClickedAt
}

func (e Evidence) reason() Reason {
	came := e.cameAt()
	for _, check := range []struct {
		broken bool
		reason Reason
	}{
		{e.ReferrerID == "", ReasonCodeUnknown},
		{!e.RegisteredAt.Before(came.Add(e.Rule.Window())), ReasonClickExpired},
		{!e.CampaignStart.IsZero() && came.Before(e.CampaignStart), ReasonNotStarted},
		{!e.CampaignEnd.IsZero() && !came.Before(e.CampaignEnd), ReasonCampaignEnded},
		{e.Inactive, ReasonReferrerInactive},
		{e.ReferrerID == id.ReferrerOf(e.UserID), ReasonSelfReferral},
		{e.SameAddress, ReasonSameAddress},
		{e.SameOrganization, ReasonSameOrganization},
		{e.AlreadyRegistered, ReasonAlreadyRegistered},
		{e.Loop, ReasonLoop},
	} {
		if check.broken {
			return check.reason
		}
	}
	return ""
}

// Decide decides once who brought the person.
func (s State) Decide(e Evidence, at time.Time) []event.Event {
	if s.Decided {
		return nil
	}
	if reason := e.reason(); reason != "" {
		return []event.Event{Denied{
			ReferralID: id.ReferralOf(e.UserID), UserID: e.UserID, ReferrerID: e.ReferrerID, CampaignID: e.CampaignID,
			ClickID: e.ClickID, ClickedAt: e.ClickedAt, RegisteredAt: e.RegisteredAt, Reason: reason, OccurredAt: at,
		}}
	}
	return []event.Event{Attributed{
		ReferralID: id.ReferralOf(e.UserID), UserID: e.UserID, ReferrerID: e.ReferrerID, CampaignID: e.CampaignID,
		ClickID: e.ClickID, ClickedAt: e.ClickedAt, RegisteredAt: e.RegisteredAt, Rule: e.Rule, OccurredAt: at,
	}}
}

// folding are the providers that deliver one mailbox's mail under many addresses.
// Each ignores what follows a plus sign; dots says that it ignores dots too. Names
// of one provider lead to one mailbox.
var folding = map[string]struct {
	name string
	dots bool
}{
	"gmail.com": {"gmail.com", true}, "googlemail.com": {"gmail.com", true},
	"outlook.com": {"outlook.com", false}, "hotmail.com": {"hotmail.com", false}, "live.com": {"live.com", false},
	"icloud.com": {"icloud.com", false}, "me.com": {"icloud.com", false}, "mac.com": {"icloud.com", false},
	"fastmail.com": {"fastmail.com", false},
	"proton.me":    {"proton.me", true}, "protonmail.com": {"proton.me", true}, "pm.me": {"proton.me", true},
}

// Mailbox is the form in which the addresses of one mailbox are equal: without
// dots and tags where the provider is known to ignore them.
func Mailbox(address string) string {
	address = reservation.FoldEmail(address)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	local, domain := address[:at], address[at+1:]
	provider, known := folding[domain]
	if !known {
		return address
	}
	local, _, _ = strings.Cut(local, "+")
	if provider.dots {
		local = strings.ReplaceAll(local, ".", "")
	}
	return local + "@" + provider.name
}
