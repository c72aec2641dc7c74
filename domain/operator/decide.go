package operator

import (
	"crypto/subtle"
	"slices"
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// BootstrapLife is how long a bootstrap secret can be used.
const BootstrapLife = time.Hour

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "SYSTEM_USER_NOT_FOUND",
		"there is no such system user")
	ErrRegistered = failure.New(failure.Conflict, "SYSTEM_USER_REGISTERED",
		"there is a system user with this email address")
	ErrAdminRequired = failure.New(failure.Conflict, "SYSTEM_ADMIN_REQUIRED",
		"the last system admin cannot be removed: register another one first")
	ErrBegun = failure.New(failure.Conflict, "BOOTSTRAP_NOT_ALLOWED",
		"there was a first system user: system admins register all others")
	ErrSecretUnknown = failure.New(failure.Unauthenticated, "BOOTSTRAP_SECRET_UNKNOWN",
		"this is not the bootstrap secret, or it was used")
	ErrSecretExpired = failure.New(failure.Unauthenticated, "BOOTSTRAP_SECRET_EXPIRED",
		"the bootstrap secret has expired: issue a new one with perfectworks admin bootstrap")
)

// IssueBootstrapSecret replaces the bootstrap secret, while there has been no
// system user.
func (s State) IssueBootstrapSecret(secretHash string, at time.Time) ([]event.Event, error) {
	if s.Begun {
		return nil, ErrBegun
	}
	return []event.Event{BootstrapSecretIssued{SecretHash: secretHash, ExpireAt: at.Add(BootstrapLife), OccurredAt: at}}, nil
}

// Registration is what a new system user begins with.
type Registration struct {
	ID    id.SystemUser
	Email personal.Text
	// EmailHash is the keyed hash of the folded address.
	EmailHash string
	Roles     []access.SystemRole
}

// Register registers a system user on behalf of a system admin.
func (s State) Register(by access.Principal, r Registration, at time.Time) ([]event.Event, error) {
	if err := by.Require(access.ManageSystemUsers); err != nil {
		return nil, err
	}
	return s.register(r, false, at)
}

// Bootstrap registers the first system user, who is an admin, on behalf of
// somebody with the secret.
func (s State) Bootstrap(secretHash string, r Registration, at time.Time) ([]event.Event, error) {
	switch {
	case s.BootstrapHash == "" || subtle.ConstantTimeCompare([]byte(secretHash), []byte(s.BootstrapHash)) != 1:
		return nil, ErrSecretUnknown
	case !at.Before(s.BootstrapUntil):
		return nil, ErrSecretExpired
	}
	return s.register(r, true, at)
}

func (s State) register(r Registration, bootstrap bool, at time.Time) ([]event.Event, error) {
	var wrong failure.Fields
	email := input.Email(&wrong, "email", r.Email.Reveal())
	if email == "" && wrong.Err() == nil {
		wrong.Add("email", input.CodeRequired, "must not be empty")
	}
	roles := checkRoles(&wrong, r.Roles)
	if bootstrap && wrong.Err() == nil && !slices.Contains(roles, access.SystemAdmin) {
		wrong.Add("roles", input.CodeRequired, "the first system user must be an admin")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	for _, u := range s.Users {
		if u.EmailHash == r.EmailHash {
			return nil, ErrRegistered
		}
	}
	return []event.Event{SystemUserRegistered{
		SystemUserID: r.ID, Email: personal.New(email), EmailHash: r.EmailHash,
		Roles: roles, Bootstrap: bootstrap, OccurredAt: at,
	}}, nil
}

// checkRoles returns the roles in the order of the permission table.
func checkRoles(wrong *failure.Fields, roles []access.SystemRole) []access.SystemRole {
	if len(roles) == 0 {
		wrong.Add("roles", input.CodeRequired, "must name at least one role")
	}
	for i, role := range roles {
		if !role.Valid() {
			wrong.Add("roles["+strconv.Itoa(i)+"]", input.CodeUnknown, "must be admin, finance or support")
		}
	}
	return slices.DeleteFunc(access.SystemRoles(), func(r access.SystemRole) bool { return !slices.Contains(roles, r) })
}

// Recognise binds a system user to the subject of an identity that speaks for
// them. An identity that speaks for nobody, or for one who is bound already,
// changes nothing.
func (s State) Recognise(i access.Identity, at time.Time) ([]event.Event, error) {
	u, ok := s.Known(i)
	if !ok || u.SubjectHash != "" || i.SubjectHash == "" {
		return nil, nil
	}
	return []event.Event{SystemUserRecognised{SystemUserID: u.ID, SubjectHash: i.SubjectHash, OccurredAt: at}}, nil
}

// Remove ends what a system user may do. There is always an admin left.
func (s State) Remove(by access.Principal, name id.SystemUser, at time.Time) ([]event.Event, error) {
	if err := by.Require(access.ManageSystemUsers); err != nil {
		return nil, err
	}
	u, ok := s.Users[name]
	switch {
	case !ok:
		return nil, ErrNotFound
	case slices.Contains(u.Roles, access.SystemAdmin) && s.admins() == 1:
		return nil, ErrAdminRequired
	}
	return []event.Event{SystemUserRemoved{SystemUserID: name, OccurredAt: at}}, nil
}
