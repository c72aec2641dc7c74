package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DevelopmentAudience is what the tokens of a development issuer are meant for.
const DevelopmentAudience = "perfectworks"

// developmentHost is the host in a development issuer's address. Names under
// localhost belong to no one else (RFC 6761, section 6.3). The port is left out,
// for it changes; Client knows it.
const developmentHost = "http://perfectworks.localhost/"

const stopTimeout = 5 * time.Second

// DevelopmentIssuer is an OpenID Connect issuer for one machine: it serves its
// announcements and its key, and signs for anybody who can read the data
// folder. Each data folder has an issuer of its own, which is the same after a
// restart.
type DevelopmentIssuer struct {
	key      developmentKey
	listener net.Listener
}

// ListenDevelopmentIssuer takes an address, which must be a loopback one, such
// as 127.0.0.1:0. Serve then answers; Close gives the address up when Serve is
// never called.
func ListenDevelopmentIssuer(ctx context.Context, dataDir, addr string) (*DevelopmentIssuer, error) {
	key, err := loadDevelopmentKey(dataDir)
	if err != nil {
		return nil, err
	}
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("resolve the development issuer's address: %w", err)
	}
	if !tcp.IP.IsLoopback() {
		return nil, errors.New("the development issuer vouches for anybody: it listens on a loopback address only")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", tcp.String())
	if err != nil {
		return nil, fmt.Errorf("listen for the development issuer: %w", err)
	}
	return &DevelopmentIssuer{key, listener}, nil
}

// Issuer is the address that tokens name. It is a name only: what it stands for
// is served at Addr.
func (d *DevelopmentIssuer) Issuer() string { return d.key.issuer() }

// Addr is the host and port where the issuer answers.
func (d *DevelopmentIssuer) Addr() string { return d.listener.Addr().String() }

// Client reaches the issuer by its name, and nothing else.
func (d *DevelopmentIssuer) Client() *http.Client {
	dialer := &net.Dialer{}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, d.Addr())
		},
	}}
}

// Serve answers until ctx ends.
func (d *DevelopmentIssuer) Serve(ctx context.Context) error {
	server := &http.Server{Handler: d.key.handler(), ReadHeaderTimeout: stopTimeout}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	err := server.Serve(d.listener)
	if !stop() {
		err = <-stopped
	}
	if err != nil {
		return fmt.Errorf("serve the development issuer: %w", err)
	}
	return nil
}

// Close gives up the address.
func (d *DevelopmentIssuer) Close() error { return d.listener.Close() }

// MintToken signs a token of a data folder's development issuer, whether or not
// a server runs there.
func MintToken(dataDir, subject, email string, verified bool, ttl time.Duration) (string, error) {
	if subject == "" {
		return "", errors.New("a token needs a subject")
	}
	key, err := loadDevelopmentKey(dataDir)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return key.sign(claims{
		Claims: jwt.Claims{
			Issuer: key.issuer(), Subject: subject, Audience: jwt.Audience{DevelopmentAudience},
			Expiry: jwt.NewNumericDate(now.Add(ttl)),
		},
		IssuedAt: instant{now}, Email: email, EmailVerified: yesOrNo(verified),
	})
}

func (k developmentKey) issuer() string { return developmentHost + k.thumbprint }

func (k developmentKey) sign(c claims) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.private, KeyID: k.thumbprint}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	token, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// handler serves OpenID Connect Discovery, section 4, and the key set.
func (k developmentKey) handler() http.Handler {
	path := "/" + k.thumbprint
	mux := http.NewServeMux()
	serve := func(pattern string, body any) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(body); err != nil {
				panic(http.ErrAbortHandler) // The reader is gone.
			}
		})
	}
	serve(path+"/.well-known/openid-configuration", map[string]any{
		"issuer":                                k.issuer(),
		"jwks_uri":                              k.issuer() + "/keys",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []jose.SignatureAlgorithm{jose.ES256},
		"claims_supported":                      strings.Fields("iss sub aud exp iat email email_verified"),
	})
	serve(path+"/keys", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: k.private.Public(), KeyID: k.thumbprint, Algorithm: string(jose.ES256), Use: "sig",
	}}})
	return mux
}
