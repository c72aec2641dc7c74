package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/maypok86/otter/v2"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/reservation"
)

const (
	// clockLeeway is how far the issuer's clock may be ahead of ours: a token
	// "from the future" within it is good. Expiry has no leeway.
	clockLeeway = 30 * time.Second
	// maxToken is the length of the longest token that is looked at, in bytes.
	maxToken = 16 << 10
	// verifiedTokens and verifiedFor bound the cache of verified tokens. The
	// time is also how long a token outlives the withdrawal of its key, beside
	// refreshEvery.
	verifiedTokens = 64 << 10
	verifiedFor    = 5 * time.Minute
)

// Hasher makes keyed hashes of personal values. The same value under another
// purpose has another hash.
type Hasher interface {
	Hash(purpose, value string) string
}

// The purposes of the hashes in access.Identity.
const (
	PurposeSubject = "subject"
	PurposeEmail   = "email"
)

// TokensConfig says whose tokens are accepted.
type TokensConfig struct {
	// Issuer is the OpenID Connect issuer's address, exactly as its tokens name
	// it; for Firebase https://securetoken.google.com/<project>.
	Issuer string
	// Audience is what tokens must be meant for; for Firebase the project.
	Audience string
	// Client reaches the issuer; nil means a plain one.
	Client *http.Client
	Hasher Hasher
	Logger *slog.Logger
}

// Tokens checks the JSON Web Tokens of one OpenID Connect issuer. It is safe for
// concurrent use.
type Tokens struct {
	audience string
	issuer   *issuer
	hasher   Hasher
	cache    *otter.Cache[[sha256.Size]byte, *verifiedToken]
}

type verifiedToken struct {
	identity access.Identity
	expiry   time.Time
	// noticed says that Addresses knows of the token.
	noticed atomic.Bool
}

// NewTokens asks the issuer for nothing yet: Run does.
func NewTokens(c TokensConfig) (*Tokens, error) {
	if c.Audience == "" {
		return nil, errors.New("the OpenID Connect audience is not set")
	}
	i, err := newIssuer(c.Issuer, c.Client, c.Logger)
	if err != nil {
		return nil, err
	}
	cache, err := otter.New(&otter.Options[[sha256.Size]byte, *verifiedToken]{
		MaximumSize:      verifiedTokens,
		ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, *verifiedToken](verifiedFor),
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache of verified tokens: %w", err)
	}
	return &Tokens{audience: c.Audience, issuer: i, hasher: c.Hasher, cache: cache}, nil
}

// Run finds the issuer, however long that takes, and follows its keys until ctx
// ends.
func (t *Tokens) Run(ctx context.Context) { t.issuer.run(ctx) }

// Ready is nil once tokens can be checked, else the reason why they cannot: a
// failure that can be shown to anybody, with a cause for operators.
func (t *Tokens) Ready() error { return t.issuer.ready() }

// Verify returns whom the issuer vouches for. Its refusals are the failures of
// this package: Unauthenticated for the token, Unavailable for the issuer.
func (t *Tokens) Verify(ctx context.Context, token string) (access.Identity, error) {
	v, err := t.verified(ctx, token, func() error { return nil })
	if err != nil {
		return access.Identity{}, err
	}
	return v.identity, nil
}

// verified asks afford before it parses a token that it has not verified before.
func (t *Tokens) verified(ctx context.Context, token string, afford func() error) (*verifiedToken, error) {
	if len(token) > maxToken {
		return nil, ErrTokenMalformed
	}
	key := sha256.Sum256([]byte(token))
	if v, ok := t.cache.GetIfPresent(key); ok {
		if !time.Now().Before(v.expiry) {
			return nil, ErrTokenExpired
		}
		return v, nil
	}
	p := t.issuer.known.Load()
	if p == nil {
		return nil, ErrIssuerUnavailable
	}
	if err := afford(); err != nil {
		return nil, err
	}
	v, err := t.verify(ctx, p, token)
	if err != nil {
		return nil, err
	}
	t.cache.Set(key, v)
	return v, nil
}

// verify first looks at the claims as they stand, to give the clearest reason
// and to not ask an issuer about tokens of another. Who the token speaks for is
// then decided by the library, from the beginning.
func (t *Tokens) verify(ctx context.Context, p *provider, token string) (*verifiedToken, error) {
	// Only the compact form is a JWT: RFC 7519, section 3.
	jws, err := jose.ParseSignedCompact(token, p.algorithms)
	if err != nil {
		var algorithm *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &algorithm) {
			return nil, ErrTokenAlgorithm
		}
		return nil, ErrTokenMalformed
	}
	claimed, err := decodeClaims(jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, ErrTokenMalformed
	}
	if err := t.check(claimed); err != nil {
		return nil, err
	}
	keys := &keysOnce{keySet: p.keys}
	verifier := oidc.NewVerifier(t.issuer.url, keys, &oidc.Config{
		ClientID:             t.audience,
		SupportedSigningAlgs: algorithmNames(p.algorithms),
	})
	proven, err := verifier.Verify(ctx, token)
	switch {
	case errors.Is(keys.err, errKeysUnavailable):
		t.issuer.logger.WarnContext(ctx, "a token cannot be checked", "issuer", t.issuer.url, "error", keys.err)
		return nil, ErrIssuerUnavailable
	case err != nil && time.Now().Before(claimed.expiry()):
		return nil, ErrTokenSignature
	case err != nil:
		return nil, ErrTokenExpired
	}
	var payload json.RawMessage
	if err := proven.Claims(&payload); err != nil {
		return nil, ErrTokenMalformed
	}
	vouched, err := decodeClaims(payload)
	if err != nil || vouched.Subject != proven.Subject || vouched.Issuer != proven.Issuer {
		return nil, ErrTokenMalformed
	}
	return &verifiedToken{identity: t.identity(vouched), expiry: proven.Expiry}, nil
}

// check refuses what no signature could make good.
func (t *Tokens) check(c claims) error {
	now := time.Now()
	switch {
	case c.Subject == "" || c.Expiry == nil:
		return ErrTokenMalformed
	case c.Issuer != t.issuer.url:
		return ErrTokenIssuer
	case !slices.Contains(c.Audience, t.audience):
		return ErrTokenAudience
	case !now.Before(c.expiry()):
		return ErrTokenExpired
	case c.from().After(now.Add(clockLeeway)):
		return ErrTokenNotYetValid
	}
	return nil
}

func (t *Tokens) identity(c claims) access.Identity {
	// The address of an issuer holds no line break, so the pair is unambiguous.
	i := access.Identity{
		SubjectHash: t.hasher.Hash(PurposeSubject, c.Issuer+"\n"+c.Subject),
		IssuedAt:    c.IssuedAt.Time,
	}
	var wrong failure.Fields
	// An address that is none is not used for anything, and nobody is locked out
	// for it: the subject alone says who they are.
	if email := input.Email(&wrong, "email", c.Email); email != "" {
		i.Email = personal.New(email)
		i.EmailHash = t.hasher.Hash(PurposeEmail, reservation.FoldEmail(email))
		i.EmailVerified = bool(c.EmailVerified)
	}
	i.EmailInvalid = wrong.Err() != nil
	return i
}

// keysOnce remembers the error of one verification: the library passes on only
// its text.
type keysOnce struct {
	*keySet
	err error
}

func (k *keysOnce) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	payload, k.err = k.keySet.VerifySignature(ctx, token)
	return payload, k.err
}

func algorithmNames(algorithms []jose.SignatureAlgorithm) []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return names
}
