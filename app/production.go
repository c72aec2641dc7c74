package app

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/loopback"
	"github.com/perfectworks/backend/adapters/postgres"
)

// checkProduction refuses what is not safe in production. It asks those who read
// the settings what they make of them, so that no spelling gets past it.
func (s Settings) checkProduction(refuse func(format string, args ...any)) {
	for _, required := range []struct{ name, value string }{
		{"DATABASE_URL", s.DatabaseURL},
		{"OIDC_ISSUER", s.OIDCIssuer},
		{"KMS_URL", s.KMSURL},
		{"BLOB_URL", s.BlobURL},
		{"PERFECTWORKS_ERASURE_JOURNAL", s.ErasureJournal},
		{"PERFECTWORKS_STATEMENT_KEY", s.StatementKey},
		{"PERFECTWORKS_EVIDENCE_URL", s.EvidenceURL},
		{"PERFECTWORKS_CHECKPOINT_KEY", s.CheckpointKey},
		{"SMTP_URL", s.SMTPURL},
		{"PERFECTWORKS_MAIL_FROM", s.MailFrom},
		{"PERFECTWORKS_INVITATION_URL", s.InvitationURL},
		{"STRIPE_SECRET_KEY", s.StripeSecretKey},
		{"PERFECTWORKS_PUBLIC_URL", s.PublicURL},
	} {
		if required.value == "" {
			refuse("%s must be set in production: its default is for development", required.name)
		}
	}
	if s.DatabaseURL != "" {
		if err := postgres.CheckEncrypted(s.DatabaseURL); err != nil {
			refuse("DATABASE_URL must be encrypted in production: %w", err)
		}
	}
	for _, bucket := range []struct{ name, url string }{{"BLOB_URL", s.BlobURL}, {"PERFECTWORKS_EVIDENCE_URL", s.EvidenceURL}} {
		if !isPrivateBucket(bucket.url) {
			refuse("%s must be encrypted in production", bucket.name)
		}
	}
	if s.EventStoreURL != "" {
		if err := eventstore.CheckEncrypted(s.EventStoreURL); err != nil {
			refuse("EVENTSTORE_URL must be encrypted in production: %w", err)
		}
	}
	if s.OIDCIssuer != "" && schemeOf(s.OIDCIssuer) != "https" {
		refuse("OIDC_ISSUER must be https in production")
	}
	// Traces hold routes, ids and addresses, and a page that can be changed on its way
	// can send what the API answers elsewhere.
	if s.TraceEndpoint != "" && !isPrivate(s.TraceEndpoint) {
		refuse("OTEL_EXPORTER_OTLP_ENDPOINT must be https in production, or an address of this machine")
	}
	for _, origin := range s.CORSOrigins {
		if !isPrivate(strings.TrimSpace(origin)) {
			refuse("PERFECTWORKS_CORS_ORIGINS must be https in production")
			break
		}
	}
	if s.InvitationURL != "" && schemeOf(s.InvitationURL) != "https" {
		refuse("PERFECTWORKS_INVITATION_URL must be https in production")
	}
	switch schemeOf(s.KMSURL) {
	case "base64key":
		refuse("KMS_URL must not be a local key in production")
	case "":
		if s.KMSURL != "" {
			refuse("KMS_URL must be a URL of a key management service in production")
		}
	}
}

// isPrivate reports whether what is sent to a URL cannot be read on its way: it is
// https, or does not leave this machine.
func isPrivate(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback.Host(u.Hostname())
}

// isPrivateBucket reports whether what is sent to the store of a URL cannot be read on
// its way.
func isPrivateBucket(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	plain, _ := strconv.ParseBool(u.Query().Get("disable_https"))
	endpoint := u.Query().Get("endpoint")
	return !plain && (endpoint == "" || isPrivate(endpoint))
}

// schemeOf is the scheme of a URL in lower case, or empty.
func schemeOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Scheme
}
