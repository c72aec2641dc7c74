package app_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/app"
)

func production() app.Settings {
	return app.Settings{
		Environment: app.Production,
		DatabaseURL: "postgres://u:p@db/perfectworks", EventStoreURL: "esdb://u:p@store:2113",
		OIDCIssuer: "https://securetoken.google.com/project", OIDCAudience: "project",
		KMSURL: "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
	}
}

// Production refuses, by name, each default that is not safe there.
func TestProductionRefusesUnsafeDefaults(t *testing.T) {
	t.Parallel()
	if err := production().Check(); err != nil {
		t.Fatalf("safe settings are refused: %v", err)
	}
	for name, change := range map[string]func(*app.Settings){
		"DATABASE_URL":   func(s *app.Settings) { s.DatabaseURL = "" },
		"KMS_URL":        func(s *app.Settings) { s.KMSURL = "" },
		"KMS_URL ":       func(s *app.Settings) { s.KMSURL = "base64key://c2VjcmV0" },
		"OIDC_ISSUER":    func(s *app.Settings) { s.OIDCIssuer, s.OIDCAudience = "", "" },
		"OIDC_ISSUER ":   func(s *app.Settings) { s.OIDCIssuer = "http://issuer" },
		"OIDC_AUDIENCE":  func(s *app.Settings) { s.OIDCAudience = "" },
		"EVENTSTORE_URL": func(s *app.Settings) { s.EventStoreURL = "esdb://store:2113?tls=false" },
	} {
		s := production()
		change(&s)
		err := s.Check()
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("with an unsafe %s it says %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("it repeats the key: %v", err)
		}
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	err := app.Settings{Environment: "mars", TraceShare: 2, OIDCIssuer: "https://issuer"}.Check()
	for _, name := range []string{"PERFECTWORKS_ENV", "OTEL_TRACES_SAMPLER_ARG", "OIDC_AUDIENCE"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
