package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The bounds of a run of Schemathesis, for each credential.
const (
	fuzzSeconds = "60"
	fuzzCases   = "60"
	fuzzTimeout = 5 * time.Minute
)

// Schemathesis reads the API's document and sends what the document allows and
// what it forbids. The answers must be as documented, nothing that is forbidden
// may be accepted, nothing that is allowed refused, and nothing may fail.
//
// SCHEMATHESIS is the program: see `make fuzz-api`.
func TestTheAPIAgainstGeneratedRequests(t *testing.T) {
	t.Parallel()
	schemathesis := os.Getenv("SCHEMATHESIS")
	if schemathesis == "" {
		t.Skip("SCHEMATHESIS is not set: see make fuzz-api")
	}
	configured, err := filepath.Abs("../../tools/schemathesis")
	if err != nil {
		t.Fatal(err)
	}
	place := newInstallation(t)
	for _, limit := range []string{"CALLER", "ORGANIZATION", "ADDRESS"} {
		place.settings = append(place.settings, "PERFECTWORKS_REQUESTS_PER_"+limit+"=10000000")
	}
	server := place.serve()
	ada := caller{server.api, place.token("ada")}
	ada.settle(t)
	key := ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{}`).Data.Key
	for name, credential := range map[string]string{
		"token": "Authorization: Bearer " + ada.token, "API key": "X-API-Key: " + key,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), fuzzTimeout)
			defer cancel()
			command := exec.CommandContext(ctx, schemathesis, "--config-file", filepath.Join(configured, "schemathesis.toml"),
				"run", server.api+"/openapi.json", "--header", credential,
				"--max-time", fuzzSeconds, "--max-examples", fuzzCases, "--continue-on-failure", "--no-shrink", "--request-timeout", "30")
			command.Dir = t.TempDir()
			command.Env = append(os.Environ(), "SCHEMATHESIS_HOOKS="+filepath.Join(configured, "hooks.py"))
			out, err := command.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
	// Not ready yet is an answer to a position ahead; nothing else may fail.
	t.Cleanup(func() {
		for line := range strings.Lines(server.log.String()) {
			if strings.Contains(line, `"requestId"`) && !strings.Contains(line, `"code":"READ_MODEL_BEHIND"`) {
				t.Error(line)
			}
		}
	})
}
