package identity

import "github.com/perfectworks/backend/domain/failure"

// Refusals of tokens. Their texts never echo any part of the credential.
var (
	ErrTokenMissing = failure.New(failure.Unauthenticated, "CREDENTIALS_MISSING",
		"send a token as Authorization: Bearer <token>, or an API key as X-API-Key")
	ErrTokenMalformed = failure.New(failure.Unauthenticated, "TOKEN_MALFORMED",
		"the credential is neither a JSON Web Token nor an API key")
	ErrTokenAlgorithm = failure.New(failure.Unauthenticated, "TOKEN_ALGORITHM_UNSUPPORTED",
		"the token is signed by an algorithm that its issuer does not announce")
	ErrTokenIssuer = failure.New(failure.Unauthenticated, "TOKEN_ISSUER_UNTRUSTED",
		"the token comes from an issuer that is not trusted here")
	ErrTokenAudience = failure.New(failure.Unauthenticated, "TOKEN_AUDIENCE_MISMATCHED",
		"the token is meant for another audience")
	ErrTokenExpired = failure.New(failure.Unauthenticated, "TOKEN_EXPIRED",
		"the token has expired: get a new one")
	ErrTokenNotYetValid = failure.New(failure.Unauthenticated, "TOKEN_NOT_YET_VALID",
		"the token is not valid yet: its issuer's clock or ours is wrong")
	ErrTokenSignature = failure.New(failure.Unauthenticated, "TOKEN_SIGNATURE_INVALID",
		"the token's signature does not fit any key of its issuer")
	ErrIssuerUnavailable = failure.New(failure.Unavailable, "ISSUER_UNAVAILABLE",
		"the identity provider cannot be reached to check the token: try again")
)
