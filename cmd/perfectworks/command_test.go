package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func (i *installation) databaseURL() string {
	url, _ := strings.CutPrefix(i.settings[0], "DATABASE_URL=")
	return url
}

// Ctrl-C stops cleanly, and the next start finds all data again.
func TestServeStopsCleanlyAndStartsAgain(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	first := place.serve()
	ada := caller{first.api, place.token("ada")}
	ada.settle(t)
	key := ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{}`).Data

	first.end(syscall.SIGINT)
	if code := first.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("Ctrl-C ended the server with %d: %s", code, first.log)
	}
	if log := first.log.String(); strings.Contains(log, `"ERROR"`) || strings.Count(log, "perfectworks: stopping") != 1 {
		t.Errorf("a clean stop said: %s", log)
	}

	ada.api = place.serve().api
	ada.must(t, http.StatusOK, http.MethodGet, "/api-keys/"+key.ID, "")
	checkKeyWorks(t, ada.api, key.Key)
}

// token prints nothing but the token, and needs no server.
func TestTokenPrintsNothingElse(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := output(t, nil, "token", "--subject", "s", "--email", "e@example.org", "--data", usedFolder(t))
	if code != 0 || stderr != "" {
		t.Fatalf("it ended with %d and said %q", code, stderr)
	}
	token, found := strings.CutSuffix(stdout, "\n")
	if !found || strings.Count(token, ".") != 2 || strings.ContainsAny(token, " \n") {
		t.Errorf("it printed %q", stdout)
	}
}

// usedFolder is a data folder in which a server has run.
func usedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "identity"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCommandLineMistakes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file := filepath.Join(data, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // After all of the following.
		if entries, err := os.ReadDir(data); err != nil || len(entries) != 1 {
			t.Errorf("mistakes left something in the folder: %v, %v", entries, err)
		}
	})
	secrets := t.TempDir()
	users, readable := filepath.Join(secrets, "users"), filepath.Join(secrets, "readable")
	for path, mode := range map[string]os.FileMode{users: 0o600, readable: 0o644} {
		if err := os.WriteFile(path, []byte("admin:secret-nonsense\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		settings, args []string
		code           int
		says           string
	}{
		"unknown command":           {nil, []string{"dance"}, 2, `unknown command "dance"`},
		"misspelt command":          {nil, []string{"serv"}, 2, "did you mean serve?"},
		"misspelt tool":             {nil, []string{"projections", "lsit"}, 2, "did you mean list?"},
		"misspelt documents":        {nil, []string{"documents", "analyse"}, 2, "did you mean analyze?"},
		"misspelt help":             {nil, []string{"help", "tokne"}, 2, "did you mean token or tokens?"},
		"help of nothing":           {nil, []string{"help", "projections", "dance"}, 2, `unknown command "dance"`},
		"argument too many":         {nil, []string{"serve", "now"}, 2, `unknown command "now"`},
		"empty data":                {nil, []string{"serve", "--data", ""}, 2, "--data must not be empty"},
		"blank data":                {nil, []string{"projections", "list", "--data", " "}, 2, "--data must not be empty"},
		"empty address":             {nil, []string{"serve", "--addr", "", "--data", data}, 2, "--addr must not be empty"},
		"list of a typo":            {nil, []string{"projections", "list", "--data", filepath.Join(data, "typo")}, 2, "--data: " + data},
		"list of a file":            {nil, []string{"projections", "list", "--data", file}, 2, "is a file"},
		"list of any folder":        {nil, []string{"projections", "list", "--data", data}, 2, "not a data folder"},
		"list without the database": {nil, []string{"projections", "list", "--data", usedFolder(t)}, 2, "DATABASE_URL is not set, and no server has kept a database in"},
		"rebuild of a typo":         {nil, []string{"projections", "rebuild", "users", "--data", filepath.Join(data, "typo")}, 2, "not a data folder"},
		"token of a typo":           {nil, []string{"token", "--subject", "s", "--email", "e", "--data", filepath.Join(data, "typo")}, 2, "not a data folder"},
		"token of any folder":       {nil, []string{"token", "--subject", "s", "--email", "e", "--data", data}, 2, "not a data folder"},
		"token, typo in the environment": {
			[]string{"PERFECTWORKS_DATA=" + filepath.Join(data, "typo")},
			[]string{"token", "--subject", "s", "--email", "e"},
			1, "PERFECTWORKS_DATA: ",
		},
		"token of another issuer": {
			[]string{"OIDC_ISSUER=https://example.org", "OIDC_AUDIENCE=a"},
			[]string{"token", "--subject", "s", "--email", "e", "--data", data},
			1, "OIDC_ISSUER is set",
		},
		"address in the environment": {
			[]string{"PERFECTWORKS_ADDR=127.0.0.1:99999"},
			[]string{"serve", "--data", data},
			1, "PERFECTWORKS_ADDR: listen for HTTP",
		},
		"share of no number":             {[]string{"OTEL_TRACES_SAMPLER_ARG=secret-nonsense"}, []string{"serve"}, 1, "OTEL_TRACES_SAMPLER_ARG does not have the form of a number"},
		"unknown log format":             {[]string{"LOG_FORMAT=xml"}, []string{"serve"}, 1, "LOG_FORMAT"},
		"tools look at the settings too": {[]string{"PERFECTWORKS_ENV=mars"}, []string{"projections", "list", "--data", data}, 1, "PERFECTWORKS_ENV is neither"},
		"unknown flag":                   {nil, []string{"serve", "--dance"}, 2, "unknown flag: --dance"},
		"token for nobody":               {nil, []string{"token", "--email", "e@example.org"}, 2, `required flag(s) "subject" not set`},
		"token, empty subject":           {nil, []string{"token", "--subject", "", "--email", "e"}, 2, "--subject must not be empty"},
		"token, no time":                 {nil, []string{"token", "--subject", "s", "--email", "e", "--ttl", "0s"}, 2, "--ttl must be positive"},
		"node without address":           {nil, []string{"eventnode"}, 2, `required flag(s) "listen" not set`},
		"node, half of TLS":              {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--tls-cert", "x"}, 2, "--tls-cert and --tls-key go together"},
		"node, users in clear":           {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--users", users}, 2, "go together"},
		"node, users by setting": {
			[]string{"EVENTNODE_USERS=secret-nonsense"},
			[]string{"eventnode", "--listen", "127.0.0.1:0"},
			2,
			"EVENTNODE_USERS: line 1 is not NAME:PASSWORD",
		},
		"node, users for all to read": {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--users", readable}, 2, "change its mode to 0600"},
		"node, no users":              {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--users", file}, 2, "there is no user"},
		"node, TLS without users":     {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "x"}, 2, "go together"},
		"node, open to all":           {nil, []string{"eventnode", "--listen", ":0"}, 2, "listens on loopback only"},
		"node, open to a network":     {nil, []string{"eventnode", "--listen", "0.0.0.0:0"}, 2, "listens on loopback only"},
		"node, open over IPv6":        {nil, []string{"eventnode", "--listen", "[::]:0"}, 2, "listens on loopback only"},
		"node, open in production": {
			[]string{"PERFECTWORKS_ENV=production"}, []string{"eventnode", "--listen", "127.0.0.1:0"}, 2, "in production the node needs TLS and users",
		},
		"unknown role":          {nil, []string{"serve", "--role", "boss", "--data", data}, 1, "PERFECTWORKS_ROLE: a role is all, api, projector or worker"},
		"job of no number":      {nil, []string{"jobs", "retry", "first"}, 2, `"first" is not the number of a job`},
		"no job":                {nil, []string{"jobs", "show"}, 2, "name the one job"},
		"discard, no reason":    {nil, []string{"jobs", "discard", "1"}, 2, "--reason must say why"},
		"jobs in no state":      {nil, []string{"jobs", "list", "--state", "lost"}, 2, "--state must be one of failed, waiting"},
		"no policy":             {nil, []string{"policies", "start", "--from", "now"}, 2, "name the one policy"},
		"policy from nowhere":   {nil, []string{"policies", "start", "x"}, 2, "--from: a policy starts from now"},
		"rebuild of nothing":    {nil, []string{"projections", "rebuild"}, 2, "name the projections to rebuild, or say --all"},
		"data is a file":        {nil, []string{"serve", "--addr", "127.0.0.1:0", "--data", file}, 1, "--data: make the data folder"},
		"address of no machine": {nil, []string{"serve", "--addr", "127.0.0.1:99999", "--data", data}, 1, "--addr: listen for HTTP"},
		"unknown environment":   {[]string{"PERFECTWORKS_ENV=mars"}, []string{"serve"}, 1, "PERFECTWORKS_ENV is neither"},
		"unsafe production":     {[]string{"PERFECTWORKS_ENV=production"}, []string{"serve"}, 1, "DATABASE_URL must be set in production"},
		"unknown log level":     {[]string{"LOG_LEVEL=loud"}, []string{"serve"}, 1, "LOG_LEVEL: log level \"loud\" is none of debug, info, warn, error"},
		"database of no form":   {[]string{"DATABASE_URL=secret-nonsense"}, []string{"serve", "--addr", "127.0.0.1:0", "--data", data}, 1, "DATABASE_URL: the database URL is not of the form postgres://"},
		"event store of no form": {
			[]string{"DATABASE_URL=" + newInstallation(t).databaseURL(), "EVENTSTORE_URL=http://secret-nonsense"},
			[]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()},
			1, "EVENTSTORE_URL: the event store's URL is not of the form esdb://",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := output(t, c.settings, c.args...)
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("it ended with %d and said %q; want %d and %q", code, stderr, c.code, c.says)
			}
			if stdout != "" {
				t.Errorf("it printed %q", stdout)
			}
			if strings.Contains(stderr, "secret-nonsense") {
				t.Errorf("it repeated what may be secret: %q", stderr)
			}
		})
	}
}

func TestProjectionsAreListed(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	stdout, stderr, code := output(t, place.settings, "projections", "list", "--data", place.data)
	if code != 0 {
		t.Fatalf("it ended with %d: %s", code, stderr)
	}
	for _, name := range []string{"users", "organizations", "apikeys"} {
		if !strings.Contains(stdout, "\n"+name+" ") {
			t.Errorf("%s is not listed:\n%s", name, stdout)
		}
	}
	if _, stderr, code := output(t, place.settings, "projections", "rebuild", "dreams", "--data", place.data); code != 1 || !strings.Contains(stderr, "no such projection") {
		t.Errorf("rebuilding what does not exist ended with %d and %q", code, stderr)
	}
}

// Servers with other folders and addresses do not know of each other.
func TestServersSideBySide(t *testing.T) {
	t.Parallel()
	here, there := newInstallation(t), newInstallation(t)
	ada := caller{here.serve().api, here.token("ada")}
	ada.settle(t)
	stranger := caller{there.serve().api, ada.token}
	stranger.must(t, http.StatusUnauthorized, http.MethodGet, "/users/profile", "")
}
