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
	// InvitationKept is how long the address of an invitation can be read after the
	// invitation was accepted or revoked or has expired.
	InvitationKept = 30 * 24 * time.Hour
	// MaxIssues bounds how often an invitation is sent.
	MaxIssues = 10
)

// Each time that an invitation is sent somebody gets a mail. These bound the
// mails that an organization causes within invitationWindow: in all, by one
// inviter, and to one address.
const (
	MaxSentByOrganization = 500
	MaxSentByInviter      = 200
	MaxSentToAddress      = 5

	invitationWindow = 24 * time.Hour
)

// Invitation is an invitation, also for some time after its end.
type Invitation struct {
	EmailHash string
	Email     personal.Text
	Role      access.Role
	// InvitedBy is the member who stands for the invitation; it is empty when a
	// system user does.
	InvitedBy id.User
	// Issue numbers the tokens of the invitation; TokenHash is that of the last
	// one, which alone is good.
	Issue     int
	TokenHash string
	InvitedAt time.Time
	ExpireAt  time.Time
	// EndedAt is when the invitation was accepted or revoked, else zero; AcceptedBy
	// is who accepted it, or empty.
	EndedAt    time.Time
	AcceptedBy id.User
}

// Open reports whether the invitation can be accepted at a time. At the instant
// of its expiry it cannot.
func (i Invitation) Open(at time.Time) bool { return i.EndedAt.IsZero() && at.Before(i.ExpireAt) }

// forgotten tells whether an invitation ended so long ago that nobody has to be
// told of it.
func (i Invitation) forgotten(at time.Time) bool { return !at.Before(i.end().Add(InvitationLife)) }

// end is when the invitation was accepted or revoked, or else expires.
func (i Invitation) end() time.Time {
	if !i.EndedAt.IsZero() {
		return i.EndedAt
	}
	return i.ExpireAt
}

// Sending is one mail that an invitation caused.
type Sending struct {
	At time.Time
	// By is the member who invited; it is empty when a system user did.
	By        id.User
	EmailHash string
}

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
	ErrSendingsExceeded = failure.New(failure.Conflict, "INVITATION_MAILS_EXCEEDED",
		"too many invitations were sent within a day, by the organization, by the caller or to this address: try again later")
)

// Invite is what an invitation is to be.
type Invite struct {
	// ID is that of the invitation, should it be a new one.
	ID    id.Invitation
	Email personal.Text
	// EmailHash is the keyed hash of the folded address.
	EmailHash string
	// Holder is the user whose verified address this is; empty if there is none.
	Holder id.User
	Role   access.Role
	// Resend replaces an open invitation of the address, which is refused
	// otherwise.
	Resend bool
	// TokenHash returns the hash of an invitation's token with a number.
	TokenHash func(id.Invitation, int) string
}

// Check tells what is wrong with the address and the role, and returns the address
// without space around it.
func (i Invite) Check() (personal.Text, error) {
	var wrong failure.Fields
	email := personal.New(input.Email(&wrong, "email", i.Email.Reveal()))
	if email.IsZero() && wrong.Err() == nil {
		wrong.Add("email", input.CodeRequired, "must not be empty")
	}
	checkRole(&wrong, i.Role)
	return email, wrong.Err()
}

// Invite invites somebody. With Resend it sends an open invitation of the address
// again, or replaces it by one to another role.
func (s State) Invite(by access.Principal, i Invite, at time.Time) ([]event.Event, error) {
	rank, err := s.rankOf(by, access.ManageMembers)
	if err != nil {
		return nil, err
	}
	email, err := i.Check()
	if err != nil {
		return nil, err
	}
	present, invited := s.InvitationOf(i.EmailHash, at)
	_, member := s.Members.Find(i.Holder)
	switch {
	case !rank.MayGrant(i.Role):
		return nil, access.ErrForbidden
	case member:
		return nil, ErrMemberJoined
	case invited && !i.Resend:
		return nil, ErrEmailInvited
	}
	if err := s.maySend(by, i.EmailHash, at); err != nil {
		return nil, err
	}
	if invited {
		return s.replace(by, rank, present, i, email, at)
	}
	switch open := s.OpenInvitations(at); {
	case open >= MaxOpenInvitations:
		return nil, ErrInvitationsExceeded
	case open+s.Members.Len() >= MaxSeats:
		return nil, ErrSeatsExceeded
	}
	return []event.Event{s.invited(by, i, email, at)}, nil
}

// replace sends an open invitation again, or one to another role in its place.
func (s State) replace(by access.Principal, rank access.Role, name id.Invitation, i Invite, email personal.Text, at time.Time) ([]event.Event, error) {
	present := s.Invitations.Get(name)
	switch {
	case !rank.MayGrant(present.Role):
		return nil, access.ErrForbidden
	case present.Role != i.Role:
		return []event.Event{
			InvitationRevoked{OrganizationID: s.ID, InvitationID: name, OccurredAt: at},
			s.invited(by, i, email, at),
		}, nil
	case present.Issue >= MaxIssues:
		return nil, ErrSendingsExceeded
	}
	return []event.Event{InvitationResent{
		OrganizationID: s.ID, InvitationID: name, Issue: present.Issue + 1, ResentBy: memberOf(by),
		TokenHash: i.TokenHash(name, present.Issue+1), ExpireAt: at.Add(InvitationLife), OccurredAt: at,
	}}, nil
}

func (s State) invited(by access.Principal, i Invite, email personal.Text, at time.Time) MemberInvited {
	return MemberInvited{
		OrganizationID: s.ID, InvitationID: i.ID, Email: email, EmailHash: i.EmailHash, Role: i.Role, InvitedBy: memberOf(by),
		TokenHash: i.TokenHash(i.ID, 1), ExpireAt: at.Add(InvitationLife), OccurredAt: at,
	}
}

// maySend is nil unless too many mails were sent within invitationWindow.
func (s State) maySend(by access.Principal, emailHash string, at time.Time) error {
	all, byInviter, toAddress := 0, 0, 0
	for _, sent := range s.Sendings {
		if !at.Before(sent.At.Add(invitationWindow)) {
			continue
		}
		all++
		if sent.By == memberOf(by) {
			byInviter++
		}
		if sent.EmailHash == emailHash {
			toAddress++
		}
	}
	if all >= MaxSentByOrganization || byInviter >= MaxSentByInviter || toAddress >= MaxSentToAddress {
		return ErrSendingsExceeded
	}
	return nil
}

// withSending adds a mail, and drops those that no longer count.
func (s State) withSending(e Sending) State {
	kept := make([]Sending, 0, len(s.Sendings)+1)
	for _, sent := range s.Sendings {
		if e.At.Before(sent.At.Add(invitationWindow)) {
			kept = append(kept, sent)
		}
	}
	s.Sendings = append(kept, e)
	return s
}

// OpenInvitations counts the invitations that can be accepted at a time.
func (s State) OpenInvitations(at time.Time) int {
	n := 0
	for _, i := range s.Invitations.All() {
		if i.Open(at) {
			n++
		}
	}
	return n
}

// InvitationOf returns the open invitation of an address, by its keyed hash.
func (s State) InvitationOf(emailHash string, at time.Time) (id.Invitation, bool) {
	for name, i := range s.Invitations.All() {
		if i.EmailHash == emailHash && i.Open(at) {
			return name, true
		}
	}
	return "", false
}

// LatestInvitationOf returns the invitation of an address that has not ended, or
// else the last one that has.
func (s State) LatestInvitationOf(emailHash string) (latest id.Invitation, i Invitation) {
	later := func(other Invitation) bool {
		if ended := !i.EndedAt.IsZero(); ended != !other.EndedAt.IsZero() {
			return ended
		}
		return i.InvitedAt.Before(other.InvitedAt)
	}
	for name, other := range s.Invitations.All() {
		if other.EmailHash == emailHash && (latest == "" || later(other)) {
			latest, i = name, other
		}
	}
	return latest, i
}

// RevokeInvitation ends an invitation, also one that has expired. For one that was
// revoked it does nothing.
func (s State) RevokeInvitation(by access.Principal, name id.Invitation, at time.Time) ([]event.Event, error) {
	rank, err := s.rankOf(by, access.ManageMembers)
	if err != nil {
		return nil, err
	}
	i, ok := s.Invitations.Find(name)
	switch {
	case !ok, i.AcceptedBy != "":
		return nil, ErrInvitationNotFound
	case !rank.MayGrant(i.Role):
		return nil, access.ErrForbidden
	case !i.EndedAt.IsZero():
		return nil, nil
	}
	return []event.Event{InvitationRevoked{OrganizationID: s.ID, InvitationID: name, OccurredAt: at}}, nil
}

// ForgetInvitation records that the address of an invitation was made unreadable. It
// does nothing while the invitation is open or ended less than InvitationKept ago,
// and for an organization that is purged, whose invitations end with it.
func (s State) ForgetInvitation(name id.Invitation, at time.Time) []event.Event {
	if s.Status == "" || s.Status == StatusPurged {
		return nil
	}
	if i, ok := s.Invitations.Find(name); ok && at.Before(i.end().Add(InvitationKept)) {
		return nil
	}
	return []event.Event{InvitationForgotten{OrganizationID: s.ID, InvitationID: name, OccurredAt: at}}
}

// Acceptance is somebody's wish to join.
type Acceptance struct {
	InvitationID id.Invitation
	// TokenHash is the hash of the token that the person has; empty for one who
	// found the invitation by their own verified address.
	TokenHash string
	// Genuine says that the token was once sent for this invitation.
	Genuine bool
	UserID  id.User
	// EmailHash is the keyed hash of the person's verified address.
	EmailHash string
}

// Join makes the person who was invited a member. For one who joined by this
// invitation it does nothing. To those who have neither a genuine token nor the
// address, the invitation does not exist.
func (s State) Join(a Acceptance, at time.Time) ([]event.Event, error) {
	if s.Status != StatusActive {
		return nil, ErrInvitationNotFound
	}
	i, known := s.Invitations.Find(a.InvitationID)
	byToken := a.TokenHash != ""
	mine := known && i.EmailHash == a.EmailHash
	current := known && subtle.ConstantTimeCompare([]byte(a.TokenHash), []byte(i.TokenHash)) == 1
	m, member := s.Members.Find(a.UserID)
	joined := member && m.InvitationID == a.InvitationID && a.InvitationID != ""
	switch {
	case byToken && !a.Genuine, !byToken && !mine && !joined:
		return nil, ErrInvitationNotFound
	case joined:
		return nil, nil
	case !known, !i.EndedAt.IsZero(), byToken && !current:
		return nil, ErrInvitationRevoked
	case !mine:
		return nil, ErrInvitationEmail
	case !i.Open(at):
		return nil, ErrInvitationExpired
	case !s.mayStillInvite(i):
		return nil, ErrInviterNotAllowed
	case member:
		return nil, ErrMemberJoined
	}
	return []event.Event{MemberJoined{
		OrganizationID: s.ID, UserID: a.UserID, Role: i.Role, InvitationID: a.InvitationID, OccurredAt: at,
	}}, nil
}

// mayStillInvite tells whether the inviter could send the invitation now.
func (s State) mayStillInvite(i Invitation) bool {
	if i.InvitedBy == "" {
		return true
	}
	inviter := s.Members.Get(i.InvitedBy)
	return !inviter.Suspended && inviter.Role.May(access.ManageMembers) && inviter.Role.MayGrant(i.Role)
}
