package identity

import (
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// claims are those of OpenID Connect Core, section 2 and 5.1, that matter here.
type claims struct {
	jwt.Claims

	Email         string  `json:"email,omitempty"`
	EmailVerified yesOrNo `json:"email_verified,omitempty"`
}

// expiry is the first instant at which the token is no longer good.
func (c claims) expiry() time.Time { return c.Expiry.Time() }

// from is the instant from which the token is good. A token is not good before
// it was issued either, whether it says so or not.
func (c claims) from() time.Time {
	from := c.NotBefore.Time()
	if issued := c.IssuedAt.Time(); issued.After(from) {
		return issued
	}
	return from
}

// yesOrNo is a boolean that some providers write as a string.
type yesOrNo bool

func (y *yesOrNo) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", `"true"`:
		*y = true
	case "false", `"false"`, "null":
		*y = false
	default:
		return errors.New("not a boolean")
	}
	return nil
}
