package operator

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// State is the system users, folded from their stream.
type State struct {
	Users map[id.SystemUser]User
	// BootstrapHash is the hash of the bootstrap secret, which is over at
	// BootstrapUntil; empty when there is none.
	BootstrapHash  string
	BootstrapUntil time.Time
	// Begun says that there was a first system user: there is no other bootstrap.
	Begun bool
}

// User is a system user who was not removed.
type User struct {
	ID        id.SystemUser
	Email     personal.Text
	EmailHash string
	Roles     []access.SystemRole
	// SubjectHash is of the subject that the person comes with; empty before they
	// came for the first time.
	SubjectHash  string
	RegisteredAt time.Time
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case BootstrapSecretIssued:
		s.BootstrapHash, s.BootstrapUntil = e.SecretHash, e.ExpireAt
	case SystemUserRegistered:
		s.Users = s.copied()
		s.Users[e.SystemUserID] = User{
			ID: e.SystemUserID, Email: e.Email, EmailHash: e.EmailHash, Roles: slices.Clone(e.Roles), RegisteredAt: e.OccurredAt,
		}
		s.Begun, s.BootstrapHash, s.BootstrapUntil = true, "", time.Time{}
	case SystemUserRecognised:
		if u, ok := s.Users[e.SystemUserID]; ok {
			s.Users = s.copied()
			u.SubjectHash = e.SubjectHash
			s.Users[e.SystemUserID] = u
		}
	case SystemUserRemoved:
		s.Users = s.copied()
		delete(s.Users, e.SystemUserID)
	}
	return s
}

func (s State) copied() map[id.SystemUser]User {
	if s.Users == nil {
		return map[id.SystemUser]User{}
	}
	return maps.Clone(s.Users)
}

// Known returns the system user for whom an identity speaks: the one that its
// subject is bound to, or else one whom nobody was recognised as yet and whose
// address the identity provider has verified.
func (s State) Known(i access.Identity) (User, bool) {
	pending := User{}
	for _, u := range s.Users {
		switch {
		case u.SubjectHash != "" && u.SubjectHash == i.SubjectHash:
			return u, true
		case u.SubjectHash == "" && i.EmailVerified && i.EmailHash != "" && u.EmailHash == i.EmailHash:
			pending = u
		}
	}
	return pending, pending.ID != ""
}

// admins counts the system users who can manage others.
func (s State) admins() int {
	n := 0
	for _, u := range s.Users {
		if slices.Contains(u.Roles, access.SystemAdmin) {
			n++
		}
	}
	return n
}

// List returns the system users in the order of registration.
func (s State) List() []User {
	all := slices.Collect(maps.Values(s.Users))
	slices.SortFunc(all, func(a, b User) int {
		return cmp.Or(a.RegisteredAt.Compare(b.RegisteredAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}
