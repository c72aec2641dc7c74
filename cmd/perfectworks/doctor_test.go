package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/app"
)

// The doctor finds a running installation sound, and says what is wrong with a
// broken one.
func TestDoctor(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.serve()
	stdout, stderr, code := output(t, place.settings, "doctor", "--json", "--data", place.data)
	var all []app.Finding
	if err := json.Unmarshal([]byte(stdout), &all); err != nil {
		t.Fatalf("it ended with %d: %s%s", code, stdout, stderr)
	}
	// The server for tests does not wait for its disk, which the doctor must say.
	broken := slices.ContainsFunc(all, func(f app.Finding) bool { return f.Health == app.Broken })
	if (code == 1) != broken || code > 1 {
		t.Errorf("it ended with %d: %s%s", code, stdout, stderr)
	}
	found := map[string]app.Finding{}
	for _, f := range all {
		found[f.Check] = f
		if f.Health == app.Broken && f.Check != "durability" || f.Says == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, check := range []string{
		"program", "settings", "data folder", "free space", "space for work", "key file", "open files", "database", "durability",
		"privileges", "schema", "schema of the node", "policies", "connections", "clocks", "extensions", "event log", "log identity",
		"encryption keys", "journal of erasures", "processes", "jobs", "read model users",
	} {
		if _, ok := found[check]; !ok {
			t.Errorf("%s is not checked", check)
		}
	}
	if !strings.HasPrefix(found["processes"].Says, "1 others") {
		t.Errorf("%+v", found["processes"])
	}
	text, _, _ := output(t, place.settings, "doctor", "--data", place.data)
	if !strings.Contains(text, "RESULT") || !strings.Contains(text, " checks: ") || !strings.Contains(text, "Postgres") || strings.Contains(text, place.databaseURL()) {
		t.Errorf("for people: %s", text)
	}

	if err := os.Remove(filepath.Join(place.data, masterKey)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		settings []string
		says     string
	}{
		{place.settings, "no server has kept a key"},
		{append([]string{"PERFECTWORKS_ROLE=dancer"}, place.settings...), "PERFECTWORKS_ROLE"},
		{append([]string{"KMS_URL=base64key://"}, place.settings...), "KMS_URL"},
	} {
		stdout, stderr, code := output(t, c.settings, "doctor", "--data", place.data)
		if code != 1 || !strings.Contains(stdout, "failure") || !strings.Contains(stdout, c.says) {
			t.Errorf("%s: it ended with %d: %s%s", c.says, code, stdout, stderr)
		}
	}
}
