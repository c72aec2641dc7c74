package access

import (
	"slices"

	"github.com/perfectworks/backend/domain/failure"
)

// Scope is what a key may do at most. A key has a permission only when its
// kind may have it and one of its scopes grants it.
type Scope string

// The scopes. Each has the name of the permission that it grants; reading the
// profile of a key's owner is a matter of the scope alone.
const (
	ScopeReadProfile      Scope = "profile:read"
	ScopeReadOrganization Scope = "organization:read"
	ScopeReadFiles        Scope = "files:read"
	ScopeWriteFiles       Scope = "files:write"
	ScopeReadTokens       Scope = "tokens:read"
	ScopeCheckout         Scope = "payments:checkout"
	ScopeReadAuditLog     Scope = "audit:read"
)

// The scopes that each kind of key can carry, in the order in which they are
// shown. A key issued without naming scopes gets all of its kind's.
var (
	userKeyScopes = []Scope{
		ScopeReadProfile, ScopeReadOrganization, ScopeReadFiles, ScopeWriteFiles, ScopeReadTokens,
	}
	organizationKeyScopes = []Scope{
		ScopeReadOrganization, ScopeReadFiles, ScopeWriteFiles, ScopeReadTokens,
		ScopeCheckout, ScopeReadAuditLog,
	}
)

// ScopesOf are the scopes that a kind of key can carry; none for other kinds.
func ScopesOf(k Kind) []Scope {
	switch k {
	case KindUserKey:
		return slices.Clone(userKeyScopes)
	case KindOrganizationKey:
		return slices.Clone(organizationKeyScopes)
	case KindUser, KindSystem, KindPolicy:
	}
	return nil
}

// Require is nil when members of this role have the permission.
func (r Role) Require(perm Permission) error {
	if !r.May(perm) {
		return ErrForbidden
	}
	return nil
}

// May reports whether the principal has a permission: in the organization it acts
// in, or in the system. A user's key has it only while its owner's role has it
// too, so that losing a role takes the key's rights along. A policy has what it
// declares.
func (p Principal) May(perm Permission) bool {
	row, ofSystem := rowOf(perm)
	if p.OrganizationID == "" && !ofSystem {
		return false
	}
	switch p.Kind {
	case KindUser:
		return p.Role.May(perm)
	case KindUserKey:
		return p.carries(row) && p.Role.May(perm)
	case KindOrganizationKey:
		return p.carries(row)
	case KindSystem:
		return slices.ContainsFunc(p.SystemRoles, func(r SystemRole) bool { return r.May(perm) })
	case KindPolicy:
		return slices.Contains(p.Grants, perm)
	}
	return false
}

// carries reports whether a key can have a permission and carries its scope.
func (p Principal) carries(r row) bool {
	return marked(r.keys, slices.Index(keyKinds, p.Kind)) && slices.Contains(p.Scopes, r.scope)
}

// Refusals of this package.
var (
	ErrForbidden = failure.New(failure.Forbidden, "FORBIDDEN",
		"the caller's role or key does not allow this")
	ErrNoActiveOrganization = failure.New(failure.Conflict, "NO_ACTIVE_ORGANIZATION",
		"the caller has no active organization: create one, or switch to one")
	ErrNotRegistered = failure.New(failure.Forbidden, "USER_NOT_REGISTERED",
		"this identity has no account yet: create one with POST /users/client")
	// ErrCredentialNotAllowed refuses keys of a kind that can never have what is
	// asked, whatever their scopes, and others than people where a person must
	// act.
	ErrCredentialNotAllowed = failure.New(failure.Forbidden, "CREDENTIAL_NOT_ALLOWED",
		"this kind of credential is not accepted here")
)

// Require returns nil if the principal has the permission, and otherwise the
// reason why not.
func (p Principal) Require(perm Permission) error { return p.RequireAny(perm) }

// RequireAny returns nil if the principal has one of the permissions, and
// otherwise the reason why not. There is at least one.
func (p Principal) RequireAny(perms ...Permission) error {
	switch {
	case slices.ContainsFunc(perms, p.May):
		return nil
	case p.KeyID != "" && !slices.ContainsFunc(perms, func(perm Permission) bool {
		return slices.Contains(perm.Kinds(), p.Kind)
	}):
		return ErrCredentialNotAllowed
	case p.Kind == KindUser && p.UserID == "":
		return ErrNotRegistered
	case p.OrganizationID == "" && slices.ContainsFunc(perms, func(perm Permission) bool {
		_, ofSystem := rowOf(perm)
		return !ofSystem
	}):
		return ErrNoActiveOrganization
	}
	return ErrForbidden
}

// RequireScope returns nil for a key that carries the scope, and for everybody
// who is not a key.
func (p Principal) RequireScope(s Scope) error {
	if p.KeyID != "" && !slices.Contains(p.Scopes, s) {
		return ErrForbidden
	}
	return nil
}

// RequireUser returns nil for the token of a person with an account.
func (p Principal) RequireUser() error {
	switch {
	case p.Kind != KindUser:
		return ErrCredentialNotAllowed
	case p.UserID == "":
		return ErrNotRegistered
	}
	return nil
}
