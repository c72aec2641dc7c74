package organization

import (
	"crypto/subtle"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

const (
	// InvitationLife is how long an invitation can be accepted.
	InvitationLife = 7 * 24 * time.Hour
	// MaxOpenInvitations bounds the invitations of an organization that can be
	// accepted at one time.
	MaxOpenInvitations = 200
	// MaxSeats bounds the members and open invitations of an organization.
	MaxSeats = 20_000
)

// Invitation is an invitation that was neither revoked nor purged.
type Invitation struct {
	EmailHash string
	Email     personal.Text
	Role      access.Role
	InvitedBy id.User
	// Issue numbers the tokens of the invitation; TokenHash is that of the last
	// one, which alone is good.
	Issue     int
	TokenHash string
	InvitedAt time.Time
	ExpireAt  time.Time
}

// Open reports whether the invitation can be accepted at a time. At the instant
// of its expiry it cannot.
func (i Invitation) Open(at time.Time) bool { return at.Before(i.ExpireAt) }

// Refusals of invitations and members.
var (
	ErrInvitationNotFound = failure.New(failure.NotFound, "INVITATION_NOT_FOUND",
		"there is no such invitation")
	ErrInvitationExpired = failure.New(failure.Gone, "INVITATION_EXPIRED",
		"the invitation has expired: ask for a new one")
	ErrInvitationRevoked = failure.New(failure.Gone, "INVITATION_REVOKED",
		"the invitation was revoked, used, or replaced by a later one")
	ErrEmailInvited = failure.New(failure.Conflict, "EMAIL_INVITED",
		"this address has an open invitation: set resend to replace it")
	ErrMemberJoined = failure.New(failure.Conflict, "MEMBER_JOINED",
		"this person is a member already")
	ErrInviterNotAllowed = failure.New(failure.Conflict, "INVITER_NOT_ALLOWED",
		"the person who sent the invitation may no longer invite to this role")
	ErrInvitationEmail = failure.New(failure.Forbidden, "INVITATION_EMAIL_MISMATCHED",
		"the invitation is for another email address")
	ErrInvitationsExceeded = failure.New(failure.Conflict, "INVITATION_LIMIT_EXCEEDED",
		"the organization has too many open invitations")
	ErrSeatsExceeded = failure.New(failure.Conflict, "SEAT_LIMIT_EXCEEDED",
		"the organization has too many members and open invitations")
)

// Invite is what an invitation is to be.
type Invite struct {
	ID    id.Invitation
	Email personal.Text
	// EmailHash is the keyed hash of the folded address.
	EmailHash string
	// Holder is the user whose verified address this is; empty if there is none.
	Holder    id.User
	Role      access.Role
	TokenHash string
}

// Invite invites somebody on behalf of a member.
func (s State) Invite(by id.User, i Invite, at time.Time) ([]event.Event, error) {
	if err := s.mayManage(by); err != nil {
		return nil, err
	}
	var wrong failure.Fields
	email := personal.New(input.Email(&wrong, "email", i.Email.Reveal()))
	if email.IsZero() && wrong.Err() == nil {
		wrong.Add("email", input.CodeRequired, "must not be empty")
	}
	checkRole(&wrong, i.Role)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	open := 0
	for _, other := range s.Invitations {
		if !other.Open(at) {
			continue
		}
		open++
		if other.EmailHash == i.EmailHash {
			return nil, ErrEmailInvited
		}
	}
	_, member := s.Members[i.Holder]
	switch {
	case !s.Members[by].Role.MayGrant(i.Role):
		return nil, access.ErrForbidden
	case member:
		return nil, ErrMemberJoined
	case open >= MaxOpenInvitations:
		return nil, ErrInvitationsExceeded
	case open+len(s.Members) >= MaxSeats:
		return nil, ErrSeatsExceeded
	}
	return []event.Event{MemberInvited{
		OrganizationID: s.ID, InvitationID: i.ID, Email: email, EmailHash: i.EmailHash,
		Role: i.Role, InvitedBy: by, TokenHash: i.TokenHash, ExpireAt: at.Add(InvitationLife), OccurredAt: at,
	}}, nil
}

// InvitationOf returns the open invitation of an address, by its keyed hash.
func (s State) InvitationOf(emailHash string, at time.Time) (id.Invitation, bool) {
	for name, i := range s.Invitations {
		if i.EmailHash == emailHash && i.Open(at) {
			return name, true
		}
	}
	return "", false
}

// Resend replaces the token of an open invitation, which voids the old one.
func (s State) Resend(by id.User, name id.Invitation, tokenHash string, at time.Time) ([]event.Event, error) {
	i, err := s.manageInvitation(by, name)
	if err != nil {
		return nil, err
	}
	if !i.Open(at) {
		return nil, ErrInvitationExpired
	}
	return []event.Event{InvitationResent{
		OrganizationID: s.ID, InvitationID: name, Issue: i.Issue + 1, ResentBy: by,
		TokenHash: tokenHash, ExpireAt: at.Add(InvitationLife), OccurredAt: at,
	}}, nil
}

// RevokeInvitation ends an invitation, also one that has expired.
func (s State) RevokeInvitation(by id.User, name id.Invitation, at time.Time) ([]event.Event, error) {
	if _, err := s.manageInvitation(by, name); err != nil {
		return nil, err
	}
	return []event.Event{InvitationRevoked{OrganizationID: s.ID, InvitationID: name, OccurredAt: at}}, nil
}

// manageInvitation returns an invitation that a member may change.
func (s State) manageInvitation(by id.User, name id.Invitation) (Invitation, error) {
	if err := s.mayManage(by); err != nil {
		return Invitation{}, err
	}
	i, ok := s.Invitations[name]
	switch {
	case !ok:
		return Invitation{}, ErrInvitationNotFound
	case !s.Members[by].Role.MayGrant(i.Role):
		return Invitation{}, access.ErrForbidden
	}
	return i, nil
}

// Acceptance is somebody's wish to join.
type Acceptance struct {
	InvitationID id.Invitation
	// TokenHash is the hash of the token that the person has; empty for one who
	// found the invitation by their own verified address.
	TokenHash string
	UserID    id.User
	// EmailHash is the keyed hash of the person's verified address.
	EmailHash string
}

// Join makes the person who was invited a member. For one who joined by this
// invitation it does nothing. To those who have neither the token nor the
// address, the invitation does not exist.
func (s State) Join(a Acceptance, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive {
		return nil, ErrInvitationNotFound
	}
	if m, ok := s.Members[a.UserID]; ok && m.InvitationID == a.InvitationID && a.InvitationID != "" {
		return nil, nil
	}
	i, ok := s.Invitations[a.InvitationID]
	holdsToken := subtle.ConstantTimeCompare([]byte(a.TokenHash), []byte(i.TokenHash)) == 1
	switch {
	case !ok && a.TokenHash != "":
		return nil, ErrInvitationRevoked
	case !ok, a.TokenHash == "" && i.EmailHash != a.EmailHash:
		return nil, ErrInvitationNotFound
	case a.TokenHash != "" && !holdsToken:
		return nil, ErrInvitationRevoked
	case i.EmailHash != a.EmailHash:
		return nil, ErrInvitationEmail
	case !i.Open(at):
		return nil, ErrInvitationExpired
	case !s.mayStillInvite(i):
		return nil, ErrInviterNotAllowed
	}
	if _, member := s.Members[a.UserID]; member {
		return nil, ErrMemberJoined
	}
	return []event.Event{MemberJoined{
		OrganizationID: s.ID, UserID: a.UserID, Role: i.Role, InvitationID: a.InvitationID, OccurredAt: at,
	}}, nil
}

// mayStillInvite tells whether the inviter could send the invitation now.
func (s State) mayStillInvite(i Invitation) bool {
	inviter := s.Members[i.InvitedBy]
	return !inviter.Suspended && inviter.Role.May(access.ManageMembers) && inviter.Role.MayGrant(i.Role)
}
