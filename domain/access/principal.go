// Package access says who acts and what they may do: principals, roles, scopes
// and the permission table of the HTTP contract.
package access

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Principal is who acts: for a request, as established by the credential alone
// and the directory of users, members and keys; for what happens without a
// request, the policy.
type Principal struct {
	Kind Kind

	// Identity is what the identity provider vouches for; only with a JWT.
	Identity Identity

	// UserID is the registered user: set for users and user keys, empty for a
	// JWT whose subject has not registered yet, and for organization keys. For a
	// system user it holds the id of that one, who is no registered user.
	UserID id.User
	// OrganizationID is the organization acted in: the key's, or the user's
	// active one. Empty when there is none.
	OrganizationID id.Organization
	// Role is the person's role in OrganizationID; empty when there is none.
	Role Role
	// MemberSince is when the membership began by which the person acts there.
	MemberSince time.Time

	// KeyID and Scopes belong to the two kinds of key.
	KeyID  id.APIKey
	Scopes []Scope

	// SystemRoles are the roles of a system user, who is a member of no
	// organization and may act in each.
	SystemRoles []SystemRole

	// Policy and Grants belong to a policy: its name, and the permissions that
	// it declares, which are all that it has.
	Policy string
	Grants []Permission
}

// ByPolicy is the principal of a policy that acts in an organization; empty
// where it acts in none.
func ByPolicy(name string, organization id.Organization, grants ...Permission) Principal {
	return Principal{Kind: KindPolicy, Policy: name, OrganizationID: organization, Grants: grants}
}

// In returns the principal as it acts in an organization. Only those who act
// without a membership can choose it: all others act where they are.
func (p Principal) In(organization id.Organization) Principal {
	if p.Kind == KindSystem || p.Kind == KindPolicy {
		p.OrganizationID = organization
	}
	return p
}

// Kind is the sort of principal.
type Kind string

// The kinds of principal. Their rights differ: see the permission table.
const (
	KindUser            Kind = "user"
	KindUserKey         Kind = "userKey"
	KindOrganizationKey Kind = "organizationKey"
	// KindSystem is a person who works for the operator.
	KindSystem Kind = "system"
	// KindPolicy acts without a person, as a consequence of an event or of time.
	KindPolicy Kind = "policy"
)

// Identity is the verified claim of an OpenID Connect provider.
type Identity struct {
	// SubjectHash is the keyed hash of issuer and subject: the person's name
	// towards us, without being their name.
	SubjectHash string
	// Email is as the provider gave it, in NFKC; EmailHash is the keyed hash of
	// its folded form. Both are empty when it gave none, or one that is not an
	// email address, which EmailInvalid tells apart.
	Email         personal.Text
	EmailHash     string
	EmailVerified bool
	EmailInvalid  bool
	// IssuedAt is when the provider vouched for all this; zero when it did not
	// say.
	IssuedAt time.Time
}

// Actor is how the principal is written into event metadata.
func (p Principal) Actor() (kind event.ActorKind, actorID string, userID id.User) {
	switch p.Kind {
	case KindUserKey, KindOrganizationKey:
		return event.ActorKey, string(p.KeyID), p.UserID
	case KindSystem:
		return event.ActorSystem, string(p.UserID), p.UserID
	case KindPolicy:
		return event.ActorPolicy, p.Policy, ""
	case KindUser:
		return event.ActorUser, string(p.UserID), p.UserID
	}
	return "", "", ""
}

// ID names the principal across requests: retries, rate limits and reads of
// the caller's own writes are counted by it.
func (p Principal) ID() string {
	switch {
	case p.Kind == KindPolicy:
		return p.Policy
	case p.KeyID != "":
		return string(p.KeyID)
	case p.UserID != "":
		return string(p.UserID)
	default:
		return p.Identity.SubjectHash
	}
}
