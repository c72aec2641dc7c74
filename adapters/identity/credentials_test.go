package identity_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/failure"
)

// secret makes the n-th API key of the tests.
func secret(tb testing.TB, n byte) apikey.Secret {
	tb.Helper()
	s, err := apikey.Mint(rand.NewChaCha8([32]byte{n}), false)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestReadCredentials(t *testing.T) {
	t.Parallel()
	key, other := secret(t, 1).Reveal(), secret(t, 2).Reveal()
	last := key[len(key)-1]
	mistyped := key[:len(key)-1] + string(last^1)
	const jwt = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
	for name, c := range map[string]struct {
		headers []string // name, value, name, value…
		want    *failure.Failure
	}{
		"token":                      {[]string{"Authorization", "Bearer " + jwt}, nil},
		"token, scheme in lower":     {[]string{"Authorization", "bearer " + jwt}, nil},
		"token with much space":      {[]string{"Authorization", "Bearer   " + jwt + " "}, nil},
		"key":                        {[]string{"X-API-Key", key}, nil},
		"key as bearer":              {[]string{"Authorization", "Bearer " + key}, nil},
		"the same key twice":         {[]string{"Authorization", "Bearer " + key, "X-API-Key", key}, nil},
		"the same header twice":      {[]string{"X-API-Key", key, "X-API-Key", key}, nil},
		"an empty key beside":        {[]string{"Authorization", "Bearer " + jwt, "X-API-Key", ""}, nil},
		"an organization":            {[]string{"X-API-Key", key, "X-Organization-Id", "org_1"}, nil},
		"nothing":                    {nil, identity.ErrTokenMissing},
		"only space":                 {[]string{"Authorization", " ", "X-API-Key", " "}, identity.ErrTokenMissing},
		"no token":                   {[]string{"Authorization", "Bearer"}, identity.ErrTokenMissing},
		"no token but space":         {[]string{"Authorization", "Bearer  "}, identity.ErrTokenMissing},
		"another scheme":             {[]string{"Authorization", "Basic YTpi"}, identity.ErrTokenMalformed},
		"another scheme beside":      {[]string{"Authorization", "Basic YTpi", "X-API-Key", key}, identity.ErrTokenMalformed},
		"no scheme":                  {[]string{"Authorization", jwt}, identity.ErrTokenMalformed},
		"a key without scheme":       {[]string{"Authorization", key}, identity.ErrTokenMalformed},
		"two words":                  {[]string{"Authorization", "Bearer " + jwt + " " + jwt}, identity.ErrTokenMalformed},
		"key and token":              {[]string{"Authorization", "Bearer " + jwt, "X-API-Key", key}, identity.ErrCredentialsConflict},
		"two keys":                   {[]string{"Authorization", "Bearer " + other, "X-API-Key", key}, identity.ErrCredentialsConflict},
		"two authorizations":         {[]string{"Authorization", "Bearer " + jwt, "Authorization", "Bearer " + key}, identity.ErrCredentialsConflict},
		"two key headers":            {[]string{"X-API-Key", key, "X-API-Key", other}, identity.ErrCredentialsConflict},
		"two organizations":          {[]string{"X-API-Key", key, "X-Organization-Id", "a", "X-Organization-Id", "b"}, identity.ErrOrganizationConflict},
		"a token as key":             {[]string{"X-API-Key", jwt}, apikey.ErrMalformedKey},
		"a key cut off":              {[]string{"X-API-Key", key[:40]}, apikey.ErrMalformedKey},
		"a key cut off as bearer":    {[]string{"Authorization", "Bearer " + key[:40]}, apikey.ErrMalformedKey},
		"a wrong checksum":           {[]string{"X-API-Key", mistyped}, apikey.ErrMalformedKey},
		"a wrong checksum as bearer": {[]string{"Authorization", "Bearer " + mistyped}, apikey.ErrMalformedKey},
		"only the prefix":            {[]string{"Authorization", "Bearer pw_"}, apikey.ErrMalformedKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for i := 0; i < len(c.headers); i += 2 {
				h.Add(c.headers[i], c.headers[i+1])
			}
			got, err := identity.ReadCredentials(h)
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want != nil && got != (identity.Credentials{}) {
				t.Error("credentials beside the failure")
			}
		})
	}
}

func TestCredentialsHideThemselves(t *testing.T) {
	t.Parallel()
	const jwt = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
	key := secret(t, 1).Reveal()
	for _, value := range []string{jwt, key} {
		c, err := identity.ReadCredentials(http.Header{"Authorization": {"Bearer " + value}})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "credentials", c, "pointer", &c)
		fmt.Fprintf(&out, "%v %+v %#v %s %q %v", c, c, c, c, c, &c)
		if strings.Contains(out.String(), value[:12]) || strings.Contains(out.String(), value[len(value)-8:]) {
			t.Errorf("printed: %s", out.String())
		}
	}
}

// Whatever comes in, it is refused by a failure that does not repeat it, or
// taken for what it is.
func FuzzReadCredentials(f *testing.F) {
	key := secret(f, 1).Reveal()
	f.Add("Bearer "+key, "", "")
	f.Add("bearer x.y.z", key, "org_1")
	f.Add("", key, "")
	f.Add("Basic \x00", key[:20], " ")
	f.Fuzz(func(t *testing.T, authorization, apiKey, organization string) {
		h := http.Header{"Authorization": {authorization}, "X-Api-Key": {apiKey}, "X-Organization-Id": {organization}}
		_, err := identity.ReadCredentials(h)
		if err == nil {
			_, keyErr := apikey.ParseSecret(strings.TrimSpace(apiKey))
			if strings.TrimSpace(apiKey) != "" && keyErr != nil {
				t.Error("a malformed X-API-Key was accepted")
			}
			return
		}
		failed := failure.Of(err)
		if failed == nil || failed.Kind != failure.Unauthenticated && failed.Kind != failure.Invalid {
			t.Fatalf("got %v", err)
		}
		for _, v := range []string{authorization, apiKey} {
			if len(v) > 24 && strings.Contains(err.Error(), v) {
				t.Errorf("the failure repeats what came: %v", err)
			}
		}
	})
}
