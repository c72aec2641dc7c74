package httpapi_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var _ = inContract(map[string]string{"GET /audit-logs": byKeyToo})

func actions(items []object) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = str(item, "action")
	}
	return names
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	acme := str(ada.get("/organizations/current").data(t, 200), "id")
	grace := s.bootstrapped("grace")
	sam := grace.systemUser("sam", "support")

	key := str(ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201), "id")
	ada.call(http.MethodPut, "/organizations/current", `{"name":"Renamed"}`, "X-Correlation-Id", "corr-1", "User-Agent", "Test/1").data(t, 200)
	described := grace.in(acme, http.MethodPut, "/organizations/current", `{"description":"By the operator"}`)
	described.data(t, 200)

	items := ada.call(http.MethodGet, "/audit-logs?limit=100", "", "X-Min-Position", described.header.Get("X-Position")).items(t)
	want := []string{
		"OrganizationProfileUpdated", "OrganizationProfileUpdated", "ApiKeyIssued",
		"ActiveOrganizationSwitched", "MemberJoined", "OrganizationRegistered",
	}
	if diff := cmp.Diff(want, actions(items)); diff != "" {
		t.Fatal(diff)
	}
	renamed := items[1]
	actor, _ := renamed["actor"].(object)
	target, _ := renamed["target"].(object)
	times(t, renamed, "time")
	for what, same := range map[string]bool{
		"actor":   str(actor, "kind") == "user" && str(actor, "id") == ada.id && str(actor, "userId") == ada.id && str(actor, "name") == "ada Example",
		"target":  str(target, "type") == "organization" && str(target, "id") == acme,
		"origin":  str(renamed, "address") == "127.0.0.1" && str(renamed, "userAgent") == "Test/1",
		"ids":     str(renamed, "correlationId") == "corr-1" && str(renamed, "requestId") != "",
		"outcome": str(renamed, "outcome") == "done" && renamed["code"] == nil && renamed["count"] == 1.0,
	} {
		if !same {
			t.Errorf("the %s of %v", what, renamed)
		}
	}
	if operator, _ := items[0]["actor"].(object); str(operator, "kind") != "system" || str(operator, "id") != grace.id || items[0]["address"] == nil {
		t.Errorf("the act of a system user is %v", items[0])
	}
	// Filters, pages, times.
	for query, want := range map[string]int{
		"action=ApiKeyIssued": 1, "actorKind=system": 1, "actorKind=user,system": 6, "targetId=" + key: 1, "targetType=apiKey,user": 2,
		"correlationId=corr-1": 1, "actorId=" + grace.id: 1, "userId=" + ada.id: 5, "outcome=refused": 0, "action=Nothing": 0,
		"from=2000-01-01T00:00:00Z&to=2999-01-01T00:00:00Z": 6, "to=2000-01-01T00:00:00Z": 0, "from=2999-01-01T00:00:00%2B01:00": 0,
	} {
		if got := ada.get("/audit-logs?limit=100&" + query).items(t); len(got) != want {
			t.Errorf("%s finds %d, want %d", query, len(got), want)
		}
	}
	for query, want := range map[string]string{
		"from=yesterday": "from FORMAT_INVALID", "to=2025-13-01T00:00:00Z": "to FORMAT_INVALID", "outcome=maybe": "outcome[0] VALUE_UNKNOWN",
		"format=xml": "format VALUE_UNKNOWN", "sort=action": "sort VALUE_UNKNOWN", "actorKind=king": "actorKind[0] VALUE_UNKNOWN",
	} {
		ada.get("/audit-logs?"+query).refused(t, "400 VALIDATION_FAILED "+want)
	}
	first := ada.get("/audit-logs?limit=4")
	cursor := str(first.data(t, 200)["pagination"].(object), "nextCursor")
	both := append(actions(first.items(t)), actions(ada.get("/audit-logs?limit=4&cursor="+cursor).items(t))...)
	if diff := cmp.Diff(want, both); diff != "" {
		t.Errorf("two pages: %s", diff)
	}
	// Who may read it: support, for one.
	sam.in(acme, http.MethodGet, "/audit-logs", "").data(t, 200)
	s.owner("bob").call(http.MethodGet, "/audit-logs", "", "X-Organization-Id", acme).refused(t, "404 ORGANIZATION_NOT_FOUND")
}

func TestAuditLogIsStreamed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	for i := range 130 { // More than a piece holds.
		ada.put("/organizations/current", fmt.Sprintf(`{"description":"=%d"}`, i)).data(t, 200)
	}
	a := ada.get("/audit-logs?format=csv&action=OrganizationProfileUpdated&sort=time:asc")
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || a.status != 200 || len(rows) != 131 || rows[0][2] != "action" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%d rows, %v, %d %s", len(rows), err, a.status, a.header.Get("Content-Type"))
	}
	seen, last := map[string]bool{}, ""
	for _, row := range rows[1:] {
		if seen[row[0]] || row[1] < last {
			t.Errorf("%v comes twice, or out of order", row)
		}
		seen[row[0]], last = true, row[1]
	}
	a = ada.get("/audit-logs?format=jsonl&outcome=done")
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	if a.header.Get("Content-Type") != "application/jsonl" || len(lines) != 133 {
		t.Fatalf("%d lines of %s", len(lines), a.header.Get("Content-Type"))
	}
	var one object
	if err := json.Unmarshal([]byte(lines[132]), &one); err != nil || str(one, "action") != "OrganizationRegistered" {
		t.Errorf("%v: %s", err, lines[132])
	}
	ada.get("/audit-logs?format=csv&outcome=maybe").refused(t, "400 VALIDATION_FAILED outcome[0] VALUE_UNKNOWN")
}

// What was refused is in the log: once for each kind and minute, with a count.
func TestRefusedCommandsAreAudited(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	mel := ada.hired("mel", "member")
	const tries = 7
	for range tries {
		mel.put("/organizations/current", `{"name":"Mine"}`).refused(t, "403 FORBIDDEN")
	}
	mel.get("/audit-logs").refused(t, "403 FORBIDDEN") // Reads are not.
	ada.put("/organizations/current", `{"name":""}`).refused(t, "400 VALIDATION_FAILED name REQUIRED")
	stranger := &person{server: s, bearer: s.token("stranger")}
	stranger.put("/organizations/current", `{"name":"X"}`).refused(t, "403 USER_NOT_REGISTERED")

	var last []object
	eventually(t, func() bool {
		last = ada.get("/audit-logs?outcome=refused&limit=100").items(t)
		counted := map[string]float64{}
		for _, item := range last {
			actor, _ := item["actor"].(object)
			counted[str(actor, "id")+" "+str(item, "action")+" "+str(item, "code")] += item["count"].(float64)
		}
		return len(counted) == 2 && counted[mel.id+" updateCurrentOrganization FORBIDDEN"] == tries &&
			counted[ada.id+" updateCurrentOrganization VALIDATION_FAILED"] == 1
	}, func() string { return fmt.Sprint(last) })
	if i := slices.IndexFunc(last, func(o object) bool { return o["target"] != nil || str(o, "address") == "" }); i >= 0 || len(last) > 4 {
		t.Errorf("%v", last)
	}
}
