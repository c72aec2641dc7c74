package user

import (
	"time"

	"golang.org/x/text/language"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Longest values, in characters.
const (
	maxName         = 100
	maxLocale       = 35 // RFC 5646, section 4.4.1
	maxReferralCode = 64
)

// Registration is what a person brings to sign up.
type Registration struct {
	ID       id.User
	Identity access.Identity
	// FirstName and LastName are required; Locale, a BCP 47 tag, and
	// ReferralCode may be empty.
	FirstName    personal.Text
	LastName     personal.Text
	Locale       string
	ReferralCode string
	// Click is nil for a person who came without one.
	Click *Click
}

// Register signs a person up. For one who has an account it does nothing.
func (s State) Register(r Registration, at time.Time) ([]event.Event, error) {
	if s.Status != "" {
		return nil, s.RequireActive()
	}
	var wrong failure.Fields
	registered := Registered{
		UserID:        r.ID,
		SubjectHash:   r.Identity.SubjectHash,
		EmailHash:     r.Identity.EmailHash,
		Email:         r.Identity.Email,
		EmailVerified: r.Identity.EmailVerified,
		EmailIssuedAt: r.Identity.IssuedAt,
		FirstName:     name(&wrong, "firstName", r.FirstName),
		LastName:      name(&wrong, "lastName", r.LastName),
		Locale:        locale(&wrong, r.Locale),
		ReferralCode:  input.Line(&wrong, "referralCode", r.ReferralCode, 0, maxReferralCode),
		Click:         r.Click,
		OccurredAt:    at,
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if r.Identity.EmailInvalid {
		return nil, ErrEmailInvalid
	}
	if r.Identity.Email.IsZero() || r.Identity.EmailHash == "" {
		return nil, ErrEmailMissing
	}
	return []event.Event{registered}, nil
}

// FollowEmail makes the address that the identity provider has verified the
// person's own. It does nothing when the provider has not verified the address,
// or when the token is not later than the one that brought the present address:
// it may hold what is over. That nobody else holds the address is for the caller
// to see to.
func (s State) FollowEmail(i access.Identity, at time.Time) ([]event.Event, error) {
	if err := s.RequireActive(); err != nil {
		return nil, err
	}
	if !i.EmailVerified || i.EmailHash == "" || !i.IssuedAt.After(s.EmailIssuedAt) || s.HoldsEmail(i.EmailHash) {
		return nil, nil
	}
	e := EmailChanged{
		UserID: s.ID, EmailHash: i.EmailHash, Email: i.Email,
		EmailIssuedAt: i.IssuedAt, OccurredAt: at,
	}
	if s.EmailVerified {
		e.FormerEmailHash = s.EmailHash
	}
	return []event.Event{e}, nil
}

// ProfileChange is a partial update: nil leaves a field as it is, and an empty
// text clears a field that may be empty, which the names may not.
type ProfileChange struct {
	FirstName *personal.Text
	LastName  *personal.Text
	Locale    *string
	AvatarURL *personal.Text
}

// UpdateProfile changes the profile. Values that are there already change
// nothing.
func (s State) UpdateProfile(c ProfileChange, at time.Time) ([]event.Event, error) {
	if err := s.RequireActive(); err != nil {
		return nil, err
	}
	var wrong failure.Fields
	e := ProfileUpdated{
		UserID: s.ID, FirstName: s.FirstName, LastName: s.LastName,
		Locale: s.Locale, AvatarURL: s.AvatarURL, OccurredAt: at,
	}
	if c.FirstName != nil {
		e.FirstName = name(&wrong, "firstName", *c.FirstName)
	}
	if c.LastName != nil {
		e.LastName = name(&wrong, "lastName", *c.LastName)
	}
	if c.Locale != nil {
		e.Locale = locale(&wrong, *c.Locale)
	}
	if c.AvatarURL != nil {
		e.AvatarURL = personal.New(input.URL(&wrong, "avatarUrl", c.AvatarURL.Reveal()))
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var changed input.Changed
	changed.If(e.FirstName != s.FirstName, "firstName")
	changed.If(e.LastName != s.LastName, "lastName")
	changed.If(e.Locale != s.Locale, "locale")
	changed.If(e.AvatarURL != s.AvatarURL, "avatarUrl")
	if len(changed) == 0 {
		return nil, nil
	}
	e.Changed = changed
	return []event.Event{e}, nil
}

// SwitchActiveOrganization makes the person act in an organization from now on, of
// which they are a member since a time; the caller knows that they are. A choice
// from an earlier membership ended with it, and counts for nothing.
func (s State) SwitchActiveOrganization(to id.Organization, memberSince, at time.Time) ([]event.Event, error) {
	if err := s.RequireActive(); err != nil {
		return nil, err
	}
	if s.ActiveOrganizationID == to && !s.ActiveSince.Before(memberSince) {
		return nil, nil
	}
	return []event.Event{ActiveOrganizationSwitched{
		UserID: s.ID, OrganizationID: to, OccurredAt: at,
	}}, nil
}

// LeaveActiveOrganization makes the person act nowhere, if they act in the
// organization that they ceased to be a member of at a time, and did not choose it
// again since.
func (s State) LeaveActiveOrganization(of id.Organization, endedAt, at time.Time) ([]event.Event, error) {
	if s.Status == StatusErased || s.ActiveOrganizationID != of || s.ActiveSince.After(endedAt) {
		return nil, nil
	}
	return []event.Event{ActiveOrganizationSwitched{UserID: s.ID, OccurredAt: at}}, nil
}

func name(wrong *failure.Fields, field string, value personal.Text) personal.Text {
	return personal.New(input.Line(wrong, field, value.Reveal(), 1, maxName))
}

// locale is a BCP 47 tag in its canonical form.
func locale(wrong *failure.Fields, value string) string {
	value = input.Line(wrong, "locale", value, 0, maxLocale)
	if value == "" {
		return ""
	}
	tag, err := language.Parse(value)
	if err != nil || tag == language.Und {
		wrong.Add("locale", input.CodeUnknown, "must be a BCP 47 language tag, such as en-GB")
	}
	return tag.String()
}
