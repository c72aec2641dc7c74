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

// The first system user comes by a secret of the command line, once.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	server := place.serve()
	bootstrap := func() (stdout, stderr string, code int) {
		t.Helper()
		return output(t, place.settings, "admin", "bootstrap", "--data", place.data)
	}
	register := func(secret string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.api+"/users/system", strings.NewReader(`{"email":"grace@example.org","roles":["admin"]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Bootstrap-Secret", secret)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	first, _, code := bootstrap()
	second, stderr, again := bootstrap()
	if code != 0 || again != 0 || strings.Count(second, "\n") != 1 || !strings.Contains(stderr, "good until") || strings.Contains(stderr, strings.TrimSpace(second)) {
		t.Fatalf("ended with %d and %d, and printed %q and %q", code, again, second, stderr)
	}
	if status := register(strings.TrimSpace(first)); status != http.StatusUnauthorized {
		t.Errorf("the secret that was replaced is answered %d", status)
	}
	if status := register(strings.TrimSpace(second)); status != http.StatusCreated {
		t.Errorf("the secret is answered %d", status)
	}
	if status := register(strings.TrimSpace(second)); status != http.StatusUnauthorized {
		t.Errorf("the secret that was used is answered %d", status)
	}
	if stdout, stderr, code := bootstrap(); code != 1 || stdout != "" || stderr == "" {
		t.Errorf("with a system user it ended with %d and printed %q, %q", code, stdout, stderr)
	}
	grace := caller{server.api, place.token("grace")}
	grace.must(t, http.StatusOK, http.MethodGet, "/admin/system-users", "")
	if log := server.log.String(); strings.Contains(log, strings.TrimSpace(first)) || strings.Contains(log, strings.TrimSpace(second)) {
		t.Error("a secret is in the log")
	}
}

// An operator finds the certificate of an erasure, and the journal is replaced only
// when it is lost.
func TestErasuresOnTheCommandLine(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	server := place.serve()
	ada := caller{server.api, place.token("ada")}
	person := ada.must(t, http.StatusCreated, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`).Data.ID
	proof, public := filepath.Join(t.TempDir(), "proof"), filepath.Join(t.TempDir(), "keys")
	for _, args := range [][]string{{"checkpoint"}, {"prove", "user-" + person + "@0", "-o", proof}} {
		if _, stderr, code := output(t, place.settings, append(append([]string{"audit"}, args...), "--data", place.data)...); code != 0 {
			t.Fatalf("%v: %s", args, stderr)
		}
	}
	ada.must(t, http.StatusOK, http.MethodDelete, "/users/profile", `{"confirmEmail":"ada@example.org"}`)
	ada.must(t, http.StatusAccepted, http.MethodDelete, "/users/"+person+"/permanent", "")
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(args, "--data", place.data)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s", args, code, stderr)
		}
		return stdout, stderr
	}
	eventually(t, "the list shows the erasure", func() bool {
		list, _ := run(0, "erasure", "list")
		return strings.Contains(list, person) && !strings.Contains(list, "under way")
	})
	// An erasure changes no event: what was proven before is proven after.
	run(0, "audit", "verify", "--all")
	keys, _ := run(0, "audit", "keys")
	if err := os.WriteFile(public, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := output(t, nil, "audit", "check-proof", proof, "--key", public); code != 0 || !strings.Contains(stdout, "UserRegistered") {
		t.Errorf("the proof of an event of somebody who was erased: %s%s", stdout, stderr)
	}
	text, _ := run(0, "erasure", "show", person)
	asJSON, _ := run(0, "erasure", "show", person, "--json")
	var certificate struct {
		ID, Kind        string
		Keys            []string
		Destroyed, Kept []struct{ What, Note string }
		Remains         []struct{ Where, Until string }
		CompletedAt     string
	}
	if err := json.Unmarshal([]byte(asJSON), &certificate); err != nil {
		t.Fatalf("%v: %s", err, asJSON)
	}
	if certificate.ID != person || certificate.Kind != "user" || certificate.CompletedAt == "" ||
		len(certificate.Destroyed) == 0 || len(certificate.Kept) == 0 || len(certificate.Remains) == 0 {
		t.Errorf("%+v", certificate)
	}
	for _, s := range append(certificate.Destroyed, certificate.Kept...) {
		if !strings.Contains(text, s.What) || !strings.Contains(text, s.Note) {
			t.Errorf("%q is missing for people: %s", s.What, text)
		}
	}
	for _, all := range []string{text, asJSON} {
		if strings.Contains(all, "Lovelace") || strings.Contains(all, "ada@") {
			t.Errorf("the certificate names somebody: %s", all)
		}
	}
	if _, stderr := run(1, "erasure", "show", "user_01h455vb4pex5vsknk084sn02q"); !strings.Contains(stderr, "there is no such erasure") {
		t.Errorf("of an erasure that is none: %s", stderr)
	}
	if _, stderr := run(1, "erasure", "renew-journal"); !strings.Contains(stderr, "is not replaced") {
		t.Errorf("a journal that can be read: %s", stderr)
	}
	server.end(syscall.SIGTERM)
	if err := os.Remove(filepath.Join(place.data, "erasures.journal")); err != nil {
		t.Fatal(err)
	}
	if _, stderr := run(1, "serve", "--addr", "127.0.0.1:0"); !strings.Contains(stderr, "PERFECTWORKS_ERASURE_JOURNAL") {
		t.Errorf("a start without the journal: %s", stderr)
	}
	run(0, "erasure", "renew-journal")
	if again, _ := run(0, "erasure", "show", person, "--json"); again != asJSON {
		t.Errorf("the certificate is another one: %s", again)
	}
	place.serve()
}
