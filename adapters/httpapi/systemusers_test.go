package httpapi_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/perfectworks/backend/app"
)

var _ = inContract(map[string]string{"POST /users/system": byToken})

// bootstrapped returns the first system admin of a server.
func (s *server) bootstrapped(name string) *person {
	s.t.Helper()
	secret, _, err := app.IssueBootstrapSecret(s.t.Context(), app.Settings{
		Environment: app.Development, Data: s.data, DatabaseURL: s.database,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	admin := &person{server: s, name: name, bearer: s.token(name)}
	made := s.do(call{
		method: http.MethodPost, path: "/api/v0/users/system", body: `{"email":"` + name + `@example.com","roles":["admin"]}`,
		header: []string{"X-Bootstrap-Secret", secret.Reveal()},
	}).data(s.t, 201)
	admin.id = str(made, "id")
	return admin
}

// systemUser is somebody whom an admin registered.
func (p *person) systemUser(name, role string) *person {
	p.t.Helper()
	made := p.post("/users/system", `{"email":"`+name+`@example.com","roles":["`+role+`"]}`).data(p.t, 201)
	return &person{server: p.server, name: name, bearer: p.token(name), id: str(made, "id")}
}

// in is a call in an organization.
func (p *person) in(organization, method, path, body string) answer {
	p.t.Helper()
	return p.call(method, path, body, "X-Organization-Id", organization)
}

func TestSystemUsers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	current := ada.get("/organizations/current").data(t, 200)
	acme := str(current, "id")

	first := `{"email":"grace@example.com","roles":["admin"]}`
	withSecret := func(secret, body string) answer {
		return s.do(call{method: http.MethodPost, path: "/api/v0/users/system", body: body, header: []string{"X-Bootstrap-Secret", secret}})
	}
	withSecret("", first).refused(t, "401 CREDENTIALS_MISSING")
	withSecret("bootstrap_guess", first).refused(t, "401 BOOTSTRAP_SECRET_UNKNOWN")
	ada.call(http.MethodPost, "/users/system", first, "X-Bootstrap-Secret", "bootstrap_guess").refused(t, "403 FORBIDDEN")
	grace := s.bootstrapped("grace")
	if _, _, err := app.IssueBootstrapSecret(t.Context(), app.Settings{
		Environment: app.Development, Data: s.data, DatabaseURL: s.database,
	}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a second bootstrap is allowed")
	}

	for body, want := range map[string]string{
		`{"email":"nobody","roles":["admin"]}`:            "email FORMAT_INVALID",
		`{"email":"sam@example.com","roles":[]}`:          "roles REQUIRED",
		`{"email":"sam@example.com","roles":["king"]}`:    "roles[0] VALUE_UNKNOWN",
		`{"email":"sam@example.com"}`:                     "roles REQUIRED",
		`{"email":"sam@exa\u0000mple","roles":["admin"]}`: "email CHARACTER_FORBIDDEN",
	} {
		grace.post("/users/system", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	grace.post("/users/system", first).refused(t, "409 SYSTEM_USER_REGISTERED")
	grace.post("/users/system", `{"email":"GRACE@example.com","roles":["support"]}`).refused(t, "409 SYSTEM_USER_REGISTERED")
	grace.post("/users/system", `{"email":"ada@example.com","roles":["support"]}`).refused(t, "409 EMAIL_TAKEN")
	sam, fay := grace.systemUser("sam", "support"), grace.systemUser("fay", "finance")

	// They are recognised by the address, once; then by the subject.
	unverified := &person{server: s, bearer: s.token("sam", func(o *tokenOptions) { o.verified = false })}
	unverified.get("/admin/system-users").refused(t, "403 USER_NOT_REGISTERED")
	sam.in(acme, http.MethodGet, "/organizations/current", "").data(t, 200)
	impostor := &person{server: s, bearer: s.token("impostor", func(o *tokenOptions) { o.email = "sam@example.com" })}
	impostor.in(acme, http.MethodGet, "/organizations/current", "").refused(t, "403 USER_NOT_REGISTERED")
	sam.bearer = s.token("sam", func(o *tokenOptions) { o.email, o.verified = "elsewhere@example.com", false })
	sam.in(acme, http.MethodGet, "/organizations/current", "").data(t, 200)

	// What each may do, and where.
	for _, p := range []*person{grace, sam, fay} {
		got := p.in(acme, http.MethodGet, "/organizations/current", "").data(t, 200)
		if str(got, "id") != acme || got["role"] != nil {
			t.Errorf("%s reads %v", p.name, got)
		}
		p.get("/organizations/current").refused(t, "409 NO_ACTIVE_ORGANIZATION")
		p.in("org_01h455vb4pex5vsknk084sn02q", http.MethodGet, "/organizations/current", "").refused(t, "404 ORGANIZATION_NOT_FOUND")
		p.get("/users/profile").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		p.post("/users/client", `{"firstName":"A","lastName":"B"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
		p.post("/organizations", `{"name":"X"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	}
	slug := str(current, "slug")
	for _, p := range []*person{sam, fay} {
		p.in(acme, http.MethodPut, "/organizations/current", `{"name":"X"}`).refused(t, "403 FORBIDDEN")
		p.in(acme, http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+slug+`"}`).refused(t, "403 FORBIDDEN")
		p.post("/organizations/"+acme+"/restore", "").refused(t, "403 FORBIDDEN")
		p.post("/users/system", `{"email":"x@example.com","roles":["admin"]}`).refused(t, "403 FORBIDDEN")
		p.get("/admin/system-users").refused(t, "403 FORBIDDEN")
	}
	if got := grace.in(acme, http.MethodPut, "/organizations/current", `{"name":"Renamed"}`).data(t, 200); str(got, "name") != "Renamed" {
		t.Errorf("%v", got)
	}
	grace.in(acme, http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+slug+`"}`).data(t, 200)
	grace.in(acme, http.MethodGet, "/organizations/current", "").refused(t, "404 ORGANIZATION_NOT_FOUND")
	if got := grace.post("/organizations/"+acme+"/restore", "").data(t, 200); got["role"] != nil || str(got, "status") != "active" {
		t.Errorf("%v", got)
	}
	grace.in(acme, http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+slug+`"}`).data(t, 200)
	grace.call(http.MethodDelete, "/organizations/"+acme+"/permanent", `{"confirmSlug":"`+slug+`"}`).data(t, 202)

	// Removed, they are nobody, at once.
	listed := grace.get("/admin/system-users").items(t)
	if len(listed) != 3 || str(listed[0], "email") != "grace@example.com" || str(listed[1], "status") != "active" {
		t.Errorf("the list is %v", listed)
	}
	grace.delete("/admin/system-users/"+grace.id).refused(t, "409 SYSTEM_ADMIN_REQUIRED")
	grace.delete("/admin/system-users/nobody").refused(t, "404 SYSTEM_USER_NOT_FOUND")
	grace.delete("/admin/system-users/"+sam.id).data(t, 200)
	sam.get("/admin/system-users").refused(t, "403 USER_NOT_REGISTERED")
}
