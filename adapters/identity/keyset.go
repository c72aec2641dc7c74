package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const (
	// Unknown key ids make the keys be fetched again, at most a few times at
	// once and then this seldom: anybody can invent key ids.
	refetchEvery = 2 * time.Second
	refetchBurst = 5
)

var (
	errSignature       = errors.New("no key of the issuer fits the signature")
	errKeysUnavailable = errors.New("the issuer's keys cannot be fetched")
)

// keySet holds an issuer's public keys. It implements oidc.KeySet in place of
// the library's own, which fetches the keys again for every bad signature.
type keySet struct {
	url        string
	client     *http.Client
	algorithms []jose.SignatureAlgorithm
	limit      *rate.Limiter

	keys atomic.Pointer[[]jose.JSONWebKey]
	// turn lets one caller fetch at a time. It is a channel so that waiting for
	// it ends with the caller's context.
	turn chan struct{}
	// failure of the latest fetch; it belongs to the goroutine that has the turn.
	failure error
}

func newKeySet(url string, client *http.Client, algorithms []jose.SignatureAlgorithm) *keySet {
	return &keySet{
		url: url, client: client, algorithms: algorithms,
		limit: rate.NewLimiter(rate.Every(refetchEvery), refetchBurst),
		turn:  make(chan struct{}, 1),
	}
}

// VerifySignature returns the payload of a token that one of the keys signed.
// The error wraps errSignature, or errKeysUnavailable when the key id is
// unknown and the issuer cannot be asked about it.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, s.algorithms)
	if err != nil {
		return nil, fmt.Errorf("parse the token: %w", err)
	}
	seen := s.keys.Load()
	payload, known := verify(jws, *seen)
	if !known {
		if err := s.refetch(ctx, seen); err != nil {
			return nil, err
		}
		payload, _ = verify(jws, *s.keys.Load())
	}
	if payload == nil {
		return nil, errSignature
	}
	return payload, nil
}

// verify tries the keys that the token's header names, or all when it names
// none, and tells whether there was any.
func verify(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) (payload []byte, known bool) {
	header := jws.Signatures[0].Header
	for _, key := range keys {
		if header.KeyID != "" && header.KeyID != key.KeyID ||
			key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		known = true
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, known
}

// refetch fetches the keys unless somebody else did since they were seen, or
// the limit says that the latest answer is recent enough.
func (s *keySet) refetch(ctx context.Context, seen *[]jose.JSONWebKey) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errKeysUnavailable, ctx.Err())
	}
	if s.keys.Load() != seen {
		return nil
	}
	if s.limit.Allow() {
		s.failure = s.fetch(ctx)
	}
	return s.failure
}

func (s *keySet) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := s.download(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errKeysUnavailable, err)
	}
	s.keys.Store(&keys)
	return nil
}

func (s *keySet) download(ctx context.Context) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", s.url, res.Status)
	}
	text, err := io.ReadAll(res.Body) // bounded by the client
	if err != nil {
		return nil, fmt.Errorf("read the key set of %s: %w", s.url, err)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := decodeExactly(text, &set); err != nil {
		return nil, fmt.Errorf("decode the key set of %s: %w", s.url, err)
	}
	return usable(set.Keys), nil
}

// usable are the keys for signatures. RFC 7517, section 5: a reader ignores keys
// that it does not understand. A key that is not public fits none of the
// algorithms.
func usable(raw []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, one := range raw {
		var key jose.JSONWebKey
		if err := json.Unmarshal(one, &key); err == nil && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys
}
