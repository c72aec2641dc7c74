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
	if log := first.log.String(); strings.Contains(log, `"ERROR"`) {
		t.Errorf("a clean stop logged errors: %s", log)
	}

	ada.api = place.serve().api
	ada.must(t, http.StatusOK, http.MethodGet, "/api-keys/"+key.ID, "")
	checkKeyWorks(t, ada.api, key.Key)
}

// token prints nothing but the token, and needs no server.
func TestTokenPrintsNothingElse(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := output(t, nil, "token", "--subject", "s", "--email", "e@example.org", "--data", t.TempDir())
	if code != 0 || stderr != "" {
		t.Fatalf("it ended with %d and said %q", code, stderr)
	}
	token, found := strings.CutSuffix(stdout, "\n")
	if !found || strings.Count(token, ".") != 2 || strings.ContainsAny(token, " \n") {
		t.Errorf("it printed %q", stdout)
	}
}

func TestCommandLineMistakes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file := filepath.Join(data, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		settings, args []string
		code           int
		says           string
	}{
		"unknown command":       {nil, []string{"dance"}, 2, `unknown command "dance"`},
		"unknown flag":          {nil, []string{"serve", "--dance"}, 2, "unknown flag: --dance"},
		"token for nobody":      {nil, []string{"token", "--email", "e@example.org"}, 2, `required flag(s) "subject" not set`},
		"token, empty subject":  {nil, []string{"token", "--subject", "", "--email", "e"}, 2, "--subject must not be empty"},
		"token, no time":        {nil, []string{"token", "--subject", "s", "--email", "e", "--ttl", "0s"}, 2, "--ttl must be positive"},
		"node without address":  {nil, []string{"eventnode"}, 2, `required flag(s) "listen" not set`},
		"node, half of TLS":     {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--tls-cert", "x"}, 2, "--tls-cert and --tls-key go together"},
		"node, user in clear":   {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--user", "a:b"}, 2, "--user and TLS go together"},
		"node, no password":     {nil, []string{"eventnode", "--listen", "127.0.0.1:0", "--user", "a"}, 2, "--user must be NAME:PASSWORD"},
		"rebuild of nothing":    {nil, []string{"projections", "rebuild"}, 2, "name the one projection"},
		"data is a file":        {nil, []string{"serve", "--addr", "127.0.0.1:0", "--data", file}, 1, "make the data folder"},
		"address of no machine": {nil, []string{"serve", "--addr", "127.0.0.1:99999", "--data", data}, 1, "listen for HTTP"},
		"unknown environment":   {[]string{"PERFECTWORKS_ENV=mars"}, []string{"serve"}, 1, "PERFECTWORKS_ENV is neither"},
		"unsafe production":     {[]string{"PERFECTWORKS_ENV=production"}, []string{"serve"}, 1, "DATABASE_URL must be set in production"},
		"unknown log level":     {[]string{"LOG_LEVEL=loud"}, []string{"serve"}, 1, "none of debug, info, warn, error"},
		"database of no form":   {[]string{"DATABASE_URL=secret-nonsense"}, []string{"serve", "--addr", "127.0.0.1:0", "--data", data}, 1, "not of the form postgres://"},
		"event store of no form": {
			[]string{"DATABASE_URL=" + newInstallation(t).databaseURL(), "EVENTSTORE_URL=http://secret-nonsense"},
			[]string{"serve", "--addr", "127.0.0.1:0", "--data", data},
			1, "esdb://",
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
