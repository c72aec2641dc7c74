package postgres_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	rawURL := postgrestest.URL(t)
	for name, test := range map[string]struct {
		url      string
		opts     postgres.Options
		wantName string
		wantMax  int32 // zero: any
		wantJIT  string
	}{
		"defaults": {rawURL, postgres.Options{}, "perfectworks", 0, "off"},
		"options":  {rawURL, postgres.Options{ApplicationName: "projector", MaxConns: 3}, "projector", 3, "off"},
		"from the URL": {
			rawURL + "&pool_max_conns=2&application_name=mine&jit=on", postgres.Options{}, "mine", 2, "on",
		},
		"options before the URL": {
			rawURL + "&pool_max_conns=2&application_name=mine", postgres.Options{ApplicationName: "x", MaxConns: 5}, "x", 5, "off",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := postgres.Open(t.Context(), test.url, test.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var application, jit string
			err = pool.QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('jit')").Scan(&application, &jit)
			if err != nil {
				t.Fatal(err)
			}
			if application != test.wantName || jit != test.wantJIT {
				t.Errorf("application_name is %q and jit %q, want %q and %q", application, jit, test.wantName, test.wantJIT)
			}
			if got := pool.Config().MaxConns; got < 2 || test.wantMax != 0 && got != test.wantMax {
				t.Errorf("MaxConns is %d, want %d", got, test.wantMax)
			}
		})
	}
}

const secret = "s3cr3t"

func TestOpenErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, want string }{
		"no URL":             {"", "not of the form"},
		"another scheme":     {"mysql://me:s3cr3t@localhost/db", "not of the form"},
		"key and value":      {"host=localhost password=s3cr3t", "not of the form"},
		"bad escape":         {"postgres://me:%zzs3cr3t@localhost/db", "not of the form"},
		"bad port":           {"postgres://me:s3cr3t@localhost:port/db", "not of the form"},
		"slash in password":  {"postgres://me:12/s3cr3t@localhost/db", "have to be escaped"},
		"mark in password":   {"postgres://me:12?s3cr3t@localhost/db", "have to be escaped"},
		"hash in password":   {"postgres://me:12#s3cr3t@localhost/db", "have to be escaped"},
		"bad parameter":      {"postgres://me:s3cr3t@localhost/db?sslmode=maybe", "sslmode"},
		"bad pool parameter": {"postgres://me:s3cr3t@localhost/db?pool_max_conns=many", "pool_max_conns"},
		"nobody listens":     {"postgres://me:s3cr3t@127.0.0.1:1/db", "connect to the database"},
		"unknown host":       {"postgres://me:s3cr3t@db.invalid/db", "connect to the database"},
		"wrong password":     {strings.Replace(withoutPassword(t, postgrestest.URL(t)), "@", ":s3cr3t@", 1), "password authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), test.url, postgres.Options{ConnectTimeout: 2 * time.Second})
			if err == nil {
				t.Fatal("no error")
			}
			wantError(t, err, test.want)
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func withoutPassword(t *testing.T, rawURL string) string {
	t.Helper()
	scheme, rest, _ := strings.Cut(rawURL, "://")
	user, host, ok := strings.Cut(rest, "@")
	if !ok {
		t.Fatal("the URL of the server has no user")
	}
	name, _, _ := strings.Cut(user, ":")
	return scheme + "://" + name + "@" + host
}

func FuzzOpenErrorsHideThePassword(f *testing.F) {
	f.Add("postgres://me:", "@localhost/db")
	f.Add("postgres://me:a/", "@localhost:x/db")
	f.Add("postgres://me:a?b=", "@localhost/db?sslmode=1")
	f.Add("postgres://me:%", "@[::1/db")
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // parsing is all
	f.Fuzz(func(t *testing.T, before, after string) {
		// The password follows the first colon of the authority and goes to an @.
		if !strings.Contains(before, "://") || strings.Count(before, ":") < 2 || !strings.Contains(after, "@") ||
			strings.Contains(before, "@") || strings.Contains(before+after, secret) {
			t.Skip("no URL with that password")
		}
		if _, err := postgres.Open(ctx, before+secret+after, postgres.Options{}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", before+"..."+after, err)
		}
	})
}

func TestOpenIsBoundedWhenNothingAnswers(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0") // accepts, says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	began := time.Now()
	_, err = postgres.Open(t.Context(), "postgres://me@"+listener.Addr().String()+"/db?sslmode=disable",
		postgres.Options{ConnectTimeout: 100 * time.Millisecond})
	if err == nil {
		t.Fatal("no error")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Fatalf("it took %s", took)
	}
}
