// Package app puts the parts together: it reads the settings, chooses what is
// embedded and what is real, starts everything in order and stops it in
// reverse. Only the commands in cmd and end-to-end tests import it.
package app

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
)

// Environment says how much is at stake.
type Environment string

// The environments. Production accepts no default that is not safe there, and
// makes live API keys; development makes test keys.
const (
	Development Environment = "development"
	Production  Environment = "production"
)

// LogLoss is what to do when the event log went back, because it was restored
// from a backup, lost its tail or was exchanged for another.
type LogLoss string

// The values of LogLoss.
const (
	// RebuildReadModels rebuilds read models and directory from the log as it is.
	RebuildReadModels LogLoss = "rebuild"
	// WaitForOperator serves the read models as they are, never as fresh, and
	// refuses credentials, until an operator has decided.
	WaitForOperator LogLoss = "wait"
	// AdoptLog is RebuildReadModels, and also takes another log for the right one,
	// which the other values refuse: for an event store that was exchanged on
	// purpose.
	AdoptLog LogLoss = "adopt"
)

// Settings choose the parts. The zero value of each part's setting means the
// embedded part.
type Settings struct {
	Environment Environment `env:"PERFECTWORKS_ENV" envDefault:"development"`
	// Addr is the host and port to serve HTTP on.
	Addr string `env:"PERFECTWORKS_ADDR" envDefault:"127.0.0.1:8080"`
	// AdminAddr is the host and port of what is for operators alone: metrics,
	// profiles, readiness in detail. Empty for none.
	AdminAddr string `env:"PERFECTWORKS_ADMIN_ADDR" envDefault:"127.0.0.1:8081"`
	// TrustedProxies are the addresses and networks of proxies that are believed
	// when they say whom they ask for, by X-Forwarded-For.
	TrustedProxies []string `env:"PERFECTWORKS_TRUSTED_PROXIES"`
	// CORSOrigins are the origins whose pages may call the API; none by default.
	CORSOrigins []string `env:"PERFECTWORKS_CORS_ORIGINS"`
	// RequestsPerCaller, RequestsPerOrganization and RequestsPerAddress are how
	// many requests a minute are served; the defaults of httpapi.RateLimits when
	// zero.
	RequestsPerCaller       int `env:"PERFECTWORKS_REQUESTS_PER_CALLER"`
	RequestsPerOrganization int `env:"PERFECTWORKS_REQUESTS_PER_ORGANIZATION"`
	RequestsPerAddress      int `env:"PERFECTWORKS_REQUESTS_PER_ADDRESS"`
	// ConcurrentRequests are how many requests may work at once; the default of
	// admission.Limits when zero.
	ConcurrentRequests int `env:"PERFECTWORKS_CONCURRENT_REQUESTS"`
	// Data is the folder of everything embedded.
	Data string `env:"PERFECTWORKS_DATA" envDefault:".data"`

	DatabaseURL   string `env:"DATABASE_URL"`
	EventStoreURL string `env:"EVENTSTORE_URL"`
	OIDCIssuer    string `env:"OIDC_ISSUER"`
	OIDCAudience  string `env:"OIDC_AUDIENCE"`
	KMSURL        string `env:"KMS_URL"`
	// BlobURL is the store of files: file:///a/folder, s3://… or gs://…. Without it
	// they are in the data folder.
	BlobURL string `env:"BLOB_URL"`
	// MaxFileSize bounds uploads, in bytes; the default of the API when zero.
	MaxFileSize int64 `env:"PERFECTWORKS_MAX_FILE_SIZE"`
	// FileGrace is how long the bytes of deleted files are kept.
	FileGrace time.Duration `env:"PERFECTWORKS_FILE_GRACE" envDefault:"720h"`
	// DocumentWorkers are how many documents this process works on at once; as many as
	// there are processors when zero. DocumentMemory is how many bytes they may take
	// together.
	DocumentWorkers int   `env:"PERFECTWORKS_DOCUMENT_WORKERS"`
	DocumentMemory  int64 `env:"PERFECTWORKS_DOCUMENT_MEMORY"`
	// DocumentsPerOrganization are how many documents of one organization are in the
	// queue of workers at once, in all processes; processing.DefaultShare of
	// DocumentWorkers when zero.
	DocumentsPerOrganization int `env:"PERFECTWORKS_DOCUMENTS_PER_ORGANIZATION"`
	// SMTPURL is the mail server, as smtps://user:password@host:465; without it
	// mails become files in the data folder.
	SMTPURL string `env:"SMTP_URL"`
	// MailFrom is the sender of mails, such as "PerfectWorks <no-reply@example.com>".
	MailFrom string `env:"PERFECTWORKS_MAIL_FROM"`
	// InvitationURL is the page on which an invitation is accepted: it gets the
	// token in the fragment, as #token=... Without it the mail shows the token.
	InvitationURL string `env:"PERFECTWORKS_INVITATION_URL"`

	// PublicURL is where browsers reach the product: the paths that payers return
	// to are below it, and so is the API, with our signed URLs. By default it is the
	// address of the API.
	PublicURL string `env:"PERFECTWORKS_PUBLIC_URL"`
	// Catalogue is a file with what is sold; the program has one by default.
	Catalogue string `env:"PERFECTWORKS_CATALOGUE"`
	// StripeSecretKey is that of the Stripe account that takes the money. Without it
	// there is a sandbox. StripeWebhookSecrets are the signing secrets of the webhook
	// endpoint: two while one is rotated.
	StripeSecretKey      string   `env:"STRIPE_SECRET_KEY"`
	StripeWebhookSecrets []string `env:"STRIPE_WEBHOOK_SECRET"`
	// StripeAutomaticTax lets Stripe add tax to prices.
	StripeAutomaticTax bool `env:"STRIPE_AUTOMATIC_TAX"`
	// WelcomeTokens is how many tokens a new organization is given, once for each
	// person: by default 1,000 in development and none in production. They can be
	// spent for WelcomeValidity; DefaultWelcomeValidity when zero.
	WelcomeTokens   *int64        `env:"PERFECTWORKS_WELCOME_TOKENS"`
	WelcomeValidity time.Duration `env:"PERFECTWORKS_WELCOME_VALIDITY"`
	// LowBalance is the number of available tokens below which an account is said
	// to be low; zero says never.
	LowBalance int64 `env:"PERFECTWORKS_LOW_BALANCE" envDefault:"100"`
	// SandboxAddr is the host and port of the payment sandbox, and SandboxChaos how
	// its webhooks are spoiled, such as "duplicates=0.1,drops=0.05,delay=2s".
	SandboxAddr  string `env:"PERFECTWORKS_SANDBOX_ADDR" envDefault:"127.0.0.1:8082"`
	SandboxChaos string `env:"PERFECTWORKS_SANDBOX_CHAOS"`

	// ReferralProgramme is a file with the terms of the referral programme; the
	// program has some by default. ReferralLanding is the page that links lead to
	// unless a campaign names another; by default it is the public address.
	// ReferralHosts are the hosts that campaigns may lead to beside.
	ReferralProgramme string   `env:"PERFECTWORKS_REFERRAL_PROGRAMME"`
	ReferralLanding   string   `env:"PERFECTWORKS_REFERRAL_LANDING"`
	ReferralHosts     []string `env:"PERFECTWORKS_REFERRAL_DESTINATIONS"`
	// ClickSync is how long a click on a referral link can be in memory alone, and
	// ClickSpool bounds the files that keep clicks while the event store does not take
	// them, in bytes; the defaults of clicks.SpoolOptions when zero. A visitor who
	// comes again within ClickWindow counts once. ClickJudge is how long after its end
	// a segment of clicks is judged.
	ClickSync   time.Duration `env:"PERFECTWORKS_CLICK_SYNC" envDefault:"100ms"`
	ClickSpool  int64         `env:"PERFECTWORKS_CLICK_SPOOL" envDefault:"1073741824"`
	ClickWindow time.Duration `env:"PERFECTWORKS_CLICK_WINDOW" envDefault:"30m"`
	ClickJudge  time.Duration `env:"PERFECTWORKS_CLICK_JUDGE" envDefault:"10s"`
	// ClickAgents is a file of parts of the agents of programs, one a line, beside those
	// that are known.
	ClickAgents string `env:"PERFECTWORKS_CLICK_AGENTS"`
	// CountryHeader is the field in which trusted proxies name the country of a
	// visitor, such as CF-IPCountry; empty for none.
	CountryHeader string `env:"PERFECTWORKS_COUNTRY_HEADER"`

	// WhenLogWentBack says what to do when the event log no longer holds what the
	// read models show.
	WhenLogWentBack LogLoss `env:"EVENTSTORE_WENT_BACK" envDefault:"rebuild"`

	LogLevel  string              `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat telemetry.LogFormat `env:"LOG_FORMAT" envDefault:"json"`
	// TraceEndpoint is an OTLP/HTTP collector, for example http://localhost:4318.
	TraceEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// TraceShare is the share of new traces that are sampled, from 0 to 1.
	TraceShare float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"0.01"`

	// Role is which parts this process runs; all when empty.
	Role Role `env:"PERFECTWORKS_ROLE"`

	// MaxAPIKeys bounds the living API keys of each owner in each organization,
	// MaxOrganizations the organizations that a person made and owns, and MaxCampaigns
	// the campaigns of a referrer that have not ended.
	MaxAPIKeys       int `env:"PERFECTWORKS_MAX_API_KEYS" envDefault:"100"`
	MaxOrganizations int `env:"PERFECTWORKS_MAX_ORGANIZATIONS" envDefault:"100"`
	MaxCampaigns     int `env:"PERFECTWORKS_MAX_CAMPAIGNS" envDefault:"100"`

	// UserGrace is how long a deactivated account can be restored. Then it is
	// erased.
	UserGrace time.Duration `env:"PERFECTWORKS_USER_GRACE" envDefault:"720h"`
	// ErasureJournal is the file that names whose keys were destroyed. All
	// processes on one database share it, and it must outlive the database. By
	// default it lies in the data folder.
	ErasureJournal string `env:"PERFECTWORKS_ERASURE_JOURNAL"`
	// BackupRetention is how long the operator keeps backups of the database, as
	// certificates of erasure state it.
	BackupRetention time.Duration `env:"PERFECTWORKS_BACKUP_RETENTION" envDefault:"720h"`
	// StatementKey is a file of Ed25519 keys in PEM form: the private one that signs
	// statements of token accounts, then those that signed before. By default it
	// lies in the data folder.
	StatementKey string `env:"PERFECTWORKS_STATEMENT_KEY"`
	// EvidenceURL is where checkpoints of the event log and their tree are stored:
	// file:///a/folder, s3://… or gs://…. Without it they are in the data folder, beside
	// what they protect. CheckpointKey is a file of keys: the private one that signs
	// checkpoints, then those that signed before; by default it lies in the data folder.
	// A checkpoint is taken every CheckpointEvery.
	EvidenceURL     string        `env:"PERFECTWORKS_EVIDENCE_URL"`
	CheckpointKey   string        `env:"PERFECTWORKS_CHECKPOINT_KEY"`
	CheckpointEvery time.Duration `env:"PERFECTWORKS_CHECKPOINT_EVERY" envDefault:"10m"`
	// RenewErasureJournal replaces a journal that is lost.
	RenewErasureJournal bool `env:"-"`

	// AuditAddresses is how long the audit log tells addresses and user agents; the
	// default of the API when zero.
	AuditAddresses time.Duration `env:"PERFECTWORKS_AUDIT_ADDRESSES"`

	// Version of the program, as it shows in traces and the documentation.
	Version string `env:"-"`

	// watch puts an observer of commands around that of the program; for tests.
	watch func(commands.Observer) commands.Observer

	// AddrFrom and DataFrom say what set Addr and Data, such as "--addr", for
	// errors; empty for the defaults.
	AddrFrom string `env:"-"`
	DataFrom string `env:"-"`
}

// SettingsFromEnvironment reads the settings from environment variables. An
// empty variable counts as absent. What is wrong with them is said all at once,
// and values are not echoed: some are secret.
func SettingsFromEnvironment() (Settings, error) {
	s, err := env.ParseAs[Settings]()
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", namingVariables(err))
	}
	if os.Getenv("PERFECTWORKS_ADDR") != "" {
		s.AddrFrom = "PERFECTWORKS_ADDR"
	}
	if os.Getenv("PERFECTWORKS_DATA") != "" {
		s.DataFrom = "PERFECTWORKS_DATA"
	}
	return s, nil
}

// namingVariables replaces the errors of the library, which name fields of the
// program and quote values.
func namingVariables(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var wrong []error
	for _, err := range all.Errors {
		var parse env.ParseError
		if !errors.As(err, &parse) {
			wrong = append(wrong, err)
			continue
		}
		name := parse.Name
		if field, ok := reflect.TypeFor[Settings]().FieldByName(parse.Name); ok {
			name, _, _ = strings.Cut(field.Tag.Get("env"), ",")
		}
		wrong = append(wrong, fmt.Errorf("%s does not have the form of a %s", name, formOf(parse.Type)))
	}
	return errors.Join(wrong...)
}

// formOf names a type of settings for people.
func formOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration such as 30s"
	case t.Kind() == reflect.Bool:
		return "boolean: true or false"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "whole number"
	default:
		return t.String()
	}
}

// named puts what set a value before an error about it.
func named(from string, err error) error {
	if from == "" || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", from, err)
}

// maxLimit is the largest quota that can be set: a refusal looks at every slot.
const maxLimit = 100_000

// maxFileSize is the largest bound of uploads that can be set, in bytes: larger ones
// cannot be copied at once in S3.
const maxFileSize = 5 << 30

// maxGrace is the longest grace that can be set.
const maxGrace = 10 * 365 * 24 * time.Hour

// Check tells all that is wrong with the settings, each by its name.
func (s Settings) Check() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if s.Environment != Development && s.Environment != Production {
		refuse("PERFECTWORKS_ENV is neither development nor production")
	}
	if err := s.Role.check(); err != nil {
		refuse("PERFECTWORKS_ROLE: %w", err)
	}
	if !slices.Contains([]LogLoss{"", RebuildReadModels, WaitForOperator, AdoptLog}, s.WhenLogWentBack) {
		refuse("EVENTSTORE_WENT_BACK is none of rebuild, wait and adopt")
	}
	if s.TraceShare < 0 || s.TraceShare > 1 {
		refuse("OTEL_TRACES_SAMPLER_ARG lies outside 0 to 1")
	}
	_, err := s.edge()
	wrong = append(wrong, err, s.checkPayments(), s.checkTokens(), s.checkReferrals(), named("BLOB_URL", blob.CheckURL(s.BlobURL)), s.checkEvidence())
	if s.MaxFileSize < 0 || s.MaxFileSize > maxFileSize {
		refuse("PERFECTWORKS_MAX_FILE_SIZE lies outside 1 to %d", int64(maxFileSize))
	}
	for _, limit := range []struct {
		name  string
		value int
	}{{"PERFECTWORKS_MAX_API_KEYS", s.MaxAPIKeys}, {"PERFECTWORKS_MAX_ORGANIZATIONS", s.MaxOrganizations}, {"PERFECTWORKS_MAX_CAMPAIGNS", s.MaxCampaigns}} {
		if limit.value < 0 || limit.value > maxLimit {
			refuse("%s lies outside 1 to %d", limit.name, maxLimit)
		}
	}
	wrong = append(wrong, s.checkDocuments())
	if s.UserGrace < 0 || s.UserGrace > maxGrace {
		refuse("PERFECTWORKS_USER_GRACE lies outside 0 to %s", maxGrace)
	}
	if s.BackupRetention < 0 {
		refuse("PERFECTWORKS_BACKUP_RETENTION is negative")
	}
	if s.AuditAddresses < 0 {
		refuse("PERFECTWORKS_AUDIT_ADDRESSES must not be negative")
	}
	if (s.OIDCIssuer == "") != (s.OIDCAudience == "") {
		refuse("OIDC_ISSUER and OIDC_AUDIENCE are set both or not at all")
	}
	if err := s.checkMail(); err != nil {
		wrong = append(wrong, err)
	}
	if s.Environment == Production {
		s.checkProduction(refuse)
	}
	return errors.Join(wrong...)
}
