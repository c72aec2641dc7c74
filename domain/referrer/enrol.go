package referrer

import (
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// maxReason bounds a reason, in characters.
const maxReason = 500

// Enrolment is what a person brings to become a referrer.
type Enrolment struct {
	UserID id.User
	// Code is one that is the referrer's to use.
	Code          string
	TermsAccepted bool
	TermsVersion  string
	// PayoutMethod and PayoutEmail may be empty: then they stay as they are.
	PayoutMethod Method
	PayoutEmail  personal.Text
}

// Enrol makes a person a referrer. For one who is, it notes the version of the
// terms and where money goes, where they differ.
func (s State) Enrol(n Enrolment, at time.Time) ([]event.Event, error) {
	var wrong failure.Fields
	if !n.TermsAccepted {
		wrong.Add("termsAccepted", input.CodeRequired, "must be true")
	}
	if n.PayoutMethod != "" && !slices.Contains(Methods(), n.PayoutMethod) {
		wrong.Add("payoutMethod", input.CodeUnknown, "must be paypal or bankTransfer")
	}
	email := personal.New(input.Email(&wrong, "payoutEmail", n.PayoutEmail.Reveal()))
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if s.ID == "" {
		return []event.Event{Enrolled{
			ReferrerID: id.ReferrerOf(n.UserID), UserID: n.UserID, Code: n.Code, TermsVersion: n.TermsVersion,
			PayoutMethod: n.PayoutMethod, PayoutEmail: email, OccurredAt: at,
		}}, nil
	}
	var events []event.Event
	if s.TermsVersion != n.TermsVersion {
		events = append(events, TermsAccepted{ReferrerID: s.ID, TermsVersion: n.TermsVersion, OccurredAt: at})
	}
	e := PayoutChanged{ReferrerID: s.ID, UserID: s.UserID, PayoutMethod: s.PayoutMethod, PayoutEmail: s.PayoutEmail, OccurredAt: at}
	if n.PayoutMethod != "" {
		e.PayoutMethod = n.PayoutMethod
	}
	if !email.IsZero() {
		e.PayoutEmail = email
	}
	if e.PayoutMethod != s.PayoutMethod || e.PayoutEmail != s.PayoutEmail {
		events = append(events, e)
	}
	return events, nil
}

// Suspend keeps the referrer from earning and withdrawing. One who is suspended
// stays so.
func (s State) Suspend(reason personal.Text, at time.Time) ([]event.Event, error) {
	reason, err := s.reasoned(reason)
	if err != nil || s.Suspended {
		return nil, err
	}
	return []event.Event{Suspended{ReferrerID: s.ID, UserID: s.UserID, Reason: reason, OccurredAt: at}}, nil
}

// Reinstate ends a suspension, if there is one.
func (s State) Reinstate(reason personal.Text, at time.Time) ([]event.Event, error) {
	reason, err := s.reasoned(reason)
	if err != nil || !s.Suspended {
		return nil, err
	}
	return []event.Event{Reinstated{ReferrerID: s.ID, UserID: s.UserID, Reason: reason, OccurredAt: at}}, nil
}

// reasoned checks the reason that a person of finance gives.
func (s State) reasoned(reason personal.Text) (personal.Text, error) {
	if s.ID == "" {
		return reason, ErrNotFound
	}
	var wrong failure.Fields
	checked := input.Line(&wrong, "reason", reason.Reveal(), 3, maxReason)
	return personal.New(checked), wrong.Err()
}
