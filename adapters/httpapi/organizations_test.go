package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var _ = inContract(map[string]string{
	"POST /organizations":            byToken,
	"GET /organizations":             byKeyToo,
	"GET /organizations/current":     byKeyToo,
	"PUT /organizations/current":     byToken,
	"GET /organizations/slug/{slug}": publicly,
})

var withoutTimes = cmpopts.IgnoreMapEntries(func(k string, _ any) bool {
	return k == "id" || k == "createdAt" || k == "updatedAt" || k == "joinedAt"
})

func TestMakingAnOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	ada.get("/organizations/current").refused(t, "409 NO_ACTIVE_ORGANIZATION")

	a := ada.post("/organizations", `{"name":"Acme Söhne","email":"Office@acme.example","website":"https://acme.example",
		"description":"One\nTwo","logoUrl":"https://acme.example/l.png","country":"nl","timezone":"Europe/Amsterdam"}`)
	made := a.data(t, 201)
	want := object{
		"name": "Acme Söhne", "slug": "acme-sohne", "email": "Office@acme.example", "website": "https://acme.example",
		"description": "One\nTwo", "logoUrl": "https://acme.example/l.png", "country": "NL", "timezone": "Europe/Amsterdam",
		"status": "active", "role": "owner", "isActive": true, "fileRetentionDays": nil,
	}
	if diff := cmp.Diff(want, made, withoutTimes); diff != "" {
		t.Error(diff)
	}
	times(t, made, "createdAt", "updatedAt")
	if a.header.Get("Location") != "/api/v0/organizations/slug/acme-sohne" {
		t.Errorf("Location %s", a.header.Get("Location"))
	}
	read := ada.get("/organizations/current")
	delete(made, "isActive")
	if diff := cmp.Diff(made, read.data(t, 200)); diff != "" {
		t.Errorf("what is read differs from what was answered: %s", diff)
	}
	if read.header.Get("ETag") != a.header.Get("ETag") {
		t.Errorf("ETag %s, then %s", a.header.Get("ETag"), read.header.Get("ETag"))
	}

	bob := s.register("bob")
	bob.post("/organizations", `{"name":"B","slug":"acme-sohne"}`).refused(t, "409 SLUG_TAKEN")
	other := bob.post("/organizations", `{"name":"Acme Söhne"}`).data(t, 201)
	if str(other, "slug") == "acme-sohne" || !strings.HasPrefix(str(other, "slug"), "acme-sohne-") {
		t.Errorf("the same name gives the slug %v", other["slug"])
	}
	for body, want := range map[string]string{
		`{}`:                            "name REQUIRED",
		`{"name":"  "}`:                 "name REQUIRED",
		`{"name":"B","slug":"-a-"}`:     "slug FORMAT_INVALID",
		`{"name":"B","slug":"ab"}`:      "slug TOO_SHORT",
		`{"name":"B","slug":"admin"}`:   "slug RESERVED",
		`{"name":"B","email":"nobody"}`: "email FORMAT_INVALID",

		`{"name":"B","website":"javascript:alert(1)"}`:        "website FORMAT_INVALID",
		`{"name":"B","website":"http://b.example"}`:           "website FORMAT_INVALID",
		`{"name":"B","logoUrl":"https://u:p@b.example/l"}`:    "logoUrl FORMAT_INVALID",
		`{"name":"B","website":"https://` + long(2041) + `"}`: "website TOO_LONG",
		`{"name":"B","slug":"\u0430cme"}`:                     "slug FORMAT_INVALID",
		`{"name":"B","slug":"ADMIN"}`:                         "slug FORMAT_INVALID",
		`{"name":"B","slug":"` + long(49) + `"}`:              "slug TOO_LONG",
		`{"name":"a\u0000b"}`:                                 "name CHARACTER_FORBIDDEN",
		`{"name":"a\u202eb"}`:                                 "name CHARACTER_FORBIDDEN",
		`{"name":"B","description":"a\u0007b"}`:               "description CHARACTER_FORBIDDEN",
		`{"name":"B","description":"` + long(1001) + `"}`:     "description TOO_LONG",
		`{"name":"B","country":"nld"}`:                        "country VALUE_UNKNOWN",
		`{"name":"B","timezone":"europe/amsterdam"}`:          "timezone VALUE_UNKNOWN",
		`{"name":"B","country":"XX","timezone":"Nowhere"}`:    "country VALUE_UNKNOWN timezone VALUE_UNKNOWN",
		`{"name":"` + strings.Repeat("x", 101) + `"}`:         "name TOO_LONG",
	} {
		bob.post("/organizations", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	unverified := &person{server: s, bearer: s.token("carol", func(o *tokenOptions) { o.verified = false })}
	unverified.post("/users/client", `{"firstName":"C","lastName":"C"}`).data(t, 201)
	unverified.post("/organizations", `{"name":"C"}`).refused(t, "403 EMAIL_NOT_VERIFIED")
}

func TestChangingAnOrganization(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	before := ada.get("/organizations/current")

	a := ada.put("/organizations/current", `{"name":"Renamed","slug":"renamed","country":"DE","email":"x@example.com"}`)
	after := a.data(t, 200)
	if str(after, "name") != "Renamed" || str(after, "slug") != "renamed" || str(after, "role") != "owner" {
		t.Errorf("%v", after)
	}
	read := ada.get("/organizations/current")
	if diff := cmp.Diff(after, read.data(t, 200)); diff != "" {
		t.Error(diff)
	}
	if read.header.Get("ETag") != a.header.Get("ETag") || read.header.Get("ETag") == before.header.Get("ETag") {
		t.Errorf("ETag %s, %s, %s", before.header.Get("ETag"), a.header.Get("ETag"), read.header.Get("ETag"))
	}
	ada.call(http.MethodPut, "/organizations/current", `{"name":"X"}`, "If-Match", before.header.Get("ETag")).refused(t, "412 REVISION_STALE")
	ada.call(http.MethodPut, "/organizations/current", `{"name":"Y"}`, "If-Match", read.header.Get("ETag")).data(t, 200)

	s.owner("bob")
	ada.put("/organizations/current", `{"slug":"bob-inc"}`).refused(t, "409 SLUG_TAKEN")
	ada.put("/organizations/current", `{"name":""}`).refused(t, "400 VALIDATION_FAILED name REQUIRED")
	if got := ada.put("/organizations/current", `{"email":""}`).data(t, 200); got["email"] != nil || str(got, "country") != "DE" {
		t.Errorf("%v", got)
	}
	s.register("carol").put("/organizations/current", `{"name":"Z"}`).refused(t, "409 NO_ACTIVE_ORGANIZATION")
}

// Files are kept unless an owner or admin says for how long.
func TestTheRetentionOfFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	if got := ada.get("/organizations/current").data(t, 200); got["fileRetentionDays"] != nil {
		t.Errorf("by default it is %v", got["fileRetentionDays"])
	}
	for body, want := range map[string]string{
		`{"fileRetentionDays":-1}`:   "OUT_OF_RANGE",
		`{"fileRetentionDays":3651}`: "OUT_OF_RANGE",
		`{"fileRetentionDays":1.5}`:  "TYPE_MISMATCHED",
		`{"fileRetentionDays":"30"}`: "TYPE_MISMATCHED",
	} {
		a := ada.put("/organizations/current", body)
		if a.status != 400 || !strings.Contains(string(a.body), `"fileRetentionDays"`) {
			t.Errorf("%s: want %s: %d: %s", body, want, a.status, a.body)
		}
	}
	set := ada.put("/organizations/current", `{"fileRetentionDays":30}`)
	if got := set.data(t, 200); got["fileRetentionDays"] != 30.0 {
		t.Errorf("%v", got)
	}
	read := ada.get("/organizations/current")
	if got := read.data(t, 200); got["fileRetentionDays"] != 30.0 || read.header.Get("ETag") != set.header.Get("ETag") {
		t.Errorf("%v, %s", got, read.header.Get("ETag"))
	}
	// What was read can be sent back, and what is left out stays.
	back, err := json.Marshal(read.data(t, 200))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{string(back), `{"name":"Other"}`, `{"fileRetentionDays":null}`} {
		if got := ada.put("/organizations/current", body).data(t, 200); got["fileRetentionDays"] != 30.0 {
			t.Errorf("after %s: %v", body, got)
		}
	}
	if got := ada.put("/organizations/current", `{"fileRetentionDays":0}`).data(t, 200); got["fileRetentionDays"] != nil {
		t.Errorf("%v", got)
	}
}

func TestPublicOrganizations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	ada.post("/organizations", `{"name":"Acme","slug":"acme","email":"hidden@acme.example","website":"https://acme.example"}`).data(t, 201)
	at := ada.put("/organizations/current", `{"slug":"acme-new"}`).header.Get("X-Position")

	public := func(slug string) answer {
		return s.do(call{method: http.MethodGet, path: "/api/v0/organizations/slug/" + slug, header: []string{"X-Min-Position", at}})
	}
	got := public("acme-new").data(t, 200)
	want := object{"name": "Acme", "slug": "acme-new", "logoUrl": nil, "website": "https://acme.example", "description": nil}
	if diff := cmp.Diff(want, got, withoutTimes); diff != "" || str(got, "id") == "" {
		t.Error(diff)
	}
	moved := public("acme")
	if moved.status != 301 || moved.header.Get("Location") != "/api/v0/organizations/slug/acme-new" {
		t.Errorf("%d to %s", moved.status, moved.header.Get("Location"))
	}
	if cache := moved.header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("the redirect may be kept: %q", cache)
	}
	for _, slug := range []string{"nobody", "ACME-NEW", "a%00b", "%FF", "a%20b", "..", "%2e%2e", "😀", "'or'1'='1", strings.Repeat("a", 5000)} {
		if a := public(slug); a.status != 404 {
			t.Errorf("%q: %d %s", slug, a.status, a.body)
		}
	}
}

func TestListingOrganizations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	for i := range 12 {
		ada.post("/organizations", fmt.Sprintf(`{"name":"Org %02d"}`, i)).data(t, 201)
	}
	s.owner("bob")

	first := ada.get("/organizations?sort=name:asc")
	items := first.items(t)
	pagination := first.data(t, 200)["pagination"].(object)
	next := str(pagination, "nextCursor")
	delete(pagination, "nextCursor")
	if diff := cmp.Diff(object{"page": 1.0, "limit": 10.0, "total": 12.0, "totalPages": 2.0}, pagination); diff != "" {
		t.Error(diff)
	}
	want := object{"name": "Org 00", "slug": "org-00", "logoUrl": nil, "role": "owner", "status": "active", "isActive": true}
	if diff := cmp.Diff(want, items[0], withoutTimes); diff != "" || len(items) != 10 {
		t.Errorf("%d items: %s", len(items), diff)
	}
	times(t, items[0], "joinedAt")
	for name, rest := range map[string]answer{
		"page":   ada.get("/organizations?sort=name:asc&page=2"),
		"cursor": ada.get("/organizations?sort=name:asc&cursor=" + next),
	} {
		got := rest.items(t)
		if len(got) != 2 || str(got[0], "name") != "Org 10" || rest.data(t, 200)["pagination"].(object)["nextCursor"] != nil {
			t.Errorf("the second page by %s: %s", name, rest.body)
		}
	}
	if got := ada.get("/organizations?search=RG%200&limit=100").items(t); len(got) != 10 {
		t.Errorf("a search finds %d", len(got))
	}
	if got := ada.get("/organizations?role=admin,viewer").items(t); len(got) != 0 {
		t.Errorf("a filter finds %d", len(got))
	}
	if got := ada.get("/organizations?page=500").items(t); len(got) != 0 {
		t.Errorf("a page beyond the end has %d items", len(got))
	}
	for query, want := range map[string]string{
		"page=0": "page OUT_OF_RANGE", "page=x": "page TYPE_INVALID", "page=1.5": "page TYPE_INVALID", "page=-1": "page OUT_OF_RANGE",
		"page=2147483648": "page OUT_OF_RANGE", "page=99999999999999999999": "page TYPE_INVALID",
		"limit=0": "limit OUT_OF_RANGE", "limit=101": "limit OUT_OF_RANGE", "limit=ten": "limit TYPE_INVALID",
		"sort=email": "sort VALUE_UNKNOWN", "sort=name:up": "sort VALUE_UNKNOWN", "sort=name;drop%20table": "sort VALUE_UNKNOWN",
		"cursor=x": "cursor FORMAT_INVALID", "cursor=%00": "cursor FORMAT_INVALID", "sort=slug&cursor=" + next: "cursor FORMAT_INVALID",
		"page=1&sort=name:asc&cursor=" + next: "cursor FORMAT_INVALID",
		"role=king":                           "role[0] VALUE_UNKNOWN", "status=purged": "status[0] VALUE_UNKNOWN",
		"search=%00": "search CHARACTER_FORBIDDEN", "search=%ff": "search CHARACTER_FORBIDDEN", "search=" + strings.Repeat("a", 101): "search TOO_LONG",
	} {
		ada.get("/organizations?"+query).refused(t, "400 VALIDATION_FAILED "+want)
	}
}
