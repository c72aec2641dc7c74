package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/app"
)

func production() app.Settings {
	return app.Settings{
		Environment: app.Production,
		DatabaseURL: "postgres://u:p@db/perfectworks", EventStoreURL: "esdb://u:p@store:2113",
		OIDCIssuer: "https://securetoken.google.com/project", OIDCAudience: "project",
		BlobURL:        "s3://files?region=eu-central-1",
		KMSURL:         "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		ErasureJournal: "/var/lib/perfectworks/erasures.journal",
		StatementKey:   "/etc/perfectworks/statement.pem",
		EvidenceURL:    "s3://evidence?region=eu-central-1",
		CheckpointKey:  "/etc/perfectworks/checkpoint.key",
		SMTPURL:        "smtps://u:p@mail.example", MailFrom: "no-reply@example.com", InvitationURL: "https://app.example/join",

		StripeSecretKey: "sk_live_1", StripeWebhookSecrets: []string{"whsec_1"}, PublicURL: "https://app.example.com",
	}
}

// Production refuses, by name, each default that is not safe there.
func TestProductionRefusesUnsafeDefaults(t *testing.T) {
	t.Parallel()
	if err := production().Check(); err != nil {
		t.Fatalf("safe settings are refused: %v", err)
	}
	for _, safe := range []func(*app.Settings){
		func(s *app.Settings) { s.DatabaseURL = "postgres://u:p@db/perfectworks?sslmode=verify-full" },
		func(s *app.Settings) {
			s.DatabaseURL = "postgres://u:p@/perfectworks?host=/run/postgresql&sslmode=disable"
		},
		func(s *app.Settings) { s.EventStoreURL = "" },
		func(s *app.Settings) { s.EventStoreURL = "esdb://u:p@store:2113?tls=true&tlsVerifyCert=true" },
		func(s *app.Settings) { s.OIDCIssuer = "HTTPS://issuer.example" },
		func(s *app.Settings) { s.BlobURL = "file:///var/lib/perfectworks/objects" },
		func(s *app.Settings) { s.BlobURL = "gs://files" },
		func(s *app.Settings) { s.BlobURL = "s3://files?endpoint=https://store.example&use_path_style=true" },
		func(s *app.Settings) { s.MaxFileSize = 5 << 30 },
	} {
		s := production()
		safe(&s)
		if err := s.Check(); err != nil {
			t.Errorf("safe settings are refused: %v", err)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*app.Settings)
	}{
		{"DATABASE_URL", func(s *app.Settings) { s.DatabaseURL = "" }},
		{"DATABASE_URL", func(s *app.Settings) { s.DatabaseURL = "postgres://u:c2VjcmV0@db/x?sslmode=disable" }},
		{"DATABASE_URL", func(s *app.Settings) { s.DatabaseURL = "postgres://u:c2VjcmV0@db/x?sslmode=Disable" }},
		{"DATABASE_URL", func(s *app.Settings) { s.DatabaseURL = "postgres://u:c2VjcmV0@db/x?SSLMODE=disable" }},
		{"DATABASE_URL", func(s *app.Settings) { s.DatabaseURL = "postgres://u:c2VjcmV0@db/x?sslmode=allow" }},
		{"PERFECTWORKS_ERASURE_JOURNAL", func(s *app.Settings) { s.ErasureJournal = "" }},
		{"PERFECTWORKS_STATEMENT_KEY", func(s *app.Settings) { s.StatementKey = "" }},
		{"PERFECTWORKS_EVIDENCE_URL", func(s *app.Settings) { s.EvidenceURL = "" }},
		{"PERFECTWORKS_EVIDENCE_URL", func(s *app.Settings) { s.EvidenceURL = "evidence" }},
		{"PERFECTWORKS_EVIDENCE_URL", func(s *app.Settings) { s.EvidenceURL = "s3://evidence?disable_https=true" }},
		{"PERFECTWORKS_CHECKPOINT_KEY", func(s *app.Settings) { s.CheckpointKey = "" }},
		{"PERFECTWORKS_CHECKPOINT_EVERY", func(s *app.Settings) { s.CheckpointEvery = time.Millisecond }},
		{"PERFECTWORKS_CHECKPOINT_EVERY", func(s *app.Settings) { s.CheckpointEvery = 48 * time.Hour }},
		{"SMTP_URL", func(s *app.Settings) { s.SMTPURL = "" }},
		{"SMTP_URL", func(s *app.Settings) { s.SMTPURL = "https://u:c2VjcmV0@mail" }},
		{"SMTP_URL", func(s *app.Settings) { s.SMTPURL = "smtp://u:c2VjcmV0@mail:many" }},
		{"PERFECTWORKS_MAIL_FROM", func(s *app.Settings) { s.MailFrom = "" }},
		{"PERFECTWORKS_MAIL_FROM", func(s *app.Settings) { s.MailFrom = "nobody" }},
		{"PERFECTWORKS_INVITATION_URL", func(s *app.Settings) { s.InvitationURL = "" }},
		{"PERFECTWORKS_INVITATION_URL", func(s *app.Settings) { s.InvitationURL = "http://app.example/join" }},
		{"PERFECTWORKS_INVITATION_URL", func(s *app.Settings) { s.InvitationURL = "https://app.example/join#x" }},
		{"PERFECTWORKS_INVITATION_URL", func(s *app.Settings) { s.InvitationURL = "/join" }},
		{"STRIPE_SECRET_KEY", func(s *app.Settings) { s.StripeSecretKey, s.StripeWebhookSecrets = "", nil }},
		{"STRIPE_SECRET_KEY", func(s *app.Settings) { s.StripeSecretKey = "sk_test_c2VjcmV0" }},
		{"STRIPE_WEBHOOK_SECRET", func(s *app.Settings) { s.StripeWebhookSecrets = nil }},
		{"STRIPE_WEBHOOK_SECRET", func(s *app.Settings) { s.StripeWebhookSecrets = []string{"whsec_c2VjcmV0", ""} }},
		{"PERFECTWORKS_PUBLIC_URL", func(s *app.Settings) { s.PublicURL = "" }},
		{"PERFECTWORKS_PUBLIC_URL", func(s *app.Settings) { s.PublicURL = "http://app.example.com" }},
		{"PERFECTWORKS_PUBLIC_URL", func(s *app.Settings) { s.PublicURL = "https://app.example.com/shop" }},
		{"PERFECTWORKS_PUBLIC_URL", func(s *app.Settings) { s.PublicURL = "//app.example.com" }},
		{"PERFECTWORKS_CATALOGUE", func(s *app.Settings) { s.Catalogue = "/nonexistent" }},
		{"PERFECTWORKS_SANDBOX_CHAOS", func(s *app.Settings) { s.SandboxChaos = "drops=2" }},
		{"PERFECTWORKS_SANDBOX_CHAOS", func(s *app.Settings) { s.SandboxChaos = "drop=1" }},
		{"PERFECTWORKS_SANDBOX_CHAOS", func(s *app.Settings) { s.SandboxChaos = "delay=-1s" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "files" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "ftp://u:c2VjcmV0@files" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "file://files" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "file:files" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "s3://" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "s3://files?disable_https=true" }},
		{"BLOB_URL", func(s *app.Settings) { s.BlobURL = "s3://files?endpoint=http://u:c2VjcmV0@store.example" }},
		{"PERFECTWORKS_MAX_FILE_SIZE", func(s *app.Settings) { s.MaxFileSize = -1 }},
		{"PERFECTWORKS_MAX_FILE_SIZE", func(s *app.Settings) { s.MaxFileSize = 5<<30 + 1 }},
		{"PERFECTWORKS_WELCOME_TOKENS", func(s *app.Settings) { n := int64(-1); s.WelcomeTokens = &n }},
		{"PERFECTWORKS_WELCOME_TOKENS", func(s *app.Settings) { n := int64(1e12 + 1); s.WelcomeTokens = &n }},
		{"PERFECTWORKS_WELCOME_VALIDITY", func(s *app.Settings) { s.WelcomeValidity = -1 }},
		{"PERFECTWORKS_LOW_BALANCE", func(s *app.Settings) { s.LowBalance = -1 }},
		{"KMS_URL", func(s *app.Settings) { s.KMSURL = "" }},
		{"KMS_URL", func(s *app.Settings) { s.KMSURL = "base64key://c2VjcmV0" }},
		{"KMS_URL", func(s *app.Settings) { s.KMSURL = "Base64Key://c2VjcmV0" }},
		{"KMS_URL", func(s *app.Settings) { s.KMSURL = " base64key://c2VjcmV0" }},
		{"KMS_URL", func(s *app.Settings) { s.KMSURL = "c2VjcmV0" }},
		{"OIDC_ISSUER", func(s *app.Settings) { s.OIDCIssuer, s.OIDCAudience = "", "" }},
		{"OIDC_ISSUER", func(s *app.Settings) { s.OIDCIssuer = "http://issuer" }},
		{"OIDC_ISSUER", func(s *app.Settings) { s.OIDCIssuer = "HTTP://issuer" }},
		{"OIDC_ISSUER", func(s *app.Settings) { s.OIDCIssuer = " https://issuer" }},
		{"OIDC_AUDIENCE", func(s *app.Settings) { s.OIDCAudience = "" }},
		{"EVENTSTORE_URL", func(s *app.Settings) { s.EventStoreURL = "esdb://store:2113?tls=false" }},
		{"EVENTSTORE_URL", func(s *app.Settings) { s.EventStoreURL = "esdb://store:2113?TLS=False" }},
		{"EVENTSTORE_URL", func(s *app.Settings) { s.EventStoreURL = "esdb://store:2113?tls=0" }},
		{"EVENTSTORE_URL", func(s *app.Settings) { s.EventStoreURL = "esdb://u:c2VjcmV0@store:2113?tlsVerifyCert=false" }},
		{"EVENTSTORE_URL", func(s *app.Settings) { s.EventStoreURL = "esdb+discover://u:c2VjcmV0@store:2113?TLSVERIFYCERT=FALSE" }},
	} {
		s := production()
		c.change(&s)
		err := s.Check()
		if err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("with an unsafe %s it says %v: %+v", c.name, err, s)
			continue
		}
		if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("it repeats the secret: %v", err)
		}
	}
}

func TestDataFolderIsOneThatNobodyElseCanChange(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	settings := app.Settings{Data: dir, DataFrom: "--data"}
	if _, err := settings.ExistingDataFolder(); !errors.Is(err, app.ErrNoDataFolder) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a folder that is absent: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading creates it")
	}
	if got, err := settings.DataFolder(); err != nil || got != dir {
		t.Fatalf("got %s, %v", got, err)
	}
	if _, err := settings.ExistingDataFolder(); !errors.Is(err, app.ErrNoDataFolder) {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.DataFolder(); err == nil || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("a folder that all can write to: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another user")
	}
	if err := errors.Join(os.Chmod(dir, 0o700), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	if _, err := settings.DataFolder(); err == nil || !strings.Contains(err.Error(), "belongs to the user") {
		t.Errorf("a folder of another user: %v", err)
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

// Real money is for production, and test money for everything else.
func TestDevelopmentTakesNoRealMoney(t *testing.T) {
	t.Parallel()
	s := app.Settings{Environment: app.Development, StripeSecretKey: "sk_test_1", StripeWebhookSecrets: []string{"whsec_1"}, SandboxChaos: "duplicates=0.1, drops=0.05,delay=2s,seed=3"}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"sk_live_1", "rk_live_1"} {
		s.StripeSecretKey = key
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), "STRIPE_SECRET_KEY") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
