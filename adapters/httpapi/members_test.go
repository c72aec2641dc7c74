package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// What a client sends and the server would not apply is refused: a key that was
// meant to expire must not live forever.
func TestUnknownMembersAreRefused(t *testing.T) {
	t.Parallel()
	ada := newServer(t).owner("ada")
	for body, want := range map[string]string{
		`{"expires":"2030-01-01T00:00:00Z"}`:   "400 VALIDATION_FAILED expires FIELD_UNKNOWN",
		`{"expiresIn":3600}`:                   "400 VALIDATION_FAILED expiresIn FIELD_UNKNOWN",
		`{"expiresAt":"2030-01-01T00:00:00Z"}`: "400 VALIDATION_FAILED expiresAt FIELD_UNKNOWN",
		`{"permissions":["files:read"]}`:       "400 VALIDATION_FAILED permissions FIELD_UNKNOWN",
		`{"colour":"blue"}`:                    "400 VALIDATION_FAILED colour FIELD_UNKNOWN",
		// On POST there is nothing yet that could be carried along.
		`{"id":"key_01jd9z3q5we8x9v6m2k4t7r1b9"}`: "400 VALIDATION_FAILED id FIELD_UNKNOWN",
	} {
		ada.post("/api-keys", body).refused(t, want)
	}
	if keys := ada.get("/api-keys").items(t); len(keys) != 0 {
		t.Errorf("%d keys were created", len(keys))
	}
	ada.post("/organizations", `{"name":"Acme","plan":"gold"}`).refused(t, "400 VALIDATION_FAILED plan FIELD_UNKNOWN")
	ada.put("/users/profile", `{"nickname":"A"}`).refused(t, "400 VALIDATION_FAILED nickname FIELD_UNKNOWN")
	// A query parameter that is not known passes: proxies and trackers add them.
	ada.get("/api-keys?utm_source=mail").items(t)
}

// Clients read a resource, edit it, and send it back whole.
func TestReadEditSendBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	key := str(ada.post("/api-keys", `{"description":"one","expireAt":"2099-01-01T00:00:00Z"}`).data(t, http.StatusCreated), "id")
	for path, edit := range map[string]struct{ member, value string }{
		"/api-keys/" + key:       {"description", "two"},
		"/users/profile":         {"firstName", "Augusta"},
		"/organizations/current": {"description", "We make all."},
	} {
		read := ada.get(path).data(t, http.StatusOK)
		read[edit.member] = edit.value
		body, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		changed := ada.put(path, string(body)).data(t, http.StatusOK)
		if str(changed, edit.member) != edit.value {
			t.Errorf("%s: %s is %q after the edit", path, edit.member, str(changed, edit.member))
		}
	}
	// The same instant in another form is the same.
	ada.put("/api-keys/"+key, `{"expireAt":"2099-01-01T01:00:00+01:00"}`).data(t, http.StatusOK)
	for body, want := range map[string]string{
		`{"expireAt":"2098-01-01T00:00:00Z"}`:     "expireAt",
		`{"expireAt":null}`:                       "expireAt",
		`{"scopes":["files:read"]}`:               "scopes",
		`{"description":"x","status":"revoked"}`:  "status",
		`{"id":"key_01jd9z3q5we8x9v6m2k4t7r1b9"}`: "id",
	} {
		ada.put("/api-keys/"+key, body).refused(t, "400 VALIDATION_FAILED "+want+" FIELD_IMMUTABLE")
	}
	if got := ada.get("/api-keys/"+key).data(t, http.StatusOK); str(got, "description") != "two" {
		t.Errorf("a refused change left the description %q", str(got, "description"))
	}
	// What does not exist is not compared, and tells nothing by it.
	ada.put("/api-keys/key_01jd9z3q5we8x9v6m2k4t7r1b9", `{"expireAt":null}`).refused(t, "404 API_KEY_NOT_FOUND")
	other := s.owner("bob")
	other.put("/api-keys/"+key, `{"expireAt":null}`).refused(t, "404 API_KEY_NOT_FOUND")
}
