// Package app puts the parts together: it reads the settings, chooses what is
// embedded and what is real, starts everything in order and stops it in
// reverse. Only the commands in cmd and end-to-end tests import it.
package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/perfectworks/backend/adapters/telemetry"
)

// Environment says how much is at stake.
type Environment string

// The environments. Production accepts no default that is not safe there, and
// makes live API keys; development makes test keys.
const (
	Development Environment = "development"
	Production  Environment = "production"
)

// Settings choose the parts. The zero value of each part's setting means the
// embedded part.
type Settings struct {
	Environment Environment `env:"PERFECTWORKS_ENV" envDefault:"development"`
	// Addr is the host and port to serve HTTP on.
	Addr string `env:"PERFECTWORKS_ADDR" envDefault:"127.0.0.1:8080"`
	// Data is the folder of everything embedded.
	Data string `env:"PERFECTWORKS_DATA" envDefault:".data"`

	DatabaseURL   string `env:"DATABASE_URL"`
	EventStoreURL string `env:"EVENTSTORE_URL"`
	OIDCIssuer    string `env:"OIDC_ISSUER"`
	OIDCAudience  string `env:"OIDC_AUDIENCE"`
	KMSURL        string `env:"KMS_URL"`

	LogLevel  string              `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat telemetry.LogFormat `env:"LOG_FORMAT" envDefault:"json"`
	// TraceEndpoint is an OTLP/HTTP collector, for example http://localhost:4318.
	TraceEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// TraceShare is the share of new traces that are sampled, from 0 to 1.
	TraceShare float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"0.01"`

	// Version of the program, as it shows in traces and the documentation.
	Version string `env:"-"`
}

// SettingsFromEnvironment reads the settings from environment variables. What
// is wrong with them is said all at once, and values are not echoed: some are
// secret.
func SettingsFromEnvironment() (Settings, error) {
	s, err := env.ParseAs[Settings]()
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	return s, nil
}

// Check tells all that is wrong with the settings, each by its name.
func (s Settings) Check() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if s.Environment != Development && s.Environment != Production {
		refuse("PERFECTWORKS_ENV is neither development nor production")
	}
	if s.TraceShare < 0 || s.TraceShare > 1 {
		refuse("OTEL_TRACES_SAMPLER_ARG lies outside 0 to 1")
	}
	if (s.OIDCIssuer == "") != (s.OIDCAudience == "") {
		refuse("OIDC_ISSUER and OIDC_AUDIENCE are set both or not at all")
	}
	if s.Environment == Production {
		for _, required := range []struct{ name, value string }{
			{"DATABASE_URL", s.DatabaseURL}, {"OIDC_ISSUER", s.OIDCIssuer}, {"KMS_URL", s.KMSURL},
		} {
			if required.value == "" {
				refuse("%s must be set in production: its default is for development", required.name)
			}
		}
		if strings.HasPrefix(s.KMSURL, "base64key:") {
			refuse("KMS_URL must not be a local key in production")
		}
		if strings.HasPrefix(s.OIDCIssuer, "http:") {
			refuse("OIDC_ISSUER must be https in production")
		}
		if strings.Contains(s.EventStoreURL, "tls=false") {
			refuse("EVENTSTORE_URL must not switch TLS off in production")
		}
	}
	return errors.Join(wrong...)
}

// DataFolder makes the data folder and returns its absolute path. Others may
// pass through it, as Postgres must when it runs as another user, but not look:
// what is secret in it is readable by its owner alone.
func (s Settings) DataFolder() (string, error) {
	dir, err := filepath.Abs(s.Data)
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // See above.
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	return dir, nil
}
