package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/mail"
	"github.com/perfectworks/backend/adapters/stripe"
)

// services checks what is reached over the network, all at once.
func (f *findings) services(ctx context.Context, settings Settings) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var checks sync.WaitGroup
	for _, check := range []struct {
		set bool
		run func(context.Context, Settings)
	}{
		{settings.OIDCIssuer != "", f.issuer},
		{settings.BlobURL != "", func(ctx context.Context, s Settings) { f.objects(ctx, "store of files", s.BlobURL) }},
		{settings.EvidenceURL != "", func(ctx context.Context, s Settings) { f.objects(ctx, "store of checkpoints", s.EvidenceURL) }},
		{settings.SMTPURL != "", f.mailServer},
		{settings.StripeSecretKey != "", f.stripe},
		{settings.TraceEndpoint != "", f.traces},
	} {
		if check.set {
			checks.Go(func() { check.run(ctx, settings) })
		}
	}
	checks.Wait()
}

// maxDiscovery bounds what is read of an issuer's answer, in bytes.
const maxDiscovery = 1 << 20

// issuer asks the OpenID Connect issuer for its configuration, which must name itself.
// Its clock decides on the validity of tokens.
func (f *findings) issuer(ctx context.Context, settings Settings) {
	const check = "identity"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(settings.OIDCIssuer, "/")+"/.well-known/openid-configuration", nil)
	if f.failed(check, err) {
		return
	}
	asked := time.Now()
	response, err := http.DefaultClient.Do(request)
	if f.failed(check, err) {
		return
	}
	defer func() { _ = response.Body.Close() }() // It was only read.
	answered := time.Now()
	var announced struct {
		Issuer string `json:"issuer"`
	}
	switch err := json.NewDecoder(io.LimitReader(response.Body, maxDiscovery)).Decode(&announced); {
	case response.StatusCode != http.StatusOK:
		f.add(check, Broken, "OIDC_ISSUER answers %s", response.Status)
		return
	case err != nil:
		f.add(check, Broken, "OIDC_ISSUER does not answer with a configuration")
		return
	case announced.Issuer != settings.OIDCIssuer:
		f.add(check, Broken, "OIDC_ISSUER says that it is %q: tokens of it will be refused", announced.Issuer)
		return
	}
	f.add(check, Healthy, "OIDC_ISSUER answers")
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// The header is in whole seconds.
		f.clock("clock of the issuer", clockSkew(asked, at, answered), 2*time.Second)
	}
}

// probeKeys signs nothing: a probe needs no signed URLs.
type probeKeys struct{}

func (probeKeys) Hash(string, string) string { return "" }

// objects writes, reads and deletes a probe in a store.
func (f *findings) objects(ctx context.Context, check, storeURL string) {
	store, err := blob.Open(ctx, blob.Config{URL: storeURL, Keys: probeKeys{}})
	if f.failed(check, err) {
		return
	}
	defer func() { f.closed(store.Close()) }()
	began := time.Now()
	if err := probe(ctx, store); f.failed(check, err) {
		return
	}
	f.add(check, Healthy, "a probe was written, read and deleted in %s", time.Since(began).Round(time.Millisecond))
}

const probeText = "perfectworks doctor"

func probe(ctx context.Context, store *blob.Store) (err error) {
	key := "doctor/" + uuid.NewString()
	w, err := store.Create(ctx, key, "text/plain")
	if err != nil {
		return fmt.Errorf("write a probe: %w", err)
	}
	_, err = io.WriteString(w, probeText)
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write a probe: %w", err)
	}
	defer func() {
		if e := store.Delete(ctx, key); e != nil {
			err = errors.Join(err, fmt.Errorf("delete a probe: %w", e))
		}
	}()
	r, _, err := store.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("read a probe: %w", err)
	}
	text, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("read a probe: %w", err)
	}
	if string(text) != probeText {
		return errors.New("a probe was read that is not what was written")
	}
	return nil
}

func (f *findings) mailServer(ctx context.Context, settings Settings) {
	if !f.failed("mail", mail.Reach(ctx, settings.SMTPURL)) {
		f.add("mail", Healthy, "SMTP_URL takes the connection, with its credentials")
	}
}

// stripe asks the payment provider for the events from now on, of which there are none,
// by the key that the product uses.
func (f *findings) stripe(ctx context.Context, settings Settings) {
	client := stripe.New(stripe.Options{SecretKey: settings.StripeSecretKey})
	if !f.failed("payments", client.Events(ctx, time.Now().Add(time.Hour), func([]byte, stripe.Notice) error { return nil })) {
		f.add("payments", Healthy, "STRIPE_SECRET_KEY is taken")
	}
}

// traces opens a connection to the collector.
func (f *findings) traces(ctx context.Context, settings Settings) {
	const check = "traces"
	u, err := url.Parse(settings.TraceEndpoint)
	if f.failed(check, err) {
		return
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // A name of a port, too.
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		f.add(check, Doubtful, "OTEL_EXPORTER_OTLP_ENDPOINT does not answer, and traces are lost: %v", err)
		return
	}
	f.closed(conn.Close())
	f.add(check, Healthy, "OTEL_EXPORTER_OTLP_ENDPOINT takes the connection")
}
