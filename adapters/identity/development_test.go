package identity_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/identity"
)

// develop serves the development issuer of a data folder for the time of the
// test, and returns what checks its tokens.
func develop(t *testing.T, dataDir string) *identity.Tokens {
	t.Helper()
	issuer, err := identity.ListenDevelopmentIssuer(t.Context(), dataDir, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) {
		if err := issuer.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	return ready(t, identity.TokensConfig{
		Issuer: issuer.Issuer(), Audience: identity.DevelopmentAudience, Client: issuer.Client(),
		Hasher: hasher("secret"), Logger: discard(),
	})
}

func mint(t *testing.T, dataDir string) string {
	t.Helper()
	token, err := identity.MintToken(dataDir, "dev|1", "dev@example.com", true, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestDevelopmentIssuer(t *testing.T) {
	t.Parallel()
	dataDir, other := t.TempDir(), t.TempDir()
	token := mint(t, dataDir) // Before any server runs.
	tokens := develop(t, dataDir)
	got, err := tokens.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if got.Email.Reveal() != "dev@example.com" || !got.EmailVerified {
		t.Errorf("got %q, verified %v", got.Email.Reveal(), got.EmailVerified)
	}
	restarted := develop(t, dataDir)
	again, err := restarted.Verify(t.Context(), mint(t, dataDir))
	if err != nil {
		t.Fatal(err)
	}
	if again.SubjectHash != got.SubjectHash {
		t.Error("a restart made another person of the subject")
	}
	if _, err := tokens.Verify(t.Context(), mint(t, other)); !errors.Is(err, identity.ErrTokenIssuer) {
		t.Errorf("a token of another data folder: %v", err)
	}
	expired, err := identity.MintToken(dataDir, "dev|1", "dev@example.com", true, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Verify(t.Context(), expired); !errors.Is(err, identity.ErrTokenExpired) {
		t.Errorf("an expired token: %v", err)
	}
}

func TestDevelopmentIssuerListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "8.8.8.8:80"} {
		issuer, err := identity.ListenDevelopmentIssuer(t.Context(), t.TempDir(), addr)
		if err == nil {
			_ = issuer.Close()
			t.Errorf("%s is accepted", addr)
		}
	}
}

func TestDevelopmentIssuerShowsNoPrivateKey(t *testing.T) {
	t.Parallel()
	issuer, err := identity.ListenDevelopmentIssuer(t.Context(), t.TempDir(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) { _ = issuer.Serve(ctx) })
	res, err := issuer.Client().Get(issuer.Issuer() + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := make([]byte, 4096)
	n, _ := res.Body.Read(body)
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body[:n]), `"x"`) || strings.Contains(string(body[:n]), `"d"`) {
		t.Errorf("%d %s", res.StatusCode, body[:n])
	}
}

func TestDevelopmentKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dataDir := filepath.Join(t.TempDir(), "not", "there", "yet")
	tokens := make([]string, 16)
	var all sync.WaitGroup
	for n := range tokens {
		all.Go(func() { tokens[n] = mint(t, dataDir) })
	}
	all.Wait()
	checker := develop(t, dataDir)
	for _, token := range tokens {
		if _, err := checker.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}

	path := filepath.Join(dataDir, "identity", "signing-key.pem")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the key: %v %v", entries, err)
	}
}

func TestDevelopmentKeyThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
	}{
		"readable by others": {"x", 0o644, "0600"},
		"empty":              {"", 0o600, "holds no key"},
		"another block":      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0o600, "holds no key"},
		"broken":             {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "can be read"},
		"another kind":       {ed25519PEM, 0o600, "ES256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dataDir := t.TempDir()
			path := filepath.Join(dataDir, "identity", "signing-key.pem")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := identity.MintToken(dataDir, "dev|1", "", false, time.Hour)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want the path and %q", err, c.want)
			}
		})
	}
}

// ed25519PEM is RFC 8410's example of a private key.
const ed25519PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`

func TestMintTokenNeedsASubject(t *testing.T) {
	t.Parallel()
	if _, err := identity.MintToken(t.TempDir(), "", "", false, time.Hour); err == nil {
		t.Error("no error")
	}
}

// A key of another user is theirs to read and to replace.
func TestKeyOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	dir := t.TempDir()
	mint(t, dir)
	if err := os.Chown(filepath.Join(dir, "identity", "signing-key.pem"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.MintToken(dir, "s", "e@example.org", true, time.Hour); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v", err)
	}
}
