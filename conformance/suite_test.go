package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const suiteModule = "github.com/kurrent-io/KurrentDB-Client-Go"

// suite is a copy of the client's module.
type suite struct{ dir string }

func copySuite(ctx context.Context, t *testing.T) suite {
	t.Helper()
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", suiteModule).Output()
	if err != nil {
		t.Fatalf("find %s: %v", suiteModule, withStderr(err))
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil || module.Dir == "" {
		t.Fatalf("find %s: %v in %s", suiteModule, err, out)
	}
	s := suite{dir: filepath.Join(t.TempDir(), "suite")}
	if err := copyFiles(s.dir, module.Dir); err != nil {
		t.Fatalf("copy the suite: %v", err)
	}
	return s
}

// copyFiles is os.CopyFS without the read-only modes of the module cache, which
// would keep the copy from being removed.
func copyFiles(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}

// signCertificate makes a certificate for the node, signed by the authority that
// comes with the suite and that its clients trust.
func (s suite) signCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	authority, err := x509.ParseCertificate(readPEM(t, filepath.Join(s.dir, "certs/ca/ca.crt")))
	if err != nil {
		t.Fatalf("the suite's authority: %v", err)
	}
	if time.Now().After(authority.NotAfter) {
		t.Fatalf("the suite's authority expired on %s: take a newer version of %s", authority.NotAfter, suiteModule)
	}
	authorityKey, err := x509.ParsePKCS1PrivateKey(readPEM(t, filepath.Join(s.dir, "certs/ca/ca.key")))
	if err != nil {
		t.Fatalf("the key of the suite's authority: %v", err)
	}
	nodeKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "eventstoredb-node"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, &nodeKey.PublicKey, authorityKey)
	if err != nil {
		t.Fatalf("sign a certificate: %v", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(nodeKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(s.dir, "node.crt"), filepath.Join(s.dir, "node.key")
	writePEM(t, certificate, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", keyDER)
	return certificate, key
}

func readPEM(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("%s is not PEM", filepath.Base(path))
	}
	return block.Bytes
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	content := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// result is how one case ended.
type result struct {
	action string // pass, fail or skip
	output strings.Builder
}

// run runs the cases that are not left out, and returns how each ended.
func (s suite) run(ctx context.Context, t *testing.T) map[string]*result {
	t.Helper()
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=3m",
		"-run=^TestStreams$", "-skip="+skipPattern(), "./test")
	cmd.Dir = s.dir
	// The suite asks for the version of its container in this variable.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "KURRENTDB_DOCKER_TAG=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	results, parseErr := parseResults(&stdout)
	if parseErr != nil {
		t.Fatalf("read the results of the suite: %v\n%s", parseErr, stderr.String())
	}
	var exit *exec.ExitError
	if len(results) == 0 || err != nil && !errors.As(err, &exit) {
		t.Fatalf("the suite did not run: %v\n%s", err, stderr.String())
	}
	if err != nil {
		t.Errorf("the suite failed: %v\n%s", err, stderr.String())
	}
	return results
}

// skipPattern names exactly the cases left out.
func skipPattern() string {
	var patterns []string
	for name := range leftOut {
		parts := []string{"^TestStreams$"}
		for part := range strings.SplitSeq(name, "/") {
			parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
		}
		patterns = append(patterns, strings.Join(parts, "/"))
	}
	slices.Sort(patterns)
	return strings.Join(patterns, "|")
}

// parseResults reads the output of go test -json. Only the innermost tests are
// cases.
func parseResults(r io.Reader) (map[string]*result, error) {
	cases := map[string]*result{}
	parents := map[string]bool{}
	for decoder := json.NewDecoder(r); ; {
		var event struct{ Action, Test, Output string }
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("line of go test: %w", err)
		}
		name, found := strings.CutPrefix(event.Test, "TestStreams/")
		if !found {
			continue
		}
		if i := strings.LastIndex(name, "/"); i >= 0 {
			parents[name[:i]] = true
		}
		if cases[name] == nil {
			cases[name] = &result{action: "none"}
		}
		switch event.Action {
		case "pass", "fail", "skip":
			cases[name].action = event.Action
		case "output":
			cases[name].output.WriteString(event.Output)
		}
	}
	for name := range parents {
		delete(cases, name)
	}
	// A suite of which every case is left out has none.
	for name, result := range cases {
		if !strings.Contains(name, "/") && result.action == "pass" {
			delete(cases, name)
		}
	}
	return cases, nil
}

func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return err
}
