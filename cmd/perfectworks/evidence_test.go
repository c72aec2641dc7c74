package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What somebody with all rights on the database does to the log is found, with its
// position, by checkpoints that lie outside; and a proof can be checked with nothing
// but the public key.
func TestTamperEvidenceOnTheCommandLine(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	server := place.serve()
	ada := caller{server.api, place.token("ada")}
	ada.settle(t)
	home := ada.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID
	stream := "organization-" + home
	server.end(syscall.SIGTERM)

	kept, keys, proof := filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "proof")
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append([]string{"audit"}, args...)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, "Lovelace") || strings.Contains(stdout+stderr, "PRIVATE") && args[0] != "new-key" {
			t.Errorf("%v shows what it must not: %s%s", args, stdout, stderr)
		}
		return stdout + stderr
	}
	data := []string{"--data", place.data}
	write(t, kept, run(0, append(data, "checkpoint", "--note")...))
	write(t, keys, run(0, append(data, "keys")...))
	says(t, run(0, append(data, "checkpoint")...), "perfectworks/", "root")
	says(t, run(0, append(data, "verify", "--all", "--checkpoint", kept, "--key", keys)...), "proven: ", "given")
	run(0, append(data, "prove", stream+"@0", "-o", proof)...)
	says(t, run(0, "check-proof", proof, "--key", keys), "proven: this event was in the log", "OrganizationRegistered", "personal:v2:")
	var shown provenJSON
	if err := json.Unmarshal([]byte(run(0, "check-proof", proof, "--key", keys, "--json")), &shown); err != nil || shown.Stream != stream {
		t.Errorf("%+v, %v", shown, err)
	}
	says(t, run(0, append(data, "prove", shown.ID)...), shown.Stream)
	text, err := os.ReadFile(proof)
	if err != nil {
		t.Fatal(err)
	}
	write(t, proof, strings.Replace(string(text), `"revision": 0`, `"revision": 1`, 1))
	says(t, run(1, "check-proof", proof, "--key", keys), "does not prove")
	write(t, keys+".other", strings.TrimPrefix(run(0, "new-key", "--name", "other"), "\n"))
	says(t, run(1, "check-proof", proof, "--key", keys+".other"), "no known key")
	says(t, run(2, "check-proof", proof), "key")
	says(t, run(2, "new-key", "--name", "two words"), "--name")
	says(t, run(2, append(data, "checkpoint", "--note", "--json")...), "exclude")
	says(t, run(1, append(data, "prove", stream+"@99")...), "does not hold")
	says(t, run(1, append(data, "prove", "nonsense")...), "STREAM@REVISION")
	says(t, run(1, append(data, "prove", "00000000-0000-4000-8000-000000000001")...), "does not hold")

	// An erasure destroys keys, and rewrites no event. Somebody does.
	db := connect(t, place)
	exec := func(statement string, args ...any) {
		t.Helper()
		if tag, err := db.Exec(t.Context(), statement, args...); err != nil || tag.RowsAffected() == 0 {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var position string
	if err := db.QueryRow(t.Context(), "SELECT 'C:' || position || '/P:' || position FROM eventnode.events WHERE stream = $1 AND revision = 0", stream).Scan(&position); err != nil {
		t.Fatal(err)
	}
	exec("UPDATE eventnode.events SET metadata = replace(encode(metadata, 'escape'), 'actorKind\":\"user', 'actorKind\":\"usor')::bytea WHERE stream = $1 AND revision = 0", stream)
	says(t, run(1, append(data, "verify")...), "not proven", "was changed", position)
	var report verifiedJSON
	text = []byte(run(1, append(data, "verify", "--json")...))
	if err := json.NewDecoder(strings.NewReader(string(text))).Decode(&report); err != nil || report.Proven || report.Difference == nil || report.Difference.Position != position {
		t.Errorf("%s, %v", text, err)
	}
	exec("DELETE FROM eventnode.events WHERE stream = $1 AND revision = 0", stream)
	says(t, run(1, append(data, "verify")...), "missing", position)
	// Nothing is built on that, unless an operator has said why.
	says(t, run(1, append(data, "checkpoint", "--new-tree", "--reason", "ticket 4711", "--as", "sysuser_01h455vb4pex5vsknk084sn02q")...), "no system user")
	says(t, run(2, append(data, "checkpoint", "--new-tree")...), "--reason")
	says(t, run(0, append(data, "checkpoint", "--new-tree", "--reason", "ticket 4711")...), "/2")
	says(t, run(0, append(data, "log", "--aggregate", "act", "--json")...), "begin-checkpoint-tree", "ticket 4711")
	run(0, append(data, "verify")...)
	says(t, run(1, append(data, "verify", "--tree", "1")...), "missing", position)
	// The whole store goes, too, and what the database knows of it.
	exec("DELETE FROM audit_checkpoints")
	if err := os.RemoveAll(filepath.Join(place.data, "evidence")); err != nil {
		t.Fatal(err)
	}
	says(t, run(1, append(data, "verify")...), "no checkpoint")
	says(t, run(0, append(data, "checkpoint")...), "perfectworks/")
	run(0, append(data, "verify")...)
	// By the tree of now, and the checkpoint of then.
	says(t, run(1, append(data, "verify", "--checkpoint", kept)...), "not proven")
}
