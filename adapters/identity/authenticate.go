package identity

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

// Refusals of API keys.
var (
	ErrKeyUnknown = failure.New(failure.Unauthenticated, "API_KEY_UNKNOWN",
		"there is no such API key")
	ErrKeyRevoked = failure.New(failure.Unauthenticated, "API_KEY_REVOKED",
		"this API key has been revoked")
	ErrKeyExpired = failure.New(failure.Unauthenticated, "API_KEY_EXPIRED",
		"this API key has expired")
	ErrKeyOrphaned = failure.New(failure.Unauthenticated, "API_KEY_ORPHANED",
		"this API key ended with its owner's account or membership, or its owner or organization is deactivated")
	ErrKeyEnvironment = failure.New(failure.Unauthenticated, "API_KEY_ENVIRONMENT_MISMATCHED",
		"this API key is for another environment: pw_live_ keys work in production only, pw_test_ keys everywhere else")
	ErrKeyElsewhere = failure.New(failure.Forbidden, "API_KEY_ORGANIZATION_MISMATCHED",
		"this API key acts in its own organization only: leave X-Organization-Id out")
)

// Authenticator says who a request acts for, and where. It is safe for
// concurrent use.
type Authenticator struct{ parts Parts }

// Parts are what an Authenticator is made of. The caller runs them.
type Parts struct {
	Tokens    *Tokens
	Directory *directory.Directory
	Usage     *Usage
	Addresses *Addresses
	// SystemUser returns the system user for whom an identity without an account
	// speaks, as a principal in no organization; false for everybody else. It asks
	// the store: a removal counts at once. Nil says that there are none.
	SystemUser func(context.Context, access.Identity) (access.Principal, bool, error)
	// Live says that this is the production environment, which accepts live API
	// keys only; any other accepts test keys only.
	Live bool
}

// NewAuthenticator puts the parts together.
func NewAuthenticator(p Parts) *Authenticator { return &Authenticator{p} }

// Authenticate checks the credentials in a request's headers. Its errors are
// failures: Unauthenticated for the credential, Invalid for contradictory
// headers, NotFound and Forbidden for the organization that X-Organization-Id
// names, and Unavailable when the check cannot be made.
//
// A person with a valid token but without an account is a principal without
// UserID. With user.ErrDeactivated the principal is returned as well,
// for what such a user may still do.
//
// A caller who is accepted still had the right at most directory.Bound ago. One who
// is refused because there is no account, key or membership did not have it when
// the request came in, whichever process wrote it.
//
// Before it checks a signature that it has not seen, and before it asks the event
// store about a key that it does not know, it calls afford and returns its error:
// anybody can invent tokens and keys. nil affords all.
func (a *Authenticator) Authenticate(ctx context.Context, h http.Header, afford func() error) (access.Principal, error) {
	if afford == nil {
		afford = func() error { return nil }
	}
	c, err := ReadCredentials(h)
	if err != nil {
		return access.Principal{}, err
	}
	if c.token == "" {
		return a.authenticateKey(ctx, c, afford)
	}
	return a.authenticateToken(ctx, c, afford)
}

func (a *Authenticator) authenticateKey(ctx context.Context, c Credentials, afford func() error) (access.Principal, error) {
	if c.key.Live() != a.parts.Live {
		return access.Principal{}, ErrKeyEnvironment
	}
	if err := a.parts.Directory.Current(ctx); err != nil {
		return access.Principal{}, err
	}
	// The hash may be looked up in a plain map: how long that takes tells
	// something of the hash, and nothing of the 256 random bits behind it.
	hash := c.key.Hash()
	key, found := a.parts.Directory.Key(hash)
	if !found {
		// It may have been issued a moment ago, by another process.
		if err := afford(); err != nil {
			return access.Principal{}, err
		}
		if err := a.parts.Directory.CatchUp(ctx); err != nil {
			return access.Principal{}, err
		}
		if key, found = a.parts.Directory.Key(hash); !found {
			return access.Principal{}, ErrKeyUnknown
		}
	}
	now := time.Now()
	p, err := keyPrincipal(key, now)
	if err != nil {
		return access.Principal{}, err
	}
	if c.organization != "" && c.organization != p.OrganizationID {
		return access.Principal{}, ErrKeyElsewhere
	}
	a.parts.Usage.Used(p.KeyID, now)
	return p, nil
}

// keyPrincipal is whom a key stands for at a time, if it is good.
func keyPrincipal(k directory.Key, at time.Time) (access.Principal, error) {
	switch {
	case k.Unreadable || k.Organization.Unreadable || k.Owner.Unreadable:
		return access.Principal{}, directory.ErrBehind
	case k.Revoked:
		return access.Principal{}, ErrKeyRevoked
	case k.Orphaned, k.Organization.Status != organization.StatusActive:
		return access.Principal{}, ErrKeyOrphaned
	case !k.ExpireAt.IsZero() && !at.Before(k.ExpireAt):
		return access.Principal{}, ErrKeyExpired
	}
	p := access.Principal{
		Kind: access.KindOrganizationKey, OrganizationID: k.Organization.ID,
		KeyID: k.ID, Scopes: k.Scopes,
	}
	if k.Owner.ID != "" {
		if k.Owner.Status != user.StatusActive || k.Role == "" {
			return access.Principal{}, ErrKeyOrphaned
		}
		p.Kind, p.UserID, p.Role = access.KindUserKey, k.Owner.ID, k.Role
	}
	return p, nil
}

func (a *Authenticator) authenticateToken(ctx context.Context, c Credentials, afford func() error) (access.Principal, error) {
	token, err := a.parts.Tokens.verified(ctx, c.token, afford)
	if err != nil {
		return access.Principal{}, err
	}
	if err := a.parts.Directory.Current(ctx); err != nil {
		return access.Principal{}, err
	}
	p, err := a.userPrincipal(token.identity, c.organization)
	if err == nil && p.UserID != "" {
		a.parts.Addresses.notice(p, token)
		return p, nil
	}
	// The account, the membership or the restoration may have been written a
	// moment ago, by another process.
	if failed := a.parts.Directory.CatchUp(ctx); failed != nil {
		return access.Principal{}, failed
	}
	p, err = a.userPrincipal(token.identity, c.organization)
	if err == nil && p.UserID == "" {
		return a.systemPrincipal(ctx, p, c.organization)
	}
	if err == nil {
		a.parts.Addresses.notice(p, token)
	}
	return p, err
}

// systemPrincipal is the system user that a stranger is, if they are one, in the
// organization that the request names.
func (a *Authenticator) systemPrincipal(ctx context.Context, stranger access.Principal, wanted id.Organization) (access.Principal, error) {
	if a.parts.SystemUser == nil {
		return stranger, nil
	}
	p, is, err := a.parts.SystemUser(ctx, stranger.Identity)
	switch {
	case err != nil:
		return access.Principal{}, fmt.Errorf("%w: find a system user: %w", directory.ErrBehind, err)
	case !is:
		return stranger, nil
	case wanted == "":
		return p, nil
	}
	o, known := a.parts.Directory.Organization(wanted)
	switch {
	case !known, o.Status != organization.StatusActive:
		return access.Principal{}, organization.ErrNotFound
	case o.Unreadable:
		return access.Principal{}, directory.ErrBehind
	}
	return p.In(wanted), nil
}

// userPrincipal is whom a token stands for, as far as the directory knows.
func (a *Authenticator) userPrincipal(identity access.Identity, wanted id.Organization) (access.Principal, error) {
	p := access.Principal{Kind: access.KindUser, Identity: identity}
	u, registered := a.parts.Directory.UserBySubject(identity.SubjectHash)
	if !registered {
		return p, nil
	}
	p.UserID = u.ID
	if u.Unreadable {
		return access.Principal{}, directory.ErrBehind
	}
	if u.Status != user.StatusActive {
		return p, user.ErrDeactivated
	}
	place := u.Active
	if wanted != "" {
		place, _ = a.parts.Directory.Membership(u.ID, wanted)
	}
	switch {
	case place.Organization.Unreadable:
		return access.Principal{}, directory.ErrBehind
	case place.Organization.Status == organization.StatusActive:
		p.OrganizationID, p.Role, p.MemberSince = place.Organization.ID, place.Role, place.Since
	case wanted != "":
		return access.Principal{}, organization.ErrNotFound
	}
	return p, nil
}
