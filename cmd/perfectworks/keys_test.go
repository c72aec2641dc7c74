package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Keys are rotated while a server works, which goes on reading and writing what is
// encrypted; the act is in the log, with its reason.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	server := place.serve()
	ada := caller{api: server.api, token: place.token("ada")}
	ada.settle(t)
	if _, stderr, code := output(t, place.settings, "keys", "rotate", "--data", place.data); code != 2 || !strings.Contains(stderr, "--reason") {
		t.Errorf("without a reason it ended with %d: %s", code, stderr)
	}
	stdout, stderr, code := output(t, place.settings, "keys", "rotate", "--reason", "each year", "--data", place.data)
	if code != 0 || !strings.Contains(stdout, "new master key") {
		t.Fatalf("it ended with %d: %s%s", code, stdout, stderr)
	}
	ada.must(t, http.StatusOK, http.MethodGet, "/users/profile", "")
	ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{"description": "after the rotation"}`)

	db, err := pgx.Connect(t.Context(), place.databaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	var masters, wrapped int
	if err := db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM keyring_master_keys),
		(SELECT count(DISTINCT master_key) FROM subject_keys WHERE master_key IS NOT NULL)`).Scan(&masters, &wrapped); err != nil {
		t.Fatal(err)
	}
	if masters != 2 || wrapped != 1 {
		t.Errorf("there are %d master keys, of which %d wrap keys", masters, wrapped)
	}
	stdout, stderr, code = output(t, place.settings, "audit", "log", "--json", "--data", place.data)
	if code != 0 || !strings.Contains(stdout, "rotate-keys") {
		t.Errorf("the audit log ended with %d: %s%s", code, stdout, stderr)
	}
}
