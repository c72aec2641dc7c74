package access

import (
	"slices"

	"github.com/perfectworks/backend/domain/failure"
)

// Permission is a row of the permission table of the HTTP contract: a right in
// the organization acted in, or one of the system's.
type Permission string

// The permissions in an organization.
const (
	ReadOrganization       Permission = "organization:read"
	UpdateOrganization     Permission = "organization:update"
	DisposeOrganization    Permission = "organization:dispose" // delete, restore, purge
	TransferOwnership      Permission = "organization:transfer"
	ManageMembers          Permission = "members:manage"
	ReadOwnFiles           Permission = "files:read"
	WriteOwnFiles          Permission = "files:write"
	ReadFilesOfOthers      Permission = "files-of-others:read"
	WriteFilesOfOthers     Permission = "files-of-others:write"
	ListFilesOfOthers      Permission = "files-of-others:list" // what is known of them, not their content
	ManageOwnKeys          Permission = "own-keys:manage"
	ManageOrganizationKeys Permission = "organization-keys:manage"
	RevokeKeys             Permission = "keys:revoke" // anybody's and the organization's
	ReadTokens             Permission = "tokens:read"
	Checkout               Permission = "payments:checkout"
	ReadAuditLog           Permission = "audit:read"
	AdjustTokens           Permission = "tokens:adjust"
	// SpendTokens and GrantTokens belong to no role: only a policy declares them.
	SpendTokens Permission = "tokens:spend"
	GrantTokens Permission = "tokens:grant"
)

// The permissions of the system, which need no organization.
const (
	ApprovePayouts    Permission = "payouts:approve"
	ManageSystemUsers Permission = "system-users:manage"
	EraseUsers        Permission = "users:erase"
	ReadOperations    Permission = "operations:read" // projections, policies, jobs
	ManageOperations  Permission = "operations:manage"
)

// Scope is what a key may do at most. A key has a permission only when its
// kind may have it and one of its scopes grants it.
type Scope string

// The scopes. Each has the name of the permission that it grants; reading the
// account of a key's owner is a matter of the scope alone.
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

var roleHas = map[Permission][]Role{
	ReadOrganization:       {Owner, Admin, Billing, Member, Viewer},
	UpdateOrganization:     {Owner, Admin},
	DisposeOrganization:    {Owner},
	TransferOwnership:      {Owner},
	ManageMembers:          {Owner, Admin},
	ReadOwnFiles:           {Owner, Admin, Member, Viewer},
	WriteOwnFiles:          {Owner, Admin, Member},
	ReadFilesOfOthers:      {Owner, Admin, Viewer},
	WriteFilesOfOthers:     {Owner, Admin},
	ListFilesOfOthers:      {Owner, Admin, Viewer},
	ManageOwnKeys:          {Owner, Admin, Member},
	ManageOrganizationKeys: {Owner, Admin},
	RevokeKeys:             {Owner, Admin},
	ReadTokens:             {Owner, Admin, Billing, Member, Viewer},
	Checkout:               {Owner, Admin, Billing},
	ReadAuditLog:           {Owner, Admin},
}

var systemRoleHas = map[Permission][]SystemRole{
	ReadOrganization:    {SystemAdmin, SystemFinance, SystemSupport},
	UpdateOrganization:  {SystemAdmin},
	DisposeOrganization: {SystemAdmin},
	ManageMembers:       {SystemAdmin},
	ListFilesOfOthers:   {SystemAdmin, SystemFinance, SystemSupport},
	RevokeKeys:          {SystemAdmin, SystemFinance},
	ReadTokens:          {SystemFinance, SystemSupport},
	ReadAuditLog:        {SystemAdmin, SystemFinance, SystemSupport},
	AdjustTokens:        {SystemFinance},

	ApprovePayouts:    {SystemFinance},
	ManageSystemUsers: {SystemAdmin},
	EraseUsers:        {SystemAdmin},
	ReadOperations:    {SystemAdmin, SystemSupport},
	ManageOperations:  {SystemAdmin},
}

// ofSystem are the permissions that belong to no organization.
var ofSystem = []Permission{ApprovePayouts, ManageSystemUsers, EraseUsers, ReadOperations, ManageOperations}

var scopeHas = map[Permission]Scope{
	ReadOrganization:   ScopeReadOrganization,
	ReadOwnFiles:       ScopeReadFiles,
	WriteOwnFiles:      ScopeWriteFiles,
	ReadFilesOfOthers:  ScopeReadFiles,
	WriteFilesOfOthers: ScopeWriteFiles,
	ListFilesOfOthers:  ScopeReadFiles,
	ReadTokens:         ScopeReadTokens,
	Checkout:           ScopeCheckout,
	ReadAuditLog:       ScopeReadAuditLog,
}

// May tells whether members of this role have a permission.
func (r Role) May(perm Permission) bool { return slices.Contains(roleHas[perm], r) }

// May tells whether system users of this role have a permission.
func (r SystemRole) May(perm Permission) bool { return slices.Contains(systemRoleHas[perm], r) }

// Require is nil when members of this role have the permission.
func (r Role) Require(perm Permission) error {
	if !r.May(perm) {
		return ErrForbidden
	}
	return nil
}

// ofOrganizationOnly are the permissions that a user key cannot have, whatever
// its owner may do.
var ofOrganizationOnly = []Permission{ReadFilesOfOthers, WriteFilesOfOthers, ListFilesOfOthers, Checkout, ReadAuditLog}

// May tells whether the principal has a permission: in the organization it acts
// in, or in the system. A user key has it only while its owner's role has it
// too, so that losing a role takes the key's rights along. A policy has what it
// declares.
func (p Principal) May(perm Permission) bool {
	if p.OrganizationID == "" && !slices.Contains(ofSystem, perm) {
		return false
	}
	switch p.Kind {
	case KindUser:
		return p.Role.May(perm)
	case KindUserKey:
		return !slices.Contains(ofOrganizationOnly, perm) &&
			p.hasScopeFor(perm) && p.Role.May(perm)
	case KindOrganizationKey:
		return p.hasScopeFor(perm)
	case KindSystem:
		return slices.ContainsFunc(p.SystemRoles, func(r SystemRole) bool { return r.May(perm) })
	case KindPolicy:
		return slices.Contains(p.Grants, perm)
	}
	return false
}

func (p Principal) hasScopeFor(perm Permission) bool {
	scope, grantable := scopeHas[perm]
	return grantable && slices.Contains(p.Scopes, scope)
}

// Refusals of this package.
var (
	ErrForbidden = failure.New(failure.Forbidden, "FORBIDDEN",
		"the caller's role or key does not allow this")
	ErrNoActiveOrganization = failure.New(failure.Conflict, "NO_ACTIVE_ORGANIZATION",
		"the caller has no active organization: create one, or switch to one")
	ErrNotRegistered = failure.New(failure.Forbidden, "NOT_REGISTERED",
		"this identity has no account yet: register it with POST /users/client")
	ErrUserOnly = failure.New(failure.Forbidden, "USER_ONLY",
		"this needs a signed-in person: API keys are not accepted here")
)

// Require is nil when the principal has the permission, else the reason.
func (p Principal) Require(perm Permission) error {
	switch {
	case p.Kind == KindUser && p.UserID == "":
		return ErrNotRegistered
	case p.OrganizationID == "" && !slices.Contains(ofSystem, perm):
		return ErrNoActiveOrganization
	case !p.May(perm):
		return ErrForbidden
	}
	return nil
}

// RequireScope is nil for a key that carries the scope, and for all who are no
// key.
func (p Principal) RequireScope(s Scope) error {
	if p.KeyID != "" && !slices.Contains(p.Scopes, s) {
		return ErrForbidden
	}
	return nil
}

// RequireUser is nil for a registered person with a JWT.
func (p Principal) RequireUser() error {
	switch {
	case p.Kind != KindUser:
		return ErrUserOnly
	case p.UserID == "":
		return ErrNotRegistered
	}
	return nil
}
