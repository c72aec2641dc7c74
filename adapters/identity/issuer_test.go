package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/perfectworks/backend/adapters/identity"
)

const audience = "test-audience"

// testIssuer is an OpenID Connect issuer over HTTP that can rotate its keys, be
// away, and misbehave.
type testIssuer struct {
	*httptest.Server
	t testing.TB

	keyRequests atomic.Int64

	mu         sync.Mutex
	announced  []string
	published  []any // each a jose.JSONWebKey, or anything else
	away       bool  // nothing is answered
	keysAway   bool
	keysURL    string
	issuerName string
	discovery  string // answered in place of all that

	issuedAt time.Time // of all tokens
}

func newTestIssuer(tb testing.TB) *testIssuer {
	tb.Helper()
	i := &testIssuer{t: tb, announced: []string{"RS256", "ES256", "EdDSA", "HS256", "none"}}
	i.Server = httptest.NewServer(i)
	tb.Cleanup(i.Close)
	i.keysURL, i.issuerName = i.URL+"/keys", i.URL
	i.issuedAt = time.Now().UTC().Truncate(time.Second)
	return i
}

func (i *testIssuer) set(change func(*testIssuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *testIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.away:
		http.Error(w, "away", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration" && i.discovery != "":
		_, _ = io.WriteString(w, i.discovery)
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.issuerName, "jwks_uri": i.keysURL, "id_token_signing_alg_values_supported": i.announced,
		})
	case r.URL.Path == "/keys":
		i.keyRequests.Add(1)
		if i.keysAway {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.published})
	default:
		http.NotFound(w, r)
	}
}

// signingKey is a key and the algorithm it is used with.
type signingKey struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func newKey(tb testing.TB, id string, algorithm jose.SignatureAlgorithm) signingKey {
	tb.Helper()
	var private crypto.Signer
	var err error
	switch algorithm {
	case jose.RS256, jose.PS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		tb.Fatalf("no key for %s", algorithm)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return signingKey{id, algorithm, private}
}

func (k signingKey) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"}
}

// publish makes these the issuer's keys.
func (i *testIssuer) publish(keys ...signingKey) {
	i.set(func(i *testIssuer) {
		i.published = nil
		for _, k := range keys {
			i.published = append(i.published, k.public())
		}
	})
}

// claims of a good token, to be changed by tests.
func (i *testIssuer) claims() map[string]any {
	return map[string]any{
		"iss": i.URL, "sub": "subject-1", "aud": audience,
		"iat": i.issuedAt.Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"email": "Ada@Example.com", "email_verified": true,
	}
}

func sign(tb testing.TB, k signingKey, claims map[string]any) string {
	tb.Helper()
	return signWith(tb, jose.SigningKey{Algorithm: k.algorithm, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, claims)
}

// signText signs a payload as it stands.
func signText(tb interface {
	Helper()
	Fatal(args ...any)
}, k signingKey, payload string,
) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	jws, err := signer.Sign([]byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func signWith(tb testing.TB, key jose.SigningKey, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// hasher is a keyed hash like the keyring's.
type hasher string

func (h hasher) Hash(purpose, value string) string {
	mac := hmac.New(sha256.New, []byte(h))
	_, _ = io.WriteString(mac, purpose+"\x00"+value)
	return hex.EncodeToString(mac.Sum(nil))
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (i *testIssuer) config() identity.TokensConfig {
	return identity.TokensConfig{Issuer: i.URL, Audience: audience, Hasher: hasher("secret"), Logger: discard()}
}

// run starts the tokens of an issuer for the time of the test.
func run(tb testing.TB, c identity.TokensConfig) *identity.Tokens {
	tb.Helper()
	tokens, err := identity.NewTokens(c)
	if err != nil {
		tb.Fatal(err)
	}
	background(tb, tokens.Run)
	return tokens
}

// ready is run, and waits until the issuer is known.
func ready(tb testing.TB, c identity.TokensConfig) *identity.Tokens {
	tb.Helper()
	tokens := run(tb, c)
	eventually(tb, func() bool { return tokens.Ready() == nil })
	return tokens
}

// background runs f until the test ends, and waits for it.
func background(tb testing.TB, f func(context.Context)) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
}

// eventually waits for a condition, ten seconds at most.
func eventually(tb testing.TB, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatal("the condition did not come true within ten seconds")
		}
		<-time.After(2 * time.Millisecond)
	}
}
