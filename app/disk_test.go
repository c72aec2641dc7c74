package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// A full disk is told to callers at once and by its name; the server is not
// ready meanwhile, and serves again by itself when there is space.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := postgrestest.NewCluster(t).SmallDisk(64 << 20)
	api := start(t, disk.URL)
	api.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	api.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
	// Whose last write is projected: for others a read may have to wait for theirs.
	reader := api.as(t, "grace")
	reader.must(t, http.MethodPost, "/users/client", `{"firstName": "Grace", "lastName": "Hopper"}`)
	reader.must(t, http.MethodGet, "/users/profile", "")

	disk.Fill()
	// Free places on pages that are there already still take some writes.
	await(t, "a refusal", func() bool {
		begun := time.Now()
		code := api.issueCode(t)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("an answer took %v", took)
		}
		return code == "503 STORAGE_FULL"
	})
	for range 20 {
		begun := time.Now()
		code := api.issueCode(t)
		if took := time.Since(begun); code != "503 STORAGE_FULL" && code != "201 " || took > 10*time.Second {
			t.Errorf("answered %q after %v", code, took)
		}
	}
	await(t, "not being ready", func() bool { return api.readiness(t) == http.StatusServiceUnavailable })
	if status, _ := reader.do(t, http.MethodGet, "/users/profile", ""); status != http.StatusOK {
		t.Errorf("reading is answered %d", status)
	}
	disk.Free()
	await(t, "readiness", func() bool { return api.readiness(t) == http.StatusOK })
	if status, _ := api.issue(t, "after"); status != http.StatusCreated {
		t.Errorf("writing is answered %d", status)
	}
}

// issueCode is the status and the error code of an attempt to create a key, whose
// description takes room.
func (a api) issueCode(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/api-keys",
		strings.NewReader(`{"description": "`+strings.Repeat("room ", 40)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error struct{ Code string } }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return strings.Fields(response.Status)[0] + " " + answer.Error.Code
}

func (a api) readiness(t *testing.T) int {
	t.Helper()
	response, err := http.Get(strings.TrimSuffix(a.url, "/api/v0") + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
