package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// records are those of an export, by type.
func records(t *testing.T, a answer) map[string][]object {
	t.Helper()
	data := a.data(t, 200)
	all, _ := data["records"].([]any)
	byType := map[string][]object{}
	for _, r := range all {
		record := r.(object)
		byType[str(record, "type")] = append(byType[str(record, "type")], record)
		times(t, record, "recordedAt")
	}
	return byType
}

// A person has what is stored about them, and nothing of others.
func TestExportingOwnData(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.owner("ada"), s.owner("bob")
	ada.call(http.MethodPut, "/users/profile", `{"lastName":"King"}`, "User-Agent", "agent-of-ada").data(t, 200)
	secret := ada.post("/api-keys", `{"description":"nightly"}`).data(t, 201)
	bob.put("/users/profile", `{"lastName":"Secret-of-Bob"}`).data(t, 200)

	export := ada.get("/users/profile/export")
	got := records(t, export)
	if data := export.data(t, 200); str(data, "id") != ada.id || str(data, "kind") != "user" {
		t.Errorf("%v %v", data["id"], data["kind"])
	}
	if want := `attachment; filename="` + ada.id + `.json"`; export.header.Get("Content-Disposition") != want {
		t.Errorf("%v", export.header)
	}
	for name, n := range map[string]int{
		"UserRegistered": 1, "UserProfileUpdated": 1, "ApiKeyIssued": 1, "OrganizationRegistered": 1, "MemberJoined": 1, "ActiveOrganizationSwitched": 1,
	} {
		if len(got[name]) != n {
			t.Errorf("%d of %s, want %d", len(got[name]), name, n)
		}
	}
	registered, _ := got["UserRegistered"][0]["data"].(object)
	if str(registered, "email") != "ada@example.com" || str(registered, "firstName") != "ada" {
		t.Errorf("%v", registered)
	}
	updated := got["UserProfileUpdated"][0]["metadata"].(object)
	if str(updated, "userAgent") != "agent-of-ada" || str(updated, "clientAddress") == "" {
		t.Errorf("%v", updated)
	}
	for _, leak := range []string{"Secret-of-Bob", bob.id, str(secret, "key"), "secretHash", "Hash\""} {
		if strings.Contains(string(export.body), leak) {
			t.Errorf("%s is in the export", leak)
		}
	}
	s.withKey(str(secret, "key"), http.MethodGet, "/users/profile/export", "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	(&person{server: s, bearer: s.token("stranger")}).get("/users/profile/export").refused(t, "403 USER_NOT_REGISTERED")

	// Also before the end.
	ada.call(http.MethodDelete, "/organizations/current", `{"confirmSlug":"ada-inc"}`).data(t, 200)
	ada.call(http.MethodDelete, "/users/profile", confirmAda).data(t, 200)
	if late := records(t, ada.get("/users/profile/export")); len(late["UserDeactivated"]) != 1 || len(late["MemberSuspended"]) != 1 {
		t.Errorf("after the deactivation: %v", late)
	}
}

func TestExportingAnOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.register("ada"), s.owner("bob")
	ada.get("/organizations/current/export").refused(t, "409 NO_ACTIVE_ORGANIZATION")
	acme := str(ada.post("/organizations", `{"name":"Acme","email":"office@acme.example"}`).data(t, 201), "id")
	key := ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201)
	export := ada.get("/organizations/current/export")
	got := records(t, export)
	if len(got["OrganizationRegistered"]) != 1 || len(got["MemberJoined"]) != 1 || len(got["ApiKeyIssued"]) != 1 {
		t.Errorf("%v", got)
	}
	registered := got["OrganizationRegistered"][0]["data"].(object)
	if str(registered, "email") != "office@acme.example" || str(registered, "organizationId") != acme {
		t.Errorf("%v", registered)
	}
	if body := string(export.body); strings.Contains(body, "clientAddress") || strings.Contains(body, "ada@example.com") {
		t.Error("it tells of the person who acted")
	}
	s.withKey(str(key, "key"), http.MethodGet, "/organizations/current/export", "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	bob.call(http.MethodGet, "/organizations/current/export", "", "X-Organization-Id", acme).refused(t, "404 ORGANIZATION_NOT_FOUND")
}
