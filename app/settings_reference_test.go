package app_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/app"
)

var update = flag.Bool("update", false, "write docs/settings.md")

// setting describes a variable for the reference. Its default is that of its tag,
// or what Default says.
type setting struct {
	Name, What, Default string
	Secret              bool
}

// settingGroups describe all variables that the program reads.
var settingGroups = []struct {
	title    string
	settings []setting
}{
	{"Serving", []setting{
		{Name: "PERFECTWORKS_ENV", What: "`development` or `production`"},
		{Name: "PERFECTWORKS_ROLE", What: "which parts this process runs", Default: "`all`"},
		{Name: "PERFECTWORKS_ADDR", What: "where to serve HTTP"},
		{Name: "PERFECTWORKS_ADMIN_ADDR", What: "where operators find `/metrics`, `/debug/pprof/` and `/readyz` with its details; empty for nowhere"},
		{Name: "PERFECTWORKS_PUBLIC_URL", What: "where browsers reach the product: payers return to paths below it, and files in a folder are uploaded to and downloaded from `/api/v0/objects` below it", Default: "the address of the API"},
		{Name: "PERFECTWORKS_TRUSTED_PROXIES", What: "addresses and networks of proxies whose `X-Forwarded-For` is believed", Default: "none"},
		{Name: "PERFECTWORKS_CORS_ORIGINS", What: "origins whose pages may call the API, `https://…`", Default: "none"},
		{Name: "PERFECTWORKS_REQUESTS_PER_CALLER", What: "requests a minute for each API key or person, of which a sixth may come at once", Default: "`6000`"},
		{Name: "PERFECTWORKS_REQUESTS_PER_ORGANIZATION", What: "the same for each organization", Default: "`30000`"},
		{Name: "PERFECTWORKS_REQUESTS_PER_ADDRESS", What: "the same for each address without valid credentials", Default: "`1200`"},
		{Name: "PERFECTWORKS_CONCURRENT_REQUESTS", What: "requests that work at once; half for one caller", Default: "16 for each processor, at least 32"},
	}},
	{"Stores and identity", []setting{
		{Name: "PERFECTWORKS_DATA", What: "folder of everything embedded"},
		{Name: "DATABASE_URL", What: "a Postgres, 14 or newer, not through a pooler in transaction mode", Default: "a private cluster in the data folder", Secret: true},
		{Name: "EVENTSTORE_URL", What: "an EventStoreDB, `esdb://…`", Default: "the embedded node, its log in Postgres", Secret: true},
		{Name: "EVENTSTORE_WENT_BACK", What: "what to do when the log no longer holds what was read from it, as after the restore of a backup: `rebuild` the read models, or `wait` for an operator. A store that holds another log, as after a wrong setting, is in both cases neither read nor written; `adopt`, for one start, takes it for the right one and rebuilds from it"},
		{Name: "OIDC_ISSUER", What: "who signs tokens, as the URL of an OpenID Connect issuer; set together with `OIDC_AUDIENCE`", Default: "a development issuer; `perfectworks token` mints"},
		{Name: "OIDC_AUDIENCE", What: "for whom tokens must be", Default: "that of the development issuer"},
		{Name: "EVENTNODE_USERS", What: "users of `perfectworks eventnode`, `NAME:PASSWORD` on each line", Default: "none: only loopback is served", Secret: true},
	}},
	{"Keys, erasure and audit", []setting{
		{Name: "KMS_URL", What: "what wraps the encryption keys: `gcpkms://…`, `awskms://…` (build with `-tags cloud`)", Default: "a key file in the data folder"},
		{Name: "PERFECTWORKS_ERASURE_JOURNAL", What: "file of the journal of erasures, one for all processes on a database; it must outlive the database", Default: "`erasures.journal` in the data folder"},
		{Name: "PERFECTWORKS_BACKUP_RETENTION", What: "how long you keep backups of the database, as certificates of erasure state it"},
		{Name: "PERFECTWORKS_USER_GRACE", What: "how long a deactivated account can be restored before it is erased"},
		{Name: "PERFECTWORKS_AUDIT_ADDRESSES", What: "how long client addresses and user agents are kept, such as `720h`. They are encrypted with a key of their day, which is destroyed then", Default: "`2160h`, 90 days"},
		{Name: "PERFECTWORKS_STATEMENT_KEY", What: "a file of Ed25519 keys as PEM: the private one that signs statements of token accounts, then those that signed before; `perfectworks tokens new-key` prints one", Default: "a file in the data folder"},
		{Name: "PERFECTWORKS_EVIDENCE_URL", What: "where signed checkpoints of the event log and their Merkle tree are stored: `file:///a/folder` that all processes share, `s3://bucket?region=…` or `gs://bucket` (build with `-tags cloud`); best one that the operators of the database cannot write to, with object lock", Default: "the folder `evidence` of the data folder, where it protects little"},
		{Name: "PERFECTWORKS_CHECKPOINT_KEY", What: "a file of keys, one on each line: the private one that signs checkpoints, then those that signed before; `perfectworks audit new-key` prints one", Default: "a file in the data folder"},
		{Name: "PERFECTWORKS_CHECKPOINT_EVERY", What: "how often a checkpoint of the event log is taken, `1s` to `24h`"},
	}},
	{"Files and documents", []setting{
		{Name: "BLOB_URL", What: "where files are: `file:///a/folder` that all processes share, `s3://bucket?region=…` or `gs://bucket` (build with `-tags cloud`). Give a bucket a lifecycle rule that aborts incomplete multipart uploads after a day", Default: "the folder `objects` of the data folder"},
		{Name: "PERFECTWORKS_MAX_FILE_SIZE", What: "the largest file that can be uploaded, in bytes, at most 5 GiB", Default: "`104857600`, 100 MiB"},
		{Name: "PERFECTWORKS_FILE_GRACE", What: "how long the bytes of deleted files are kept"},
		{Name: "PERFECTWORKS_DOCUMENT_WORKERS", What: "documents that a process works on at once", Default: "as many as there are processors"},
		{Name: "PERFECTWORKS_DOCUMENT_MEMORY", What: "memory that they, and as many that are only counted, may take together, in bytes, at least 256 MiB for each", Default: "1.5 GiB for each"},
		{Name: "PERFECTWORKS_DOCUMENTS_PER_ORGANIZATION", What: "documents of one organization that are in the queue of workers at once, in all processes; its other ones are held back, so that other organizations do not wait for them", Default: "three for each document that a process works on, less one"},
	}},
	{"Other document engines", []setting{
		{Name: "DOCUMENTS_ENGINES", What: "engines that may be used: `auto` (all that are found), `embedded` (none beside the embedded one), or some of `chromium`, `axe`, `verapdf`, `tesseract`, `texts`"},
		{Name: "CHROMIUM", What: "the path of Chromium, which prints HTML to PDF as a browser lays it out; the embedded engine typesets otherwise", Default: "the one on the path"},
		{Name: "AXE_SCRIPT", What: "the path of `axe.min.js`, which takes a second look at HTML in Chromium, with its style sheets", Default: "none"},
		{Name: "TESSERACT", What: "the path of tesseract, which reads scanned pages", Default: "the one on the path"},
		{Name: "VERAPDF_JAR", What: "the path of veraPDF, which gives a second verdict on PDFs; it takes seconds a file and needs a JDK", Default: "none"},
		{Name: "ALT_TEXT_URL", What: "an OpenAI-compatible service that suggests alternative texts, which a person must check; images are sent to it", Default: "none"},
		{Name: "ALT_TEXT_MODEL", What: "the model of that service", Default: "none"},
		{Name: "ALT_TEXT_KEY", What: "the key of that service", Default: "none", Secret: true},
		{Name: "PERFECTWORKS_PDF_PASSWORD", What: "the password of an encrypted PDF, for `perfectworks documents`", Default: "none", Secret: true},
	}},
	{"Mail", []setting{
		{Name: "SMTP_URL", What: "the mail server, `smtps://user:password@host` or `smtp://…` with STARTTLS", Default: "mails become `.eml` files in the folder `mail` of the data folder", Secret: true},
		{Name: "PERFECTWORKS_MAIL_FROM", What: "the sender of mails, `PerfectWorks <no-reply@example.com>`", Default: "an address that cannot receive"},
		{Name: "PERFECTWORKS_INVITATION_URL", What: "the page on which an invitation is accepted; it gets the token as `#token=…`, and sends it to `POST /organization-members/join`", Default: "none: the mail shows the token"},
	}},
	{"Accounts, payments and tokens", []setting{
		{Name: "PERFECTWORKS_MAX_API_KEYS", What: "living API keys of each owner in each organization, at most 100000"},
		{Name: "PERFECTWORKS_MAX_ORGANIZATIONS", What: "organizations that a person made and owns, at most 100000"},
		{Name: "PERFECTWORKS_CATALOGUE", What: "a file of what is sold, and of the rates per page, in the form of `app/catalogue.json`", Default: "that file"},
		{Name: "PERFECTWORKS_WELCOME_TOKENS", What: "tokens that a new organization is given, once for each person; they are spent before all others", Default: "`1000` in development, none in production"},
		{Name: "PERFECTWORKS_WELCOME_VALIDITY", What: "how long these can be spent, from the registration on", Default: "`2160h`, 90 days"},
		{Name: "PERFECTWORKS_LOW_BALANCE", What: "the number of available tokens below which an account is said to be low; `0` for never"},
		{Name: "STRIPE_SECRET_KEY", What: "the secret key of the Stripe account that takes the money. Keys of live mode are for production, and only they. What has never been run against Stripe itself is listed in the documentation of `adapters/stripe`", Default: "a sandbox with a checkout page, no real money", Secret: true},
		{Name: "STRIPE_WEBHOOK_SECRET", What: "the signing secrets of its webhook endpoint, which is `/api/v0/payments/webhooks/stripe`: two, with a comma, while one is rotated", Default: "that of the sandbox", Secret: true},
		{Name: "STRIPE_AUTOMATIC_TAX", What: "whether Stripe adds tax to the prices", Default: "`false`"},
		{Name: "PERFECTWORKS_SANDBOX_ADDR", What: "where the payment sandbox is served; any free port if it is taken"},
		{Name: "PERFECTWORKS_SANDBOX_CHAOS", What: "how its webhooks are spoiled, such as `duplicates=0.1,drops=0.05,delay=2s`", Default: "not at all"},
	}},
	{"Referrals", []setting{
		{Name: "PERFECTWORKS_REFERRAL_PROGRAMME", What: "a file with the terms of the referral programme, in the form of `app/referral_programme.json`; rules are only ever added", Default: "that file"},
		{Name: "PERFECTWORKS_REFERRAL_LANDING", What: "the page that referral links lead to unless a campaign names another", Default: "the public address"},
		{Name: "PERFECTWORKS_REFERRAL_DESTINATIONS", What: "hosts that campaigns may lead to beside that of the landing page, separated by commas", Default: "none"},
		{Name: "PERFECTWORKS_CLICK_SYNC", What: "how long a click on a referral link can be in memory alone: what was answered longer ago survives kill -9"},
		{Name: "PERFECTWORKS_CLICK_SPOOL", What: "bytes of clicks that each process keeps in the data folder while the event store or the database does not take them; when they are full, links go on and clicks are counted as lost; a gibibyte is about two million clicks"},
		{Name: "PERFECTWORKS_CLICK_WINDOW", What: "a visitor who comes again to a link within this time counts once, at most 24h"},
		{Name: "PERFECTWORKS_CLICK_JUDGE", What: "how long after a click HEAD requests are waited for that tell that it was a program's, at most 1h"},
		{Name: "PERFECTWORKS_CLICK_AGENTS", What: "a file of parts of the agents of bots, one a line, beside those that are known; `perfectworks referrals rejudge --dry-run --agents FILE` tries it over history", Default: "none"},
		{Name: "PERFECTWORKS_MAX_CAMPAIGNS", What: "campaigns of a referrer that have not ended, at most 100000"},
		{Name: "PERFECTWORKS_COUNTRY_HEADER", What: "the header in which trusted proxies name the country of a visitor, such as `CF-IPCountry`", Default: "none: unknown"},
	}},
	{"Logs, traces and memory", []setting{
		{Name: "LOG_LEVEL", What: "`debug`, `info`, `warn` or `error`"},
		{Name: "LOG_FORMAT", What: "`json` or `text`"},
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", What: "where traces go, over OTLP/HTTP", Default: "nowhere"},
		{Name: "OTEL_TRACES_SAMPLER_ARG", What: "share of new traces that are sampled"},
		{Name: "GOMEMLIMIT", What: "bound of the Go heap", Default: "60 % of the container's memory, where it has a limit"},
		{Name: "GOGC", What: "pace of the garbage collector", Default: "50, and 96 MiB between two collections at least"},
		{Name: "NO_COLOR", What: "set to anything: commands use no colours on a terminal", Default: "not set"},
	}},
}

const settingsReference = "../docs/settings.md"

// The reference of settings says what the code does: it has each variable that the
// program reads and no other, with its form, its default, and whether production
// asks for it.
func TestSettingsReference(t *testing.T) {
	t.Parallel()
	tags := map[string]reflect.StructField{}
	for _, settings := range []reflect.Type{reflect.TypeFor[app.Settings](), reflect.TypeFor[engines.Settings]()} {
		for i := range settings.NumField() {
			field := settings.Field(i)
			if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" && name != "-" {
				tags[name] = field
			}
		}
	}
	read := readVariables(t)
	for name := range tags {
		read[name] = true
	}
	text := &strings.Builder{}
	text.WriteString(settingsIntroduction)
	described := map[string]bool{}
	for _, group := range settingGroups {
		fmt.Fprintf(text, "\n## %s\n\n| variable | what | form | default |\n|---|---|---|---|\n", group.title)
		for _, s := range group.settings {
			field, tagged := tags[s.Name]
			byTag := field.Tag.Get("envDefault")
			switch {
			case described[s.Name]:
				t.Errorf("%s is described twice", s.Name)
			case !read[s.Name]:
				t.Errorf("%s is described, and nothing reads it", s.Name)
			case (byTag == "") == (s.Default == ""):
				t.Errorf("%s needs a default in its tag or in its description, and not in both", s.Name)
			}
			described[s.Name] = true
			form, fallback := "text", s.Default
			if tagged {
				form = formOfSetting(field.Type)
			}
			if byTag != "" {
				fallback = "`" + byTag + "`"
			}
			what := s.What
			if s.Secret {
				what += " (secret)"
			}
			if requiredInProduction(s.Name, tags) {
				fallback += "; **must be set in production**"
			}
			fmt.Fprintf(text, "| `%s` | %s | %s | %s |\n", s.Name, what, form, fallback)
		}
	}
	for name := range read {
		if !described[name] {
			t.Errorf("%s is read, and settingGroups does not describe it", name)
		}
	}
	if *update {
		if err := os.WriteFile(settingsReference, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(settingsReference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), text.String()); diff != "" {
		t.Errorf("docs/settings.md is not current: go test ./app -run SettingsReference -update\n%s", diff)
	}
}

const settingsIntroduction = `# Settings

All settings are environment variables. Each has a default for development; an empty variable counts as absent.
With ` + "`PERFECTWORKS_ENV=production`" + ` a start is refused, by name, for each default that is not safe there.
` + "`perfectworks doctor`" + ` checks what is set. Durations are written as ` + "`90s`, `30m` or `720h`" + `, lists with commas.

Values marked as secret belong into a file that only the service reads, or into a secret store. They never appear in logs or error messages.

This file is generated from the code: ` + "`go test ./app -run SettingsReference -update`" + `.
`

func formOfSetting(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Bool:
		return "`true` or `false`"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "whole number"
	default:
		return "text"
	}
}

// requiredInProduction asks the check of settings itself.
func requiredInProduction(name string, tags map[string]reflect.StructField) bool {
	field, ok := tags[name]
	if !ok || name == "PERFECTWORKS_ENV" {
		return false
	}
	s := production()
	value := reflect.ValueOf(&s).Elem().FieldByName(field.Name)
	if !value.IsValid() || value.IsZero() {
		return false
	}
	value.SetZero()
	err := s.Check()
	return err != nil && strings.Contains(err.Error(), name)
}

// readVariables finds the variables that the program reads by name, beside those of
// structs. Programs for tests and benchmarks have variables of their own.
func readVariables(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{
		"GOMEMLIMIT": true, // read by the runtime
	}
	constants := map[string]string{}
	var files []*ast.File
	for _, folder := range []string{"../adapters", "../app", "../cmd/perfectworks"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (strings.HasSuffix(entry.Name(), "test") || entry.Name() == "testdata") {
				return fs.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			files = append(files, file)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
				if text, ok := literal(spec.Values[0]); ok {
					constants[spec.Names[0].Name] = text
				}
			}
			return true
		})
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			function, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || function.Sel.Name != "Getenv" && function.Sel.Name != "LookupEnv" {
				return true
			}
			name, ok := literal(call.Args[0])
			if constant, isConstant := call.Args[0].(*ast.Ident); isConstant {
				name, ok = constants[constant.Name]
			}
			if !ok {
				t.Errorf("%s: the variable that is read is no constant", file.Name.Name)
			}
			if !slices.Contains(environmental, name) {
				found[name] = true
			}
			return true
		})
	}
	return found
}

// environmental are variables that are no settings: what a system sets for every
// program, and the mark by which the program knows its own children.
var environmental = []string{"PATH", "TMPDIR", "PERFECTWORKS_DOCUMENTS_CHILD"}

func literal(e ast.Expr) (string, bool) {
	text, ok := e.(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return "", false
	}
	return strings.Trim(text.Value, "\"`"), true
}
