package identity

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// claims are those of OpenID Connect Core, section 2 and 5.1, that matter here.
type claims struct {
	jwt.Claims

	IssuedAt      instant `json:"iat,omitzero"` // in place of the one that drops fractions
	Email         string  `json:"email,omitempty"`
	EmailVerified yesOrNo `json:"email_verified,omitempty"`
}

// claimNames are the claims that this package or the OpenID Connect library
// reads.
var claimNames = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "at_hash",
	"email", "email_verified", "_claim_names", "_claim_sources",
}

// decodeClaims reads the payload of a token by exact names: RFC 7519, section
// 4, compares them case-sensitively, and RFC 7515, section 4, allows a reader to
// refuse duplicates. A claim whose name differs from a known one in letter case
// alone is refused: encoding/json, by which the library reads claims, would
// take it for the known one.
func decodeClaims(payload []byte) (claims, error) {
	var c claims
	if err := decodeExactly(payload, &c); err != nil {
		return claims{}, err
	}
	var members map[string]jsontext.Value
	if err := decodeExactly(payload, &members); err != nil {
		return claims{}, err
	}
	for name := range members {
		for _, known := range claimNames {
			if name != known && strings.EqualFold(name, known) {
				return claims{}, errors.New("a claim's name differs from a known one in letter case only")
			}
		}
	}
	return c, nil
}

// decodeExactly decodes JSON by exact names, and refuses names that occur twice
// in any object, and texts that are not valid UTF-8.
func decodeExactly(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		// The library's own text quotes the input, which may be secret.
		return fmt.Errorf("not the JSON expected: %w", errors.Unwrap(err))
	}
	return nil
}

// expiry is the first instant at which the token is no longer good.
func (c claims) expiry() time.Time { return c.Expiry.Time() }

// from is the instant from which the token is good. A token is not good before
// it was issued either, whether it says so or not.
func (c claims) from() time.Time {
	from := c.NotBefore.Time()
	if c.IssuedAt.After(from) {
		return c.IssuedAt.Time
	}
	return from
}

// instant is a NumericDate of RFC 7519, section 2, to the millisecond, in UTC.
// The zero instant is absent.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*i = instant{}
		return nil
	}
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(seconds) > lastInstant {
		return errors.New("not a time")
	}
	i.Time = time.UnixMilli(int64(math.Floor(seconds * 1000))).UTC()
	return nil
}

// lastInstant is the last second of the year 9999.
const lastInstant = 253402300799

func (i instant) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(i.UnixMilli())/1000, 'f', 3, 64), nil
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
