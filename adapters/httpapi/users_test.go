package httpapi_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var _ = inContract(map[string]string{
	"POST /users/client":             byToken,
	"GET /users/profile":             byKeyToo,
	"PUT /users/profile":             byToken,
	"GET /users/active-organization": byKeyToo,
	"PUT /users/active-organization": byToken,

	"DELETE /users/profile":            byToken,
	"POST /users/restore":              byToken,
	"DELETE /users/{userId}/permanent": byToken,
	"GET /users/profile/export":        byToken,

	"GET /organizations/current/export": byToken,
})

var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// times fails unless the fields are times in the contract's form.
func times(t *testing.T, o object, names ...string) {
	t.Helper()
	for _, name := range names {
		if !timeForm.MatchString(str(o, name)) {
			t.Errorf("%s is %v", name, o[name])
		}
	}
}

func TestSigningUp(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := &person{server: s, bearer: s.token("ada")}
	ada.get("/users/profile").refused(t, "403 USER_NOT_REGISTERED")

	first := ada.post("/users/client", `{"firstName":" Ada ","lastName":"Lovelace","locale":"en-gb"}`)
	made := first.data(t, 201)
	want := object{
		"email": "ada@example.com", "emailVerified": true, "firstName": "Ada", "lastName": "Lovelace", "locale": "en-GB",
		"avatarUrl": nil, "activeOrganizationId": nil,
	}
	if diff := cmp.Diff(want, made, cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "id" || k == "createdAt" || k == "updatedAt" })); diff != "" {
		t.Error(diff)
	}
	times(t, made, "createdAt", "updatedAt")
	if first.header.Get("Location") != "/api/v0/users/profile" || first.header.Get("ETag") == "" {
		t.Errorf("%v", first.header)
	}

	// At once it can be read, and again it is the same account.
	read := ada.get("/users/profile")
	if diff := cmp.Diff(made, read.data(t, 200)); diff != "" {
		t.Error(diff)
	}
	if read.header.Get("ETag") != first.header.Get("ETag") {
		t.Errorf("ETag %s, then %s", first.header.Get("ETag"), read.header.Get("ETag"))
	}
	again := ada.post("/users/client", `{"firstName":"Other","lastName":"Name"}`)
	if diff := cmp.Diff(made, again.data(t, 200)); diff != "" {
		t.Error(diff)
	}

	impostor := &person{server: s, bearer: s.token("mallory", func(o *tokenOptions) { o.email = "ADA@example.com" })}
	impostor.post("/users/client", `{"firstName":"A","lastName":"L"}`).refused(t, "409 EMAIL_TAKEN")
	nameless := &person{server: s, bearer: s.token("bob")}
	nameless.post("/users/client", `{"firstName":"  ","lastName":"a\u0007b"}`).refused(t, "400 VALIDATION_FAILED lastName CHARACTER_FORBIDDEN")
	nameless.post("/users/client", `{"firstName":"  ","lastName":"B","locale":"xx-nowhere-at-all"}`).
		refused(t, "400 VALIDATION_FAILED firstName REQUIRED locale VALUE_UNKNOWN")
	homeless := &person{server: s, bearer: s.token("carol", func(o *tokenOptions) { o.email = "" })}
	homeless.post("/users/client", `{"firstName":"A","lastName":"L"}`).refused(t, "422 EMAIL_MISSING")
}

func TestChangingOnesProfile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	before := ada.get("/users/profile")

	after := ada.put("/users/profile", `{"lastName":"King","avatarUrl":"https://example.com/a.png"}`)
	changed := after.data(t, 200)
	if str(changed, "firstName") != "ada" || str(changed, "lastName") != "King" || str(changed, "avatarUrl") != "https://example.com/a.png" {
		t.Errorf("%v", changed)
	}
	if diff := cmp.Diff(changed, ada.get("/users/profile").data(t, 200)); diff != "" {
		t.Errorf("what is read differs from what was answered: %s", diff)
	}
	// Absent and null fields stay, an empty one is cleared.
	cleared := ada.put("/users/profile", `{"firstName":null,"avatarUrl":""}`).data(t, 200)
	if str(cleared, "firstName") != "ada" || cleared["avatarUrl"] != nil {
		t.Errorf("%v", cleared)
	}
	ada.put("/users/profile", `{"firstName":"","avatarUrl":"ftp://x"}`).
		refused(t, "400 VALIDATION_FAILED firstName REQUIRED avatarUrl FORMAT_INVALID")

	old := before.header.Get("ETag")
	ada.call(http.MethodPut, "/users/profile", `{"lastName":"X"}`, "If-Match", old).refused(t, "412 REVISION_STALE")
	current := ada.get("/users/profile").header.Get("ETag")
	if a := ada.call(http.MethodGet, "/users/profile", "", "If-None-Match", current); a.status != 304 || len(a.body) > 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	ada.call(http.MethodPut, "/users/profile", `{"lastName":"X"}`, "If-Match", old+", "+current).data(t, 200)
	ada.call(http.MethodGet, "/users/profile", "", "If-None-Match", current).data(t, 200)
}

func TestActiveOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	if a := ada.get("/users/active-organization"); a.data(t, 200) != nil || a.envelope(t)["data"] != nil {
		t.Errorf("somebody without an organization acts in one: %s", a.body)
	}
	first := ada.post("/organizations", `{"name":"First","logoUrl":"https://example.com/l.png"}`).data(t, 201)
	second := ada.post("/organizations", `{"name":"Second"}`).data(t, 201)
	if first["isActive"] != true || second["isActive"] != false {
		t.Errorf("active: %v, %v", first["isActive"], second["isActive"])
	}
	want := object{"role": "owner", "organization": object{
		"id": first["id"], "name": "First", "slug": "first", "logoUrl": "https://example.com/l.png",
	}}
	if diff := cmp.Diff(want, ada.get("/users/active-organization").data(t, 200)); diff != "" {
		t.Error(diff)
	}
	// It can be switched, and for one request replaced.
	other := ada.call(http.MethodGet, "/organizations/current", "", "X-Organization-Id", str(second, "id")).data(t, 200)
	if other["id"] != second["id"] {
		t.Errorf("acting in %v", other["id"])
	}
	switched := ada.put("/users/active-organization", `{"organizationId":"`+str(second, "id")+`"}`).data(t, 200)
	if diff := cmp.Diff(switched, ada.get("/users/active-organization").data(t, 200)); diff != "" {
		t.Error(diff)
	}
	if got := ada.get("/organizations/current").data(t, 200)["id"]; got != second["id"] {
		t.Errorf("acting in %v", got)
	}
	if got := ada.get("/users/profile").data(t, 200)["activeOrganizationId"]; got != second["id"] {
		t.Errorf("the profile says %v", got)
	}

	// What one is no member of does not exist, like what does not exist.
	eve := s.owner("eve")
	foreign := str(first, "id")
	for _, id := range []string{foreign, "org_01jd9z3q5we8x9v6m2k4t7r1b9", "org_x", "", "key_01jd9z3q5we8x9v6m2k4t7r1b9"} {
		eve.put("/users/active-organization", `{"organizationId":"`+id+`"}`).refused(t, "404 ORGANIZATION_NOT_FOUND")
		if id != "" {
			eve.call(http.MethodGet, "/organizations/current", "", "X-Organization-Id", id).refused(t, "404 ORGANIZATION_NOT_FOUND")
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	with := func(header ...string) answer {
		return s.do(call{method: http.MethodGet, path: "/api/v0/users/profile", header: header})
	}
	short := s.token("ada", func(o *tokenOptions) { o.ttl = time.Second })
	ada := s.register("ada")
	with("Authorization", "Bearer "+ada.bearer).data(t, 200)
	with("authorization", "bearer "+ada.bearer).data(t, 200)
	for want, a := range map[string]answer{
		"401 CREDENTIALS_MISSING":     with(),
		"401 TOKEN_MALFORMED":         with("Authorization", "Bearer nonsense"),
		"401 TOKEN_SIGNATURE_INVALID": with("Authorization", "Bearer "+ada.bearer[:len(ada.bearer)-8]+"AAAAAAAA"),
		"401 API_KEY_MALFORMED":       with("X-API-Key", "pw_test_tooshort"),
		"400 CREDENTIALS_AMBIGUOUS":   with("X-API-Key", "pw_test_tooshort", "Authorization", "Bearer "+ada.bearer),
	} {
		a.refused(t, want)
		if (a.header.Get("WWW-Authenticate") != "") != (a.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", want, a.header.Get("WWW-Authenticate"))
		}
	}
	eventually(t, func() bool { return with("Authorization", "Bearer "+short).status == 401 },
		func() string { return "the token does not expire" })
	with("Authorization", "Bearer "+short).refused(t, "401 TOKEN_EXPIRED")
}
