package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/auditlog"
)

// An operator finds what happened, what was when, and what followed from what, while
// a server runs. Names stay hidden, and nothing is changed.
func TestAuditOnTheCommandLine(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	home := ada.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID
	stream := "organization-" + home
	ada.must(t, http.StatusOK, http.MethodPut, "/organizations/current", `{"name":"Difference Engines"}`)
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(append([]string{"audit"}, args...), "--data", place.data)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		if all := stdout + stderr; strings.Contains(all, "Lovelace") || strings.Contains(all, "ada@example.org") || strings.Contains(all, "127.0.0.1") {
			t.Errorf("%v shows data about people: %s", args, all)
		}
		if want != 0 {
			return stderr
		}
		return stdout
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not said: %s", want, text)
			}
		}
	}
	says(run(0, "log"), "UserRegistered", "OrganizationRegistered", stream+"@0", "MemberJoined")
	lines := strings.Split(strings.TrimSpace(run(0, "log", "--aggregate", stream, "--json")), "\n")
	var all []auditlog.Entry
	for _, line := range lines {
		var e auditlog.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Stream != stream || e.ActorKind != "user" || e.CorrelationID == "" {
			t.Fatalf("%+v, %v", e, err)
		}
		all = append(all, e)
	}
	if len(all) != 3 || all[2].Type != "OrganizationProfileUpdated" {
		t.Fatalf("%d events: %+v", len(all), all)
	}
	if text := run(0, "log", "--since", "2100-01-01T00:00:00Z"); text != "" {
		t.Errorf("from the future: %s", text)
	}
	says(run(2, "log", "--since", "tomorrow"), "--since")

	says(run(0, "show", stream), `"name": "Difference Engines"`, "after revision 2")
	var first auditlog.State
	if err := json.Unmarshal([]byte(run(0, "show", stream, "--at", "0", "--json")), &first); err != nil || first.Revision != 0 {
		t.Errorf("%+v, %v", first, err)
	}
	says(run(0, "show", stream, "--at", "2000-01-01T00:00:00Z"), "before its first event")
	says(run(0, "show", stream, "--diff", "0", "--diff", "2"), "from revision 0 to 2", "members", "profile")
	says(run(2, "show", stream, "--diff", "0"), "given twice")
	says(run(2, "show", stream, "--at", "soon"), "neither a time")
	says(run(1, "show", "organization-org_01h455vb4pex5vsknk084sn02q"), "no such stream")
	says(run(1, "show", "dreams"), "no aggregate")

	says(run(0, "replay", stream), "OrganizationRegistered", "MemberJoined", "→")
	if n := strings.Count(run(0, "replay", stream, "--json"), "\n"); n != 3 {
		t.Errorf("%d lines", n)
	}
	replayed := run(0, "replay", "--into", "organizations", "--to", all[0].Position)
	says(replayed, "events are in the tables of the schema organizations_g")
	_, rest, _ := strings.Cut(replayed, "the schema ")
	schema, _, _ := strings.Cut(rest, ",")
	var name string
	if err := connect(t, place).QueryRow(t.Context(), "SELECT name FROM "+schema+".organizations WHERE id = $1", home).Scan(&name); err != nil || name != "Engines" {
		t.Errorf("replayed: %q, %v", name, err)
	}
	says(run(2, "replay", "--into", "organizations", "--from", "here"), "--from")
	says(run(2, "replay"), "name a stream")

	trace := run(0, "trace", all[0].CorrelationID)
	says(trace, "command ", "by user user_", "OrganizationRegistered", "└─ ")
	var commands []*auditlog.Command
	if err := json.Unmarshal([]byte(run(0, "trace", all[0].ID, "--json")), &commands); err != nil || len(commands) != 1 {
		t.Errorf("%+v, %v", commands, err)
	}
	says(run(1, "trace", "nothing"), "no event has this id")
}
