package httpapi_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/httpapi"
)

// tenant is an organization with its people, and all ids that name something of
// it, by path parameter.
type tenant struct {
	owner *person
	org   string
	slug  string
	ids   map[string][]string
}

// randomTenant is a tenant of some size.
func randomTenant(t *testing.T, s *server, random *rand.Rand, name string) tenant {
	t.Helper()
	owner := s.owner(name)
	current := owner.get("/organizations/current").data(t, 200)
	tn := tenant{owner: owner, org: str(current, "id"), slug: str(current, "slug"), ids: map[string][]string{}}
	tn.ids["organizationId"] = []string{tn.org}
	tn.ids["userId"] = []string{owner.id}
	tn.ids["memberId"] = []string{owner.id}
	roles := []string{"admin", "billing", "member", "viewer"}
	for i := range 1 + random.IntN(2) {
		m := owner.hired(fmt.Sprintf("%s-member-%d", name, i), roles[random.IntN(len(roles))])
		tn.ids["memberId"] = append(tn.ids["memberId"], m.id)
		tn.ids["userId"] = append(tn.ids["userId"], m.id)
	}
	invited := owner.invite(name+"-invited@example.com", roles[random.IntN(len(roles))])
	tn.ids["invitations"] = []string{str(invited, "id")}
	tn.ids["sessionId"] = []string{owner.checkout(twoProducts)}
	owner.tokens("grant", "payment/1", 100, nil)
	for _, transaction := range owner.get("/token-transactions").items(t) {
		tn.ids["token-transactions"] = append(tn.ids["token-transactions"], str(transaction, "id"))
	}
	owner.post("/referrers", `{"termsAccepted":true}`).data(t, 201)
	campaign := owner.post("/referrer-campaigns", `{"name":"links of `+name+`"}`).data(t, 201)
	tn.ids["referrer-campaigns"] = []string{str(campaign, "id")}
	for range 1 + random.IntN(3) {
		owners := []string{"user", "organization"}
		key := owner.post("/api-keys", `{"ownerType":"`+owners[random.IntN(2)]+`"}`).data(t, 201)
		tn.ids["api-keys"] = append(tn.ids["api-keys"], str(key, "id"))
	}
	file := owner.upload("a.html", typeHTML, []byte(page))
	made := owner.call(http.MethodPost, "/files/"+file+"/analysis", "", "Prefer", "respond-async").data(t, 202)
	owner.post("/files/"+file+"/analysis", "").data(t, 200) // It is over.
	tn.ids["fileId"], tn.ids["jobs"] = []string{file}, []string{str(made, "jobId")}
	return tn
}

// strangers are ids of the same forms that name nothing.
var strangers = map[string]string{
	"organizationId": "org_01h455vb4pex5vsknk084sn02q", "userId": "user_01h455vb4pex5vsknk084sn02q",
	"memberId": "user_01h455vb4pex5vsknk084sn02q", "api-keys": "key_01h455vb4pex5vsknk084sn02q",
	"invitations": "inv_01h455vb4pex5vsknk084sn02q", "sessionId": "cs_test_01h455vb4pex5vsknk084sn02q",
	"token-transactions": "txn_01h455vb4pex5vsknk084sn02q",
	"referrer-campaigns": "cmp_01h455vb4pex5vsknk084sn02q",
	"fileId":             "file_01h455vb4pex5vsknk084sn02q",
	"jobs":               "job_01h455vb4pex5vsknk084sn02q",
}

// alsoNames are the kinds of things that a path's parameter names beside its own.
var alsoNames = map[string]string{"memberId": "invitations"}

// public are the paths of operations that look at no organization.
var public = map[string]bool{"/organizations/slug/{slug}": true, "/token-transactions/statement-keys": true, "/payments/products": true, "/payments/webhooks/stripe": true, "/referral-links/{code}": true}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// kindOf tells what a path's parameter names; empty when it names nothing that
// belongs to a tenant.
func kindOf(op httpapi.Declared) string {
	found := pathParameter.FindStringSubmatch(op.Path)
	switch {
	case found == nil, op.Path == "/organizations/slug/{slug}", strings.HasPrefix(op.Path, "/admin/"),
		found[1] == "code", strings.HasPrefix(op.Path, "/referrer-transactions/"): // Without payments there are none.
		return ""
	case found[1] == "id":
		return strings.Split(op.Path, "/")[1]
	}
	return found[1]
}

// bodies that each operation accepts, as far as its form goes, for those that look
// at what they change only after the body.
var tenantBodies = map[string]string{
	"DELETE /organizations/{organizationId}/permanent": `{"confirmSlug":"%s"}`,
	"PUT /api-keys/{id}":                   `{"description":"mine"}`,
	"PUT /organization-members/{memberId}": `{"role":"viewer"}`,
	"PUT /referrer-campaigns/{id}":         `{"name":"mine"}`,
	"POST /files/{fileId}/conversion":      `{"targetFormat":"pdf"}`,
}

// namedInBodies are the bodies that name something of a tenant, with the kind of
// what they name.
var namedInBodies = map[string]struct{ kind, body string }{
	"POST /organization-members/join": {"invitations", `{"invitationId":"%s"}`},
	"PUT /users/active-organization":  {"organizationId", `{"organizationId":"%s"}`},
}

// One tenant, calling every operation with the ids of another, learns no more
// than with ids of nothing: the same status, the same words, the same headers.
// Operations are in this test by being registered.
func TestTenantsNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	mine, theirs := randomTenant(t, s, random, "mine"), randomTenant(t, s, random, "theirs")
	untouched := []string{"/api-keys?limit=100", "/organization-members?limit=100", "/token-transactions?limit=100"}
	before := map[string][]byte{}
	for _, path := range untouched {
		before[path] = withoutRequest(theirs.owner.get(path))
	}
	operations, err := httpapi.Declarations()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	compare := func(op httpapi.Declared, what string, withTheirs, withNothing answer, ids ...string) {
		t.Helper()
		compared++
		if withTheirs.status != http.StatusNotFound {
			t.Errorf("seed %d: %s %s with %s of another tenant: %d %s", seed, op.Method, op.Path, what, withTheirs.status, withTheirs.body)
		}
		if a, b := withoutRequest(withTheirs), withoutRequest(withNothing); !bytes.Equal(a, b) || withTheirs.status != withNothing.status {
			t.Errorf("seed %d: %s %s tells %s of another tenant from nothing:\n%s\n%s", seed, op.Method, op.Path, what, a, b)
		}
		if a, b := headersOf(withTheirs), headersOf(withNothing); !slices.Equal(a, b) {
			t.Errorf("seed %d: %s %s: other headers for %s: %v, %v", seed, op.Method, op.Path, what, a, b)
		}
		for _, id := range append(ids, theirs.slug) {
			if bytes.Contains(withTheirs.body, []byte(id)) {
				t.Errorf("seed %d: %s %s answers with %s", seed, op.Method, op.Path, id)
			}
		}
	}
	for _, op := range operations {
		body := ""
		if op.Method == http.MethodPost || op.Method == http.MethodPut {
			body = `{}`
		}
		if given, ok := tenantBodies[op.Method+" "+op.Path]; ok {
			body = strings.ReplaceAll(given, "%s", theirs.slug)
		}
		if strings.HasSuffix(op.Path, "/restore") {
			body = ""
		}
		// The organization in the header, for all that look at it.
		path := pathParameter.ReplaceAllString(op.Path, "x")
		elsewhere := mine.owner.in(theirs.org, op.Method, path, body)
		nowhere := mine.owner.in(strangers["organizationId"], op.Method, path, body)
		if !public[op.Path] {
			compare(op, "the organization", elsewhere, nowhere, theirs.org)
		}
		if named, ok := namedInBodies[op.Method+" "+op.Path]; ok {
			for _, id := range theirs.ids[named.kind] {
				with := func(id string) answer {
					return mine.owner.call(op.Method, op.Path, strings.ReplaceAll(named.body, "%s", id))
				}
				compare(op, named.kind, with(id), with(strangers[named.kind]), id)
			}
		}
		kind := kindOf(op)
		if kind == "" {
			continue
		}
		for _, kind := range []string{kind, alsoNames[kind]} {
			if kind == "" {
				continue
			}
			if len(theirs.ids[kind]) == 0 || strangers[kind] == "" {
				t.Errorf("%s %s names %q, of which the tenants have none: add it to randomTenant", op.Method, op.Path, kind)
				continue
			}
			for _, id := range theirs.ids[kind] {
				fill := func(id string) string { return pathParameter.ReplaceAllString(op.Path, id) }
				compare(op, kind, mine.owner.call(op.Method, fill(id), body), mine.owner.call(op.Method, fill(strangers[kind]), body), id)
			}
		}
	}
	if compared < 30 {
		t.Errorf("only %d answers were compared", compared)
	}
	// Lists hold one's own only, and nothing was changed.
	for _, path := range []string{"/api-keys?limit=100", "/organizations?limit=100", "/audit-logs?limit=100", "/organization-members?limit=100", "/token-transactions?limit=100", "/organizations/current/statistics"} {
		a := mine.owner.get(path)
		a.data(t, 200)
		for _, ids := range theirs.ids {
			for _, id := range ids {
				if bytes.Contains(a.body, []byte(id)) {
					t.Errorf("seed %d: %s shows %s of another tenant", seed, path, id)
				}
			}
		}
	}
	for _, path := range untouched {
		if after := withoutRequest(theirs.owner.get(path)); !bytes.Equal(before[path], after) {
			t.Errorf("seed %d: %s of the other tenant changed:\n%s\n%s", seed, path, before[path], after)
		}
	}
}

var requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)

func withoutRequest(a answer) []byte { return requestIDs.ReplaceAll(a.body, nil) }

// headersOf are the fields and values of an answer, but for what differs from one
// request to the next.
func headersOf(a answer) []string {
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		switch name {
		case "Date", "X-Request-Id", "X-Correlation-Id", "Ratelimit", "Content-Length":
			fields = append(fields, name)
		default:
			fields = append(fields, name+": "+strings.Join(a.header[name], ", "))
		}
	}
	return fields
}
