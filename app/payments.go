package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/stripe"
	"github.com/perfectworks/backend/adapters/stripe/sandbox"
	"github.com/perfectworks/backend/domain/payment"
)

// webhookPath is where the payment provider sends its webhooks.
const webhookPath = "/api/v0/payments/webhooks/stripe"

// sandboxTimeout bounds a call of the sandbox.
const sandboxTimeout = 10 * time.Second

// provider is the payment provider in use: Stripe, or the sandbox.
type provider struct {
	client    *stripe.Client
	webhooks  *stripe.Webhooks
	catalogue payment.Catalogue
	// publicURL is where browsers reach the product; empty in a process without an API
	// whose settings do not say.
	publicURL string
	// sandbox is nil where this process does not serve one.
	sandbox *sandboxServer
}

// openProvider chooses the payment provider. The address is that of the API,
// where the sandbox sends its webhooks; nil in a process that has none. With
// serve the process serves the sandbox, unless another one does.
func openProvider(ctx context.Context, settings Settings, dataFolder string, api net.Addr, serve bool, logger *slog.Logger) (*provider, error) {
	catalogue, err := settings.catalogue()
	if err != nil {
		return nil, err
	}
	options := stripe.Options{
		SecretKey: settings.StripeSecretKey, PublicURL: settings.publicURL(api), AutomaticTax: settings.StripeAutomaticTax,
	}
	if settings.StripeSecretKey != "" {
		return &provider{
			client: stripe.New(options), catalogue: catalogue, publicURL: options.PublicURL,
			webhooks: stripe.NewWebhooks(settings.StripeWebhookSecrets, stripe.IsLive(settings.StripeSecretKey)),
		}, nil
	}
	folder := filepath.Join(dataFolder, sandboxFolder)
	keys, err := sandboxKeysIn(folder)
	if err != nil {
		return nil, err
	}
	options.SecretKey, options.APIURL = keys.SecretKey, sandboxHost
	options.HTTPClient = &http.Client{Timeout: sandboxTimeout, Transport: toSandbox{folder, http.DefaultTransport}}
	p := &provider{
		client: stripe.New(options), catalogue: catalogue, publicURL: options.PublicURL,
		webhooks: stripe.NewWebhooks([]string{keys.WebhookSecret}, false),
	}
	if !serve {
		return p, nil
	}
	chaos, err := parseChaos(settings.SandboxChaos)
	if err != nil {
		return nil, err
	}
	p.sandbox = &sandboxServer{
		folder: folder, logger: logger, addr: settings.SandboxAddr,
		options: sandbox.Options{
			SecretKey: keys.SecretKey, WebhookSecrets: []string{keys.WebhookSecret}, Chaos: chaos, Logger: logger,
		},
	}
	if p.sandbox.addr == "" {
		p.sandbox.addr = "127.0.0.1:0"
	}
	if api != nil {
		p.sandbox.options.WebhookURL = "http://" + reachable(api) + webhookPath
	}
	// Most often nobody else serves it: then it is there before the first request.
	_, err = p.sandbox.tryOpen(ctx)
	return p, err
}

// publicURL is where browsers reach the product.
func (s Settings) publicURL(api net.Addr) string {
	if s.PublicURL != "" || api == nil {
		return s.PublicURL
	}
	return "http://" + reachable(api)
}

// reachable is an address that this machine reaches a listener by.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func (p *provider) close() error {
	if p == nil || p.sandbox == nil {
		return nil
	}
	return p.sandbox.close()
}

// checkPayments tells what is wrong with the settings of payments. Test money
// and real money never mix: keys of live mode are for production, and only they.
func (s Settings) checkPayments() error {
	var wrong []error
	refuse := func(broken bool, text string) {
		if broken {
			wrong = append(wrong, errors.New(text))
		}
	}
	if _, err := s.catalogue(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := parseChaos(s.SandboxChaos); err != nil {
		wrong = append(wrong, fmt.Errorf("PERFECTWORKS_SANDBOX_CHAOS: %w", err))
	}
	u, err := url.Parse(s.PublicURL)
	refuse(s.PublicURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil),
		"PERFECTWORKS_PUBLIC_URL is not an address such as https://app.example.com, without a path")
	refuse((s.StripeSecretKey == "") != (len(s.StripeWebhookSecrets) == 0), "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are set both or not at all")
	refuse(slices.ContainsFunc(s.StripeWebhookSecrets, func(secret string) bool { return strings.TrimSpace(secret) == "" }),
		"STRIPE_WEBHOOK_SECRET holds an empty secret")
	live := stripe.IsLive(s.StripeSecretKey)
	refuse(live && s.Environment != Production, "STRIPE_SECRET_KEY is a key of live mode: that is for production")
	refuse(!live && s.StripeSecretKey != "" && s.Environment == Production, "STRIPE_SECRET_KEY must be a key of live mode in production")
	refuse(s.Environment == Production && s.PublicURL != "" && u != nil && u.Scheme != "https", "PERFECTWORKS_PUBLIC_URL must be https in production")
	return errors.Join(wrong...)
}
