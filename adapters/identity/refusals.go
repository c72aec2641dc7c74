package identity

import (
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/directory"
)

// Refusals returns all failures with which Authenticate can refuse a request, for
// the documentation.
func (*Authenticator) Refusals() []error {
	return []error{
		ErrTokenMissing, ErrTokenMalformed, ErrTokenAlgorithm, ErrTokenIssuer, ErrTokenAudience, ErrTokenExpired,
		ErrTokenNotYetValid, ErrTokenSignature, ErrIssuerUnavailable,
		apikey.ErrMalformedKey, ErrKeyUnknown, ErrKeyRevoked, ErrKeyExpired, ErrKeyOrphaned, ErrKeyEnvironment, ErrKeyElsewhere,
		ErrCredentialsConflict, ErrOrganizationConflict,
		user.ErrDeactivated, organization.ErrNotFound, directory.ErrBehind,
	}
}
