package httpapi_test

import (
	"net/http"
	"testing"
	"time"
)

var _ = inContract(map[string]string{
	"DELETE /organizations/current":                    byToken,
	"POST /organizations/{organizationId}/restore":     byToken,
	"DELETE /organizations/{organizationId}/permanent": byToken,
})

const confirmAcme = `{"confirmSlug":"acme"}`

func TestDeletingAndRestoringAnOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.register("ada"), s.register("bob")
	acme := str(ada.post("/organizations", `{"name":"Acme","slug":"acme"}`).data(t, 201), "id")
	key := str(ada.post("/api-keys", `{}`).data(t, 201), "key")
	shared := str(ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201), "key")

	for body, want := range map[string]string{
		`{}`:                                  "REQUIRED",
		`{"confirmSlug":""}`:                  "MISMATCHED",
		`{"confirmSlug":"Acme"}`:              "MISMATCHED",
		`{"confirmSlug":"acme "}`:             "MISMATCHED",
		`{"confirmSlug":"\u0430cme"}`:         "MISMATCHED",
		`{"confirmSlug":"acme\u0000"}`:        "CHARACTER_FORBIDDEN",
		`{"confirmSlug":"` + long(49) + `"}`:  "TOO_LONG",
		`{"confirmSlug":"acme","reason":"x"}`: "",
	} {
		a := ada.call(http.MethodDelete, "/organizations/current", body)
		if want == "" {
			a.refused(t, "400 VALIDATION_FAILED reason FIELD_UNKNOWN")
			continue
		}
		a.refused(t, "400 VALIDATION_FAILED confirmSlug "+want)
	}
	bob.call(http.MethodDelete, "/organizations/current", confirmAcme).refused(t, "409 NO_ACTIVE_ORGANIZATION")
	s.withKey(key, http.MethodDelete, "/organizations/current", confirmAcme).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	ada.call(http.MethodDelete, "/organizations/current", confirmAcme, "If-Match", `"99"`).refused(t, "412 REVISION_STALE")
	ada.call(http.MethodDelete, "/organizations/"+acme+"/permanent", confirmAcme).refused(t, "409 NOT_SOFT_DELETED")
	if got := ada.post("/organizations/"+acme+"/restore", "").data(t, 200); str(got, "status") != "active" {
		t.Errorf("restoring one in use: %v", got)
	}

	deleted := ada.call(http.MethodDelete, "/organizations/current", confirmAcme)
	got := deleted.data(t, 200)
	times(t, got, "deletedAt", "purgeAt")
	if str(got, "status") != "deleted" || str(got, "id") != acme {
		t.Errorf("%v", got)
	}
	from, _ := time.Parse(time.RFC3339, str(got, "deletedAt"))
	until, _ := time.Parse(time.RFC3339, str(got, "purgeAt"))
	if until.Sub(from) != 30*24*time.Hour {
		t.Errorf("the grace is %v", until.Sub(from))
	}
	at := deleted.header.Get("X-Position")

	// Reads.
	ada.get("/organizations/current").refused(t, "409 NO_ACTIVE_ORGANIZATION")
	ada.call(http.MethodGet, "/organizations/current", "", "X-Organization-Id", acme).refused(t, "404 ORGANIZATION_NOT_FOUND")
	ada.put("/organizations/current", `{"name":"X"}`).refused(t, "409 NO_ACTIVE_ORGANIZATION")
	ada.put("/users/active-organization", `{"organizationId":"`+acme+`"}`).refused(t, "404 ORGANIZATION_NOT_FOUND")
	if data := ada.get("/users/active-organization").envelope(t)["data"]; data != nil {
		t.Errorf("the active organization is %v", data)
	}
	if id := ada.get("/users/profile").data(t, 200)["activeOrganizationId"]; id != nil {
		t.Errorf("the profile names the active organization %v", id)
	}
	slug := call{method: http.MethodGet, path: "/api/v0/organizations/slug/acme", header: []string{"X-Min-Position", at}}
	s.do(slug).refused(t, "404 ORGANIZATION_NOT_FOUND")
	items := ada.get("/organizations").items(t)
	if len(items) != 1 || str(items[0], "status") != "deleted" || items[0]["isActive"] != false {
		t.Errorf("the list of organizations: %v", items)
	}
	// Keys sleep, and the slug is held.
	for _, k := range []string{key, shared} {
		eventually(t, func() bool {
			return s.withKey(k, http.MethodGet, "/organizations/current", "").status == http.StatusUnauthorized
		}, func() string { return "a key of a deleted organization works" })
	}
	bob.post("/organizations", `{"name":"B","slug":"acme"}`).refused(t, "409 SLUG_TAKEN")

	// To all others it does not exist.
	for _, id := range []string{acme, "org_01h455vb4pex5vsknk084sn02q", "nonsense", "org_%00"} {
		bob.post("/organizations/"+id+"/restore", "").refused(t, "404 ORGANIZATION_NOT_FOUND")
		bob.call(http.MethodDelete, "/organizations/"+id+"/permanent", confirmAcme).refused(t, "404 ORGANIZATION_NOT_FOUND")
	}

	// Restored, all is as before.
	restored := ada.post("/organizations/"+acme+"/restore", "").data(t, 200)
	if str(restored, "status") != "active" || str(restored, "role") != "owner" {
		t.Errorf("%v", restored)
	}
	if got := ada.get("/organizations/current").data(t, 200); str(got, "id") != acme {
		t.Errorf("the active organization is not back: %v", got)
	}
	if got := str(ada.get("/users/profile").data(t, 200), "activeOrganizationId"); got != acme {
		t.Errorf("the profile names %q", got)
	}
	for _, k := range []string{key, shared} {
		eventually(t, func() bool {
			return s.withKey(k, http.MethodGet, "/organizations/current", "").status == http.StatusOK
		}, func() string { return "a key does not wake up" })
	}
}

func TestPurgingAnOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.register("ada"), s.register("bob")
	acme := str(ada.post("/organizations", `{"name":"Acme","slug":"acme"}`).data(t, 201), "id")
	key := str(ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201), "key")
	ada.call(http.MethodDelete, "/organizations/current", confirmAcme).data(t, 200)

	// Whoever cannot act in theirs begins with the next.
	made := ada.post("/organizations", `{"name":"Second"}`).data(t, 201)
	if made["isActive"] != true {
		t.Errorf("%v", made)
	}
	ada.call(http.MethodDelete, "/organizations/"+acme+"/permanent", `{"confirmSlug":"second"}`).refused(t, "400 VALIDATION_FAILED confirmSlug MISMATCHED")
	purged := ada.call(http.MethodDelete, "/organizations/"+acme+"/permanent", confirmAcme)
	got := purged.data(t, 202)
	certificate, _ := got["certificate"].(object)
	if str(got, "status") != "purged" || str(got, "id") != acme || str(certificate, "id") != acme || str(certificate, "kind") != "organization" {
		t.Errorf("%v", got)
	}
	ada.post("/organizations/"+acme+"/restore", "").refused(t, "404 ORGANIZATION_NOT_FOUND")
	ada.call(http.MethodDelete, "/organizations/"+acme+"/permanent", confirmAcme).refused(t, "404 ORGANIZATION_NOT_FOUND")
	ada.call(http.MethodGet, "/organizations/current", "", "X-Organization-Id", acme).refused(t, "404 ORGANIZATION_NOT_FOUND")
	s.withKey(key, http.MethodGet, "/organizations/current", "").refused(t, "401 API_KEY_ORPHANED")
	if items := ada.get("/organizations").items(t); len(items) != 1 || str(items[0], "name") != "Second" {
		t.Errorf("the list of organizations: %v", items)
	}
	bob.post("/organizations", `{"name":"B","slug":"acme"}`).refused(t, "409 SLUG_TAKEN")
}

func long(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'a'
	}
	return string(text)
}
