package apikey

import (
	"slices"
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

const maxDescription = 255 // characters

// Issuance is what a new key is to be.
type Issuance struct {
	ID             id.APIKey
	OrganizationID id.Organization
	OwnerType      OwnerType
	// IssuedBy asks for the key, and owns it if it is a user key.
	IssuedBy id.User
	// Scopes may be nil: then the key gets all that its kind can carry.
	Scopes      []access.Scope
	Description string
	// ExpireAt may be nil: then the key does not expire.
	ExpireAt *time.Time
	Secret   Secret
	// Slot is the slot of the owner that the key is counted in.
	Slot int
	// MemberSince is when the membership began under which IssuedBy asks; it names
	// that membership.
	MemberSince time.Time
}

// Issue makes a key. Its id is new, so that there is no state to look at.
func Issue(i Issuance, at time.Time) (Issued, error) {
	var wrong failure.Fields
	issued := Issued{
		KeyID: i.ID, OrganizationID: i.OrganizationID, OwnerType: i.OwnerType, IssuedBy: i.IssuedBy,
		Description: description(&wrong, i.Description),
		Live:        i.Secret.Live(), SecretHash: i.Secret.HexHash(), Start: i.Secret.Start(), Last4: i.Secret.Last4(),
		ExpireAt: expiry(&wrong, i.ExpireAt, at), Slot: i.Slot, OccurredAt: at,
	}
	switch i.OwnerType {
	case OwnerUser:
		issued.UserID, issued.MemberSince = i.IssuedBy, i.MemberSince
		issued.Scopes = scopes(&wrong, i.OwnerType, i.Scopes)
	case OwnerOrganization:
		issued.Scopes = scopes(&wrong, i.OwnerType, i.Scopes)
	default:
		wrong.Add("ownerType", input.CodeUnknown, "must be user or organization")
	}
	if err := wrong.Err(); err != nil {
		return Issued{}, err
	}
	return issued, nil
}

// ChangeDescription changes the one thing of a key that can be changed; nil
// leaves it as it is.
func (s State) ChangeDescription(wanted *string, at time.Time) ([]event.Event, error) {
	if err := s.requireNotRevoked(); err != nil || wanted == nil {
		return nil, err
	}
	var wrong failure.Fields
	to := description(&wrong, *wanted)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if to == s.Description {
		return nil, nil
	}
	return []event.Event{DescriptionChanged{KeyID: s.ID, Description: to, OccurredAt: at}}, nil
}

// Revoke ends the key. For one that was revoked it does nothing.
func (s State) Revoke(at time.Time) ([]event.Event, error) {
	switch {
	case s.ID == "":
		return nil, ErrNotFound
	case !s.RevokedAt.IsZero():
		return nil, nil
	}
	return []event.Event{Revoked{KeyID: s.ID, OccurredAt: at}}, nil
}

func (s State) requireNotRevoked() error {
	switch {
	case s.ID == "":
		return ErrNotFound
	case !s.RevokedAt.IsZero(), s.Orphaned:
		return ErrRevoked
	}
	return nil
}

func description(wrong *failure.Fields, value string) string {
	return input.Line(wrong, "description", value, 0, maxDescription)
}

// expiry is a time to come, in UTC and whole milliseconds; zero when there is
// none.
func expiry(wrong *failure.Fields, wanted *time.Time, at time.Time) time.Time {
	if wanted == nil {
		return time.Time{}
	}
	value := wanted.UTC().Truncate(time.Millisecond)
	switch {
	case !value.After(at):
		wrong.Add("expireAt", input.CodePast, "must be in the future")
	case value.Year() > lastYear:
		wrong.Add("expireAt", input.CodeFormat, "must not be after the year "+strconv.Itoa(lastYear))
	}
	return value
}

// lastYear is the last one that RFC 3339 can write.
const lastYear = 9999

// scopes are in the order in which they are shown, each once.
func scopes(wrong *failure.Fields, owner OwnerType, wanted []access.Scope) []access.Scope {
	allowed := access.ScopesOf(owner.Kind())
	if wanted == nil {
		return allowed
	}
	if len(wanted) == 0 {
		wrong.Add("scopes", input.CodeRequired, "must name at least one scope, or be left out for all")
	}
	for i, scope := range wanted {
		if !slices.Contains(allowed, scope) {
			wrong.Add("scopes["+strconv.Itoa(i)+"]", input.CodeUnknown, "is no scope that this kind of key can carry")
		}
	}
	return slices.DeleteFunc(allowed, func(s access.Scope) bool { return !slices.Contains(wanted, s) })
}
