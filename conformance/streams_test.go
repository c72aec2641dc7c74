package conformance

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The suite knows its servers by these addresses.
const (
	insecureAddress = "127.0.0.1:2114"
	secureAddress   = "127.0.0.1:2115"
	credentials     = "admin:changeit"
)

const timeLimit = 4 * time.Minute

func TestStreams(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeLimit)
	defer cancel()

	takeTurns(ctx, t)
	suite := copySuite(ctx, t)
	certificate, key := suite.signCertificate(t)
	binary := nodeBinary(ctx, t)
	startNode(ctx, t, binary, insecureAddress)
	startNode(ctx, t, binary, secureAddress, "--tls-cert", certificate, "--tls-key", key, "--users", usersFile(t, credentials))

	results := suite.run(ctx, t)
	for _, name := range passing {
		t.Run(name, func(t *testing.T) {
			result, ran := results[name]
			switch {
			case !ran:
				t.Fatal("the case did not run")
			case result.action != "pass":
				t.Fatalf("the case ended with %q:\n%s", result.action, result.output.String())
			}
		})
	}
	for name, result := range results {
		if !slices.Contains(passing, name) {
			t.Errorf("case %s ended with %q and is on no list", name, result.action)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(leftOut)) {
		t.Logf("left out: %s: %s", name, leftOut[name])
	}
}

func usersFile(t *testing.T, credentials string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte(credentials+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
