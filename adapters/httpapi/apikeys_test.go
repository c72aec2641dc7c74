package httpapi_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

var _ = inContract(map[string]string{
	"POST /api-keys":             byToken,
	"GET /api-keys":              byToken,
	"GET /api-keys/{id}":         byToken,
	"PUT /api-keys/{id}":         byToken,
	"DELETE /api-keys/{id}":      byToken,
	"POST /api-keys/{id}/rotate": byToken,
})

func TestIssuingAnAPIKey(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	organization := ada.get("/organizations/current").data(t, 200)["id"]

	a := ada.post("/api-keys", `{"description":"Nightly import","expireAt":"2999-12-31T23:59:59+01:00","scopes":["files:read","profile:read"]}`)
	made := a.data(t, 201)
	key := str(made, "key")
	want := object{
		"key": key, "organizationId": organization, "ownerType": "user", "userId": ada.id,
		"description": "Nightly import", "scopes": []any{"profile:read", "files:read"}, "start": key[:12], "last4": key[len(key)-4:], "status": "active",
		"expireAt": "2999-12-31T22:59:59.000Z", "revokedAt": nil, "predecessorId": nil, "successorId": nil,
	}
	if diff := cmp.Diff(want, made, withoutTimes); diff != "" || !strings.HasPrefix(key, "pw_test_") {
		t.Error(diff)
	}
	if a.header.Get("Location") != "/api/v0/api-keys/"+str(made, "id") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", a.header)
	}
	// It works at once, either way.
	if got := s.withKey(key, http.MethodGet, "/users/active-organization", "").data(t, 200); got["role"] != "owner" {
		t.Errorf("%v", got)
	}
	bearer := &person{server: s, bearer: key}
	if got := bearer.get("/users/profile").data(t, 200); got["id"] != ada.id {
		t.Errorf("%v", got)
	}

	// It is shown again without the key itself.
	read := ada.get("/api-keys/" + str(made, "id"))
	shown := read.data(t, 200)
	if _, there := shown["key"]; there || strings.Contains(string(read.body), key) {
		t.Errorf("the key is shown again: %s", read.body)
	}
	delete(made, "key")
	delete(shown, "lastUsedAt")
	if diff := cmp.Diff(made, shown); diff != "" {
		t.Error(diff)
	}

	for body, want := range map[string]string{
		`{"ownerType":"robot"}`:                              "ownerType VALUE_UNKNOWN",
		`{"expireAt":"2020-01-01T00:00:00Z"}`:                "expireAt NOT_IN_THE_FUTURE",
		`{"expireAt":"soon"}`:                                "expireAt FORMAT_INVALID",
		`{"scopes":["files:read","everything"]}`:             "scopes[1] VALUE_UNKNOWN",
		`{"scopes":[]}`:                                      "scopes REQUIRED",
		`{"scopes":["payments:checkout"]}`:                   "scopes[0] VALUE_UNKNOWN",
		`{"description":"a\u0000b"}`:                         "description CHARACTER_FORBIDDEN",
		`{"description":"a\nb"}`:                             "description CHARACTER_FORBIDDEN",
		`{"description":"\u202eevil"}`:                       "description CHARACTER_FORBIDDEN",
		`{"description":"` + strings.Repeat("a", 256) + `"}`: "description TOO_LONG",
	} {
		ada.post("/api-keys", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	s.register("bob").post("/api-keys", `{}`).refused(t, "409 NO_ACTIVE_ORGANIZATION")
}

func TestKeysCannotManageKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	own := ada.post("/api-keys", `{}`).data(t, 201)
	organizations := ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201)
	path := "/api-keys/" + str(own, "id")
	for _, key := range []string{str(own, "key"), str(organizations, "key")} {
		s.withKey(key, http.MethodPost, "/api-keys", `{}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodGet, "/api-keys", "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodGet, path, "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPut, path, `{"description":"x"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodDelete, path, "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPost, path+"/rotate", "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPost, "/organizations", `{"name":"X"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPut, "/organizations/current", `{"name":"X"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPut, "/users/profile", `{}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		s.withKey(key, http.MethodPost, "/users/client", `{"firstName":"A","lastName":"B"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	}
	// What they may do.
	s.withKey(str(organizations, "key"), http.MethodGet, "/users/profile", "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	current := s.withKey(str(organizations, "key"), http.MethodGet, "/organizations/current", "").data(t, 200)
	if current["role"] != nil || current["name"] != "ada Inc" {
		t.Errorf("%v", current)
	}
	s.withKey(str(own, "key"), http.MethodGet, "/organizations/current", "").data(t, 200)
	narrow := ada.post("/api-keys", `{"scopes":["files:read"]}`).data(t, 201)
	s.withKey(str(narrow, "key"), http.MethodGet, "/organizations/current", "").refused(t, "403 FORBIDDEN")
	s.withKey(str(narrow, "key"), http.MethodGet, "/organizations", "").refused(t, "403 FORBIDDEN")
	s.withKey(str(narrow, "key"), http.MethodGet, "/users/profile", "").refused(t, "403 FORBIDDEN")
	s.withKey(str(narrow, "key"), http.MethodGet, "/users/active-organization", "").refused(t, "403 FORBIDDEN")
	profile := ada.post("/api-keys", `{"scopes":["profile:read"]}`).data(t, 201)
	s.withKey(str(profile, "key"), http.MethodGet, "/users/profile", "").data(t, 200)
	s.withKey(str(profile, "key"), http.MethodGet, "/users/active-organization", "").data(t, 200)
	s.withKey(str(profile, "key"), http.MethodGet, "/organizations/current", "").refused(t, "403 FORBIDDEN")

	// A key is bound to its organization.
	ada.post("/organizations", `{"name":"Another"}`).data(t, 201)
	listed := s.withKey(str(own, "key"), http.MethodGet, "/organizations", "").items(t)
	if len(listed) != 1 || listed[0]["name"] != "ada Inc" || listed[0]["isActive"] != true {
		t.Errorf("the key sees %v", listed)
	}
}

// What a key looks like changes without an event: it is used, and it expires. The
// tag says so, and a change is made to the revision all the same.
func TestTagsOfKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	expireAt := time.Now().Add(3 * time.Second)
	made := ada.post("/api-keys", `{"expireAt":"`+expireAt.UTC().Format(time.RFC3339Nano)+`"}`)
	key := made.data(t, 201)
	path := "/api-keys/" + str(key, "id")
	unused := ada.get(path).header.Get("ETag")
	if unused != made.header.Get("ETag") {
		t.Errorf("made with %s, read with %s", made.header.Get("ETag"), unused)
	}
	if a := ada.call(http.MethodGet, path, "", "If-None-Match", unused); a.status != 304 {
		t.Errorf("unchanged: %d", a.status)
	}
	conn, err := pgx.Connect(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// As its use is noted, every few seconds.
	if _, err := conn.Exec(t.Context(), `INSERT INTO api_key_usage VALUES ($1, now())`, str(key, "id")); err != nil {
		t.Fatal(err)
	}
	used := ada.call(http.MethodGet, path, "", "If-None-Match", unused)
	if used.data(t, 200)["lastUsedAt"] == nil {
		t.Errorf("%s", used.body)
	}
	var expired answer
	eventually(t, func() bool {
		expired = ada.call(http.MethodGet, path, "", "If-None-Match", used.header.Get("ETag"))
		return expired.status == 200 && expired.data(t, 200)["status"] == "expired"
	}, func() string { return "an expired key is said to be as it was" })
	// Each of them is the revision that a change is made to.
	ada.call(http.MethodPut, path, `{"description":"late"}`, "If-Match", unused).data(t, 200)
	ada.call(http.MethodPut, path, `{"description":"later"}`, "If-Match", expired.header.Get("ETag")).refused(t, "412 REVISION_STALE")
}

func TestChangingAndRevokingKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	made := ada.post("/api-keys", `{"description":"one"}`)
	key := made.data(t, 201)
	path := "/api-keys/" + str(key, "id")

	changed := ada.put(path, `{"description":"two"}`)
	if got := changed.data(t, 200); got["description"] != "two" {
		t.Errorf("%v", got)
	}
	ada.call(http.MethodPut, path, `{"description":"three"}`, "If-Match", made.header.Get("ETag")).refused(t, "412 REVISION_STALE")
	ada.call(http.MethodDelete, path, "", "If-Match", made.header.Get("ETag")).refused(t, "412 REVISION_STALE")
	if got := ada.put(path, `{"description":""}`).data(t, 200); got["description"] != nil {
		t.Errorf("%v", got)
	}
	if got := ada.put(path, `{}`).data(t, 200); got["description"] != nil {
		t.Errorf("%v", got)
	}

	first := ada.delete(path)
	revoked := first.data(t, 200)
	times(t, revoked, "revokedAt")
	if revoked["status"] != "revoked" {
		t.Errorf("%v", revoked)
	}
	if diff := cmp.Diff(string(first.body), string(ada.delete(path).body)); diff != "" {
		t.Errorf("again it is not the same: %s", diff)
	}
	for deadline := time.Now().Add(time.Second); ; {
		asked := time.Now()
		if s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").status == 401 {
			break
		}
		if asked.After(deadline) {
			t.Fatal("a second later the key still works")
		}
	}
	s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").refused(t, "401 API_KEY_REVOKED")
	ada.put(path, `{"description":"x"}`).refused(t, "409 API_KEY_REVOKED")
	ada.post(path+"/rotate", "").refused(t, "409 API_KEY_REVOKED")

	// For others, and for nobody's keys, there is nothing.
	eve := s.owner("eve")
	for _, id := range []string{str(key, "id"), "key_01jd9z3q5we8x9v6m2k4t7r1b9", "key_x", "x%00y", "org_01jd9z3q5we8x9v6m2k4t7r1b9"} {
		eve.get("/api-keys/"+id).refused(t, "404 API_KEY_NOT_FOUND")
		eve.put("/api-keys/"+id, `{"description":"x"}`).refused(t, "404 API_KEY_NOT_FOUND")
		eve.delete("/api-keys/"+id).refused(t, "404 API_KEY_NOT_FOUND")
		eve.post("/api-keys/"+id+"/rotate", "").refused(t, "404 API_KEY_NOT_FOUND")
		// Nor does a revision that one guesses tell which is which.
		eve.call(http.MethodDelete, "/api-keys/"+id, "", "If-Match", `"0"`).refused(t, "404 API_KEY_NOT_FOUND")
	}
}

func TestRotatingKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	old := ada.post("/api-keys", `{"description":"import","scopes":["profile:read"]}`).data(t, 201)
	path := "/api-keys/" + str(old, "id") + "/rotate"

	ada.post(path, `{"overlap":-1}`).refused(t, "400 VALIDATION_FAILED overlap OUT_OF_RANGE")
	ada.post(path, `{"overlap":604801}`).refused(t, "400 VALIDATION_FAILED overlap OUT_OF_RANGE")
	ada.post(path, `{"expireAt":"2020-01-01T00:00:00Z"}`).refused(t, "400 VALIDATION_FAILED expireAt NOT_IN_THE_FUTURE")

	a := ada.post(path, `{"overlap":3600}`)
	fresh := a.data(t, 201)
	if str(fresh, "key") == str(old, "key") || fresh["description"] != "import" || fresh["predecessorId"] != old["id"] {
		t.Errorf("%v", fresh)
	}
	predecessor := fresh["predecessor"].(object)
	times(t, predecessor, "expireAt")
	if predecessor["id"] != old["id"] || predecessor["successorId"] != fresh["id"] || predecessor["status"] != "active" {
		t.Errorf("%v", predecessor)
	}
	if _, there := predecessor["key"]; there {
		t.Error("the old key is shown")
	}
	end, err := time.Parse(time.RFC3339, str(predecessor, "expireAt"))
	if left := time.Until(end); err != nil || left < 50*time.Minute || left > time.Hour {
		t.Errorf("the old key goes on for %v", left)
	}
	for _, key := range []string{str(old, "key"), str(fresh, "key")} {
		s.withKey(key, http.MethodGet, "/users/active-organization", "").data(t, 200)
	}
	ada.post(path, "").refused(t, "409 API_KEY_ROTATED")
	// Without an overlap the old key ends at once.
	second := ada.post("/api-keys/"+str(fresh, "id")+"/rotate", `{"overlap":0}`).data(t, 201)
	eventually(t, func() bool {
		return s.withKey(str(fresh, "key"), http.MethodGet, "/users/profile", "").status == 401
	}, func() string { return "the old key goes on" })
	s.withKey(str(second, "key"), http.MethodGet, "/users/profile", "").data(t, 200)
}

// nextMillisecond waits until times that are shown differ from those before.
func nextMillisecond() {
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched()
	}
}

func TestListingKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	for i := range 5 {
		ada.post("/api-keys", fmt.Sprintf(`{"description":"key %d"}`, i)).data(t, 201)
		nextMillisecond()
	}
	ada.post("/api-keys", `{"description":"shared","ownerType":"organization"}`).data(t, 201)
	nextMillisecond()
	last := ada.post("/api-keys", `{"description":"gone"}`).data(t, 201)
	ada.delete("/api-keys/"+str(last, "id")).data(t, 200)

	names := func(query string) (all []string) {
		for _, k := range ada.get("/api-keys?" + query).items(t) {
			if _, there := k["key"]; there {
				t.Fatal("a list shows keys")
			}
			if _, there := k["lastUsedAt"]; !there {
				t.Error("lastUsedAt is missing")
			}
			all = append(all, str(k, "description"))
		}
		return all
	}
	for query, want := range map[string][]string{
		"":                                           {"gone", "shared", "key 4", "key 3", "key 2", "key 1", "key 0"},
		"sort=description:asc&limit=2&page=2":        {"key 1", "key 2"},
		"status=revoked":                             {"gone"},
		"status=active&ownerType=organization":       {"shared"},
		"search=KEY&sort=createdAt:asc&limit=1":      {"key 0"},
		"userId=" + ada.id + "&status=revoked":       {"gone"},
		"userId=nobody":                              nil,
		"search=" + str(last, "last4") + "&limit=10": {"gone"},
	} {
		if diff := cmp.Diff(want, names(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	// Each key once, page by page.
	var walked []string
	for path := "limit=3"; path != ""; {
		a := ada.get("/api-keys?" + path)
		for _, k := range a.items(t) {
			walked = append(walked, str(k, "description"))
		}
		path = ""
		if next := str(a.data(t, 200)["pagination"].(object), "nextCursor"); next != "" {
			path = "limit=3&cursor=" + next
		}
	}
	if diff := cmp.Diff(names(""), walked); diff != "" {
		t.Error(diff)
	}
	if got := s.owner("eve").get("/api-keys").items(t); len(got) != 0 {
		t.Errorf("eve sees %v", got)
	}
}
