package httpapi

import (
	"slices"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
)

// authorization declares who may call an operation. The guard enforces it for
// reads and writes, and the documentation follows from it. The zero value
// declares nothing, and is refused by New.
//
// An aggregate judges again only what its own stream knows at the revision that
// the change is appended to: whose it is, and in the organization the rank of
// its members. Nothing else in a command looks at roles.
type authorization struct {
	kind authorizationKind
	// scope is what a key needs for ownDataWithKeys.
	scope access.Scope
	// permissions of which the caller needs one, for permitted.
	permissions []access.Permission
	// place is the path parameter that names the organization to act in; empty for
	// the active one.
	place string
	// bootstrap lets somebody with the bootstrap secret in, for the aggregate to
	// judge.
	bootstrap bool
}

type authorizationKind int

const (
	isPublic authorizationKind = iota + 1
	isAnyIdentity
	isOwnData
	isOwnAccount
	isPermitted
	isSigned
	isLinked
)

// public operations are for anybody, without credentials.
func public() authorization { return authorization{kind: isPublic} }

// signed operations are for whoever can sign the body, which the operation
// checks itself. What it refuses is counted for the address that it comes from;
// what is signed is not, for it comes when it has to.
func signed() authorization { return authorization{kind: isSigned} }

// byLink operations are for those who have a signed URL for them.
func byLink() authorization { return authorization{kind: isLinked} }

// anyIdentity is for a valid token, whether or not its subject has an account.
func anyIdentity() authorization { return authorization{kind: isAnyIdentity} }

// ownData is for the token of a person with an account: the operation touches
// only what is theirs.
func ownData() authorization { return authorization{kind: isOwnData} }

// ownDataWithKeys is ownData that also takes the person's keys with a scope.
func ownDataWithKeys(scope access.Scope) authorization {
	return authorization{kind: isOwnData, scope: scope}
}

// ownAccount is for the token of a person with an account, also a deactivated one:
// the operation begins or ends that state.
func ownAccount() authorization { return authorization{kind: isOwnAccount} }

// ownAccountOr is ownAccount that also takes those who are no people with an
// account and have the permission.
func ownAccountOr(perm access.Permission) authorization {
	return authorization{kind: isOwnAccount, permissions: []access.Permission{perm}}
}

// permitted is for those who have one of the permissions, in the organization
// that they act in or in the system.
func permitted(oneOf ...access.Permission) authorization {
	return authorization{kind: isPermitted, permissions: oneOf}
}

// permittedIn is permitted in the organization that a path parameter names, which
// may be a deleted one.
func permittedIn(place string, oneOf ...access.Permission) authorization {
	return authorization{kind: isPermitted, permissions: oneOf, place: place}
}

// orBootstrap also lets somebody without credentials in who has a bootstrap
// secret, whether or not it is the right one: the command says.
func (a authorization) orBootstrap() authorization {
	a.bootstrap = true
	return a
}

// declared reports whether an operation says who may call it.
func (a authorization) declared() bool {
	return a.kind != 0 && (a.kind != isPermitted || len(a.permissions) > 0)
}

// open reports whether the operation needs no credentials.
func (a authorization) open() bool {
	return a.kind == isPublic || a.kind == isSigned || a.kind == isLinked
}

// takesDeactivated reports whether a person whose account is deactivated may call.
func (a authorization) takesDeactivated() bool { return a.kind == isOwnAccount }

// admit returns nil if a principal may call the operation.
func (a authorization) admit(p access.Principal) error {
	switch a.kind {
	case isPublic, isSigned, isLinked:
		return nil
	case isAnyIdentity:
		if p.Kind != access.KindUser {
			return access.ErrCredentialNotAllowed
		}
		return nil
	case isOwnData:
		if p.Kind != access.KindUserKey || a.scope == "" {
			return p.RequireUser()
		}
		return p.RequireScope(a.scope)
	case isOwnAccount:
		if p.Kind == access.KindUser || len(a.permissions) == 0 {
			return p.RequireUser()
		}
		return p.RequireAny(a.permissions...)
	case isPermitted:
		return p.RequireAny(a.permissions...)
	}
	return access.ErrForbidden
}

// acceptsKeys reports whether some API keys are accepted.
func (a authorization) acceptsKeys() bool {
	switch a.kind {
	case isOwnData:
		return a.scope != ""
	case isPermitted:
		return a.acceptsKind(access.KindUserKey) || a.acceptsKind(access.KindOrganizationKey)
	case isPublic, isSigned, isLinked, isAnyIdentity, isOwnAccount:
	}
	return false
}

// acceptsKind reports whether some principals of a kind can have one of the
// permissions.
func (a authorization) acceptsKind(kind access.Kind) bool {
	return slices.ContainsFunc(a.permissions, func(perm access.Permission) bool {
		return slices.Contains(perm.Kinds(), kind)
	})
}

// security is what the documentation says of the credentials.
func (a authorization) security() []map[string][]string {
	switch {
	case a.open():
		return []map[string][]string{}
	case a.acceptsKeys():
		return []map[string][]string{{schemeToken: {}}, {schemeKey: {}}, {schemeBearer: {}}}
	default:
		return []map[string][]string{{schemeToken: {}}}
	}
}

// actsInOrganization reports whether X-Organization-Id means something.
func (a authorization) actsInOrganization() bool {
	return a.kind == isOwnData || a.kind == isPermitted && a.place == ""
}

// refusals are all failures of admit.
func (a authorization) refusals() []error {
	switch a.kind {
	case isAnyIdentity:
		return []error{access.ErrCredentialNotAllowed}
	case isOwnData:
		all := []error{access.ErrCredentialNotAllowed, access.ErrNotRegistered}
		if a.scope != "" {
			all = append(all, access.ErrForbidden)
		}
		return all
	case isOwnAccount:
		all := []error{access.ErrCredentialNotAllowed, access.ErrNotRegistered}
		if len(a.permissions) > 0 {
			all = append(all, access.ErrForbidden)
		}
		return all
	case isPermitted:
		all := []error{access.ErrCredentialNotAllowed, access.ErrNotRegistered, access.ErrForbidden}
		if a.place != "" {
			return append(all, organization.ErrNotFound)
		}
		return append(all, access.ErrNoActiveOrganization)
	case isPublic, isSigned, isLinked:
	}
	return nil
}
