package identity_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/personal"
)

func TestVerifyAcceptsWhatTheIssuerSigned(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			issuer := newTestIssuer(t)
			key := newKey(t, "k1", algorithm)
			issuer.publish(key)
			tokens := ready(t, issuer.config())

			want := access.Identity{
				SubjectHash: hasher("secret").Hash("subject", issuer.URL+"\nsubject-1"),
				Email:       personal.New("Ada@Example.com"),
				EmailHash:   hasher("secret").Hash("email", "ada@example.com"), EmailVerified: true,
				IssuedAt: issuer.issuedAt,
			}
			token := sign(t, key, issuer.claims())
			for range 2 { // The second time from the cache.
				got, err := tokens.Verify(t.Context(), token)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("identity (-want +got):\n%s", diff)
				}
			}
			if n := issuer.keyRequests.Load(); n != 1 {
				t.Errorf("the keys were fetched %d times, want once", n)
			}
		})
	}
}

func TestVerifyReadsClaimsAsProvidersWriteThem(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	for name, c := range map[string]struct {
		change   func(map[string]any)
		email    string
		verified bool
	}{
		"several audiences":     {func(c map[string]any) { c["aud"] = []string{"other", audience} }, "Ada@Example.com", true},
		"verified as a text":    {func(c map[string]any) { c["email_verified"] = "true" }, "Ada@Example.com", true},
		"unverified as a text":  {func(c map[string]any) { c["email_verified"] = "false" }, "Ada@Example.com", false},
		"verified left out":     {func(c map[string]any) { delete(c, "email_verified") }, "Ada@Example.com", false},
		"no email":              {func(c map[string]any) { delete(c, "email") }, "", false},
		"no time of issue":      {func(c map[string]any) { delete(c, "iat") }, "Ada@Example.com", true},
		"a clock a bit ahead":   {func(c map[string]any) { c["iat"] = time.Now().Add(20 * time.Second).Unix() }, "Ada@Example.com", true},
		"expiry with fractions": {func(c map[string]any) { c["exp"] = float64(time.Now().Add(time.Hour).Unix()) + 0.5 }, "Ada@Example.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := issuer.claims()
			c.change(claims)
			got, err := tokens.Verify(t.Context(), sign(t, key, claims))
			if err != nil {
				t.Fatal(err)
			}
			if got.Email.Reveal() != c.email || got.EmailVerified != c.verified || (got.EmailHash == "") != (c.email == "") {
				t.Errorf("got %q %v", got.Email.Reveal(), got.EmailVerified)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	rs, es, stranger := newKey(t, "rs", jose.RS256), newKey(t, "es", jose.ES256), newKey(t, "es", jose.ES256)
	issuer.publish(rs, es)
	var logged bytes.Buffer
	config := issuer.config()
	config.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tokens := ready(t, config)

	with := func(name string, value any) map[string]any {
		claims := issuer.claims()
		claims[name] = value
		return claims
	}
	der, err := x509.MarshalPKIXPublicKey(rs.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := sign(t, es, issuer.claims())
	parts := strings.Split(good, ".")
	t.Cleanup(func() { // After all of the following.
		for _, secret := range []string{parts[1], parts[2], "Ada", "subject-1"} {
			if strings.Contains(logged.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})

	for name, c := range map[string]struct {
		token string
		want  *failure.Failure
	}{
		"empty":              {"", identity.ErrTokenMalformed},
		"not a token":        {"hello", identity.ErrTokenMalformed},
		"two parts":          {parts[0] + "." + parts[1], identity.ErrTokenMalformed},
		"four parts":         {good + ".x", identity.ErrTokenMalformed},
		"not base64":         {"!." + parts[1] + "." + parts[2], identity.ErrTokenMalformed},
		"claims not JSON":    {parts[0] + "." + encode("hello") + "." + parts[2], identity.ErrTokenMalformed},
		"claims of no kind":  {parts[0] + "." + encode(`{"aud":{}}`) + "." + parts[2], identity.ErrTokenMalformed},
		"JSON serialization": {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, identity.ErrTokenMalformed},
		"too long":           {strings.Repeat("a", 17<<10), identity.ErrTokenMalformed},
		"no subject":         {sign(t, es, with("sub", "")), identity.ErrTokenMalformed},
		"no expiry":          {sign(t, es, with("exp", nil)), identity.ErrTokenMalformed},
		"other issuer":       {sign(t, es, with("iss", "https://example.com")), identity.ErrTokenIssuer},
		"issuer with slash":  {sign(t, es, with("iss", issuer.URL+"/")), identity.ErrTokenIssuer},
		"no issuer":          {sign(t, es, with("iss", "")), identity.ErrTokenIssuer},
		"other audience":     {sign(t, es, with("aud", "other")), identity.ErrTokenAudience},
		"no audience":        {sign(t, es, with("aud", []string{})), identity.ErrTokenAudience},
		"expired":            {sign(t, es, with("exp", time.Now().Add(-time.Second).Unix())), identity.ErrTokenExpired},
		"expires now":        {sign(t, es, with("exp", time.Now().Unix())), identity.ErrTokenExpired},
		"not before later":   {sign(t, es, with("nbf", time.Now().Add(time.Minute).Unix())), identity.ErrTokenNotYetValid},
		"issued later":       {sign(t, es, with("iat", time.Now().Add(time.Minute).Unix())), identity.ErrTokenNotYetValid},
		"other key":          {sign(t, stranger, issuer.claims()), identity.ErrTokenSignature},
		"other claims":       {parts[0] + "." + encodeJSON(t, with("sub", "subject-2")) + "." + parts[2], identity.ErrTokenSignature},
		"signature cut":      {parts[0] + "." + parts[1] + ".", identity.ErrTokenSignature},
		"unknown key":        {sign(t, newKey(t, "nobody", jose.ES256), issuer.claims()), identity.ErrTokenSignature},
		"no algorithm":       {encode(`{"alg":"none"}`) + "." + parts[1] + ".", identity.ErrTokenAlgorithm},
		"not announced":      {sign(t, newKey(t, "ps", jose.PS256), issuer.claims()), identity.ErrTokenAlgorithm},
		"symmetric with the public key": {
			signWith(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: "rs"}}, issuer.claims()),
			identity.ErrTokenAlgorithm,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // A refusal is not cached as its opposite.
				got, err := tokens.Verify(t.Context(), c.token)
				if !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if diff := cmp.Diff(access.Identity{}, got); diff != "" {
					t.Errorf("an identity beside the failure: %s", diff)
				}
			}
		})
	}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func encodeJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return encode(string(b))
}

func TestVerifyRefusesACachedTokenOnceExpired(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	claims := issuer.claims()
	expiry := time.Now().Add(2 * time.Second).Truncate(time.Second)
	claims["exp"] = expiry.Unix()
	token := sign(t, key, claims)
	accepted := 0
	eventually(t, func() bool {
		before := time.Now()
		_, err := tokens.Verify(t.Context(), token)
		if err == nil && !before.Before(expiry) {
			t.Error("accepted after its expiry")
		}
		if err == nil {
			accepted++
		}
		return errors.Is(err, identity.ErrTokenExpired)
	})
	if accepted < 2 {
		t.Errorf("accepted %d times before", accepted)
	}
}

func TestVerifyFollowsARotationAndBoundsTheFetches(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	before, after := newKey(t, "before", jose.ES256), newKey(t, "after", jose.ES256)
	issuer.publish(before)
	tokens := ready(t, issuer.config())
	if _, err := tokens.Verify(t.Context(), sign(t, before, issuer.claims())); err != nil {
		t.Fatal(err)
	}

	issuer.publish(after)
	if _, err := tokens.Verify(t.Context(), sign(t, after, issuer.claims())); err != nil {
		t.Fatalf("the new key is not accepted: %v", err)
	}
	claims := issuer.claims()
	claims["sub"] = "subject-2" // Not the cached token.
	if _, err := tokens.Verify(t.Context(), sign(t, before, claims)); !errors.Is(err, identity.ErrTokenSignature) {
		t.Errorf("the withdrawn key: %v", err)
	}

	for n := range 200 {
		invented := newKey(t, "invented", jose.ES256)
		invented.id += string(rune('a' + n%26))
		if _, err := tokens.Verify(t.Context(), sign(t, invented, issuer.claims())); !errors.Is(err, identity.ErrTokenSignature) {
			t.Fatal(err)
		}
	}
	if n := issuer.keyRequests.Load(); n > 10 {
		t.Errorf("200 invented key ids made %d requests to the issuer", n)
	}
}

func TestVerifyRecoversFromAnIssuerThatIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	issuer.set(func(i *testIssuer) { i.away = true })
	tokens := run(t, issuer.config())
	token := sign(t, key, issuer.claims())

	eventually(t, func() bool { return strings.Contains(tokens.Ready().Error(), "503") })
	if reason := failure.Of(tokens.Ready()); reason == nil || !strings.Contains(reason.Message, issuer.URL) {
		t.Errorf("the reason does not name the issuer: %v", reason)
	}
	_, err := tokens.Verify(t.Context(), token)
	if f := failure.Of(err); f == nil || f.Kind != failure.Unavailable {
		t.Fatalf("got %v", err)
	}

	issuer.set(func(i *testIssuer) { i.away = false })
	eventually(t, func() bool { return tokens.Ready() == nil })
	if _, err := tokens.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestVerifyTellsAnUnreachableIssuerFromABadToken(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	known, unknown := newKey(t, "known", jose.ES256), newKey(t, "unknown", jose.ES256)
	issuer.publish(known)
	tokens := ready(t, issuer.config())
	issuer.set(func(i *testIssuer) { i.keysAway = true })

	for range 20 { // Also once the limit of fetches is reached.
		_, err := tokens.Verify(t.Context(), sign(t, unknown, issuer.claims()))
		if !errors.Is(err, identity.ErrIssuerUnavailable) {
			t.Fatalf("an unknown key while the issuer is away: %v", err)
		}
	}
	if _, err := tokens.Verify(t.Context(), sign(t, known, issuer.claims())); err != nil {
		t.Errorf("a known key while the issuer is away: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokens.Verify(canceled, sign(t, unknown, issuer.claims())); !errors.Is(err, identity.ErrIssuerUnavailable) {
		t.Errorf("with a canceled context: %v", err)
	}
}

func TestReadyNamesWhatIsWrongWithAnIssuer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*testIssuer)
		want   string
	}{
		"another name":            {func(i *testIssuer) { i.issuerName = "https://example.com" }, "did not match"},
		"only symmetric":          {func(i *testIssuer) { i.announced = []string{"HS256", "none"} }, "asymmetric"},
		"no algorithm":            {func(i *testIssuer) { i.announced = nil }, "asymmetric"},
		"no address of keys":      {func(i *testIssuer) { i.keysURL = "" }, "address of its keys"},
		"keys away":               {func(i *testIssuer) { i.keysAway = true }, "502"},
		"an answer without bound": {func(i *testIssuer) { i.published = []any{strings.Repeat("x", 2<<20)} }, "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := newTestIssuer(t)
			issuer.set(c.change)
			tokens := run(t, issuer.config())
			eventually(t, func() bool { return strings.Contains(tokens.Ready().Error(), c.want) })
		})
	}
}

func TestVerifyIgnoresKeysThatAreNoneForSignatures(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key, encryption := newKey(t, "k1", jose.ES256), newKey(t, "k2", jose.ES256)
	secret := jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k3", Algorithm: "HS256"}
	private := jose.JSONWebKey{Key: newKey(t, "k4", jose.ES256).private, KeyID: "k4"}
	forEncryption := encryption.public()
	forEncryption.Use = "enc"
	issuer.set(func(i *testIssuer) {
		i.published = []any{
			map[string]any{"kty": "OKP", "crv": "Ed448", "x": "AAAA"}, "nonsense", secret, private, forEncryption, key.public(),
		}
	})
	tokens := ready(t, issuer.config())
	if _, err := tokens.Verify(t.Context(), sign(t, key, issuer.claims())); err != nil {
		t.Error(err)
	}
	if _, err := tokens.Verify(t.Context(), sign(t, encryption, issuer.claims())); !errors.Is(err, identity.ErrTokenSignature) {
		t.Errorf("a key for encryption: %v", err)
	}
}

func TestNewTokensRefusesBadSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]identity.TokensConfig{
		"no audience": {Issuer: "https://example.com"},
		"no issuer":   {Audience: audience},
		"no address":  {Audience: audience, Issuer: "example.com"},
		"no host":     {Audience: audience, Issuer: "https://"},
		"wrong kind":  {Audience: audience, Issuer: "file:///etc"},
	} {
		if _, err := identity.NewTokens(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	issuer := newTestIssuer(b)
	key := newKey(b, "k1", jose.ES256)
	issuer.publish(key)
	config := issuer.config()
	config.Client = http.DefaultClient
	tokens := ready(b, config)
	token := sign(b, key, issuer.claims())
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			if _, err := tokens.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
