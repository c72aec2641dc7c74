package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/perfectworks/backend/domain/failure"
)

const (
	// refreshEvery is how often the issuer's announcements and keys are read
	// again, so that a withdrawn key stops working without a restart.
	refreshEvery = 15 * time.Minute
	// firstRetry and lastRetry bound the pause after a failed attempt.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	// fetchTimeout bounds one request to the issuer.
	fetchTimeout = 10 * time.Second
)

// asymmetric are the algorithms that can be accepted at all. A symmetric one
// would make the issuer's public key a secret, and "none" makes no proof.
var asymmetric = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// issuer is what is known of an OpenID Connect issuer: nothing at first, for it
// may be away when the server starts.
type issuer struct {
	url    string
	client *http.Client
	logger *slog.Logger

	known  atomic.Pointer[provider]
	reason atomic.Pointer[error] // why nothing is known yet
}

// provider is an issuer that has been discovered.
type provider struct {
	algorithms []jose.SignatureAlgorithm
	keys       *keySet
}

func newIssuer(rawURL string, client *http.Client, logger *slog.Logger) (*issuer, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the OpenID Connect issuer must be an http or https address")
	}
	i := &issuer{url: rawURL, client: bounded(client), logger: logger}
	err = errors.New("not asked yet")
	i.reason.Store(&err)
	return i, nil
}

// ready tells why tokens cannot be checked yet, or nil.
func (i *issuer) ready() error {
	if i.known.Load() != nil {
		return nil
	}
	away := failure.New(failure.Unavailable, ErrIssuerUnavailable.Code,
		"the OpenID Connect issuer "+i.url+" has not been reached yet")
	return fmt.Errorf("%w: %w", away, *i.reason.Load())
}

// run discovers the issuer, however long that takes, and keeps what is known of
// it up to date until ctx ends.
func (i *issuer) run(ctx context.Context) {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = firstRetry, lastRetry
	for {
		pause := refreshEvery
		if err := i.refresh(ctx); err == nil {
			retry.Reset()
		} else if ctx.Err() == nil {
			i.reason.Store(&err)
			pause = retry.NextBackOff()
			i.logger.WarnContext(ctx, "the OpenID Connect issuer cannot be read",
				"issuer", i.url, "error", err, "retryIn", pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// refresh reads the announcements and the keys. What was known stays when that
// fails.
func (i *issuer) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	discovered, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.url)
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	announced, err := readAnnouncements(discovered)
	if err != nil {
		return fmt.Errorf("read the announcements: %w", err)
	}
	if announced.Issuer != i.url {
		return errors.New("the announced issuer is another one")
	}
	algorithms := slices.DeleteFunc(announced.Algorithms, func(a jose.SignatureAlgorithm) bool {
		return !slices.Contains(asymmetric, a)
	})
	if len(algorithms) == 0 {
		return errors.New("it announces no asymmetric algorithm for signing")
	}
	if err := i.checkKeysURL(announced.KeysURL); err != nil {
		return err
	}
	keys := newKeySet(announced.KeysURL, i.client, algorithms)
	if err := keys.fetch(ctx); err != nil {
		return err
	}
	if i.known.Swap(&provider{algorithms: algorithms, keys: keys}) == nil {
		i.logger.InfoContext(ctx, "the OpenID Connect issuer is known", "issuer", i.url)
	}
	return nil
}

// announcements are what matters of OpenID Connect Discovery, section 3.
type announcements struct {
	Issuer     string                    `json:"issuer"`
	KeysURL    string                    `json:"jwks_uri"`
	Algorithms []jose.SignatureAlgorithm `json:"id_token_signing_alg_values_supported"`
}

// readAnnouncements reads by exact names what the library has read in any letter
// case.
func readAnnouncements(p *oidc.Provider) (announcements, error) {
	var text json.RawMessage
	if err := p.Claims(&text); err != nil {
		return announcements{}, err
	}
	var a announcements
	err := decodeExactly(text, &a)
	return a, err
}

// checkKeysURL refuses keys over a connection that is weaker than the issuer's
// own.
func (i *issuer) checkKeysURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("it announces no address of its keys")
	}
	own, err := url.Parse(i.url)
	if err != nil {
		return fmt.Errorf("parse the issuer's address: %w", err)
	}
	if own.Scheme == "https" && u.Scheme != "https" {
		return errors.New("it announces its keys at an address without https")
	}
	return nil
}
