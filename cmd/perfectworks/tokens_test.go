package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/tokens"
)

// A statement is verified offline, with a file of public keys and nothing else;
// what was changed fails with code 1 and the line, and what cannot be read with
// another message.
func TestStatementsAreVerifiedOffline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	private, _, code := output(t, nil, "tokens", "new-key")
	if code != 0 {
		t.Fatalf("new-key ended with %d", code)
	}
	signing := filepath.Join(dir, "signing.pem")
	write(t, signing, private)
	public, stderr, code := output(t, []string{"PERFECTWORKS_STATEMENT_KEY=" + signing}, "tokens", "keys")
	if code != 0 || strings.Contains(public, "PRIVATE") {
		t.Fatalf("keys ended with %d: %s%s", code, public, stderr)
	}
	key := filepath.Join(dir, "public.pem")
	write(t, key, public)

	keys, err := statement.LoadKeys(signing)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	point := tokens.Point{
		Sequence: 7, OccurredAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Hash: strings.Repeat("a", 64),
		Balance: tokenaccount.Balance{Issued: -5, Available: 5},
	}
	if err := statement.Write(&text, statement.Subject{OrganizationID: "org_1"}, tokens.Statement{
		Opening: point, Closing: point, Lines: func(func([]byte, error) bool) {},
	}, keys, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	good, changed := filepath.Join(dir, "statement.csv"), filepath.Join(dir, "changed.csv")
	write(t, good, text.String())
	write(t, changed, strings.Replace(text.String(), "org_1", "org_2", 1))

	stdout, stderr, code := output(t, nil, "tokens", "verify", good, "--key", key)
	if code != 0 || !strings.HasPrefix(stdout, "verified\n") || !strings.Contains(stdout, "closing       available 5,") {
		t.Errorf("it ended with %d: %s%s", code, stdout, stderr)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"changed":       {[]string{changed, "--key", key}, exitFailure, "line 4: the signature"},
		"no such file":  {[]string{good + "x", "--key", key}, exitFailure, "no such file"},
		"no such key":   {[]string{good, "--key", key + "x"}, exitFailure, "no such file"},
		"no public key": {[]string{good, "--key", good}, exitFailure, "no key in PEM form"},
		"private key":   {[]string{good, "--key", signing}, exitFailure, "must be a public Ed25519 key"},
		"without a key": {[]string{good}, exitUsage, "key"},
		"nothing":       {[]string{"--key", key}, exitUsage, "arg"},
	} {
		stdout, stderr, code := output(t, nil, append([]string{"tokens", "verify"}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: it ended with %d: %s%s", name, code, stdout, stderr)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
