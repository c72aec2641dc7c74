package identity

import (
	"net/http"
	"strings"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// The headers that say who asks, and where.
const (
	headerAuthorization = "Authorization"
	headerKey           = "X-API-Key"
	headerOrganization  = "X-Organization-Id"
)

// keyPrefix is what all API keys begin with and no JSON Web Token can.
const keyPrefix = "pw_"

// Refusals of what was sent.
var (
	ErrCredentialsConflict = failure.New(failure.Invalid, "CREDENTIALS_AMBIGUOUS",
		"send one credential: Authorization and X-API-Key differ, or one of them is there twice")
	ErrOrganizationConflict = failure.New(failure.Invalid, "ORGANIZATION_AMBIGUOUS",
		"send one X-Organization-Id")
)

// Credentials are what a request brings to say who asks. They hide themselves
// when printed.
type Credentials struct {
	// One of the two is set.
	token string
	key   apikey.Secret
	// organization is the one that the request names; empty when it names none.
	organization id.Organization
}

// String hides the credentials.
func (Credentials) String() string { return "[credentials]" }

// GoString hides the credentials.
func (c Credentials) GoString() string { return c.String() }

// ReadCredentials reads the headers of a request. An API key may come as
// X-API-Key or as a bearer token. The errors are failures.
func ReadCredentials(h http.Header) (Credentials, error) {
	bearer, err := readBearer(h)
	if err != nil {
		return Credentials{}, err
	}
	key, ok := single(h, headerKey)
	if !ok || key != "" && bearer != "" && key != bearer {
		return Credentials{}, ErrCredentialsConflict
	}
	organization, ok := single(h, headerOrganization)
	if !ok {
		return Credentials{}, ErrOrganizationConflict
	}
	c := Credentials{organization: id.Organization(organization)}
	switch {
	case key == "" && bearer == "":
		return Credentials{}, ErrTokenMissing
	case key == "" && !strings.HasPrefix(bearer, keyPrefix):
		c.token = bearer
		return c, nil
	case key == "":
		key = bearer
	}
	c.key, err = apikey.ParseSecret(key)
	if err != nil {
		return Credentials{}, err
	}
	return c, nil
}

// readBearer reads the token of RFC 6750, section 2.1; the name of the scheme
// may be in any case.
func readBearer(h http.Header) (string, error) {
	value, ok := single(h, headerAuthorization)
	if !ok {
		return "", ErrCredentialsConflict
	}
	if value == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.TrimSpace(token)
	switch {
	case !strings.EqualFold(scheme, "Bearer"), strings.ContainsAny(token, " \t"):
		return "", ErrTokenMalformed
	case token == "":
		return "", ErrTokenMissing
	}
	return token, nil
}

// single is the value of a header that may come once. An empty one counts
// as absent. The same value may be repeated.
func single(h http.Header, name string) (value string, ok bool) {
	for _, v := range h.Values(name) {
		v = strings.TrimSpace(v)
		if v != "" && value != "" && v != value {
			return "", false
		}
		if v != "" {
			value = v
		}
	}
	return value, true
}
