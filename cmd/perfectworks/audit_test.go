package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

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
	says(t, run(0, "log"), "UserRegistered", "OrganizationRegistered", stream+"@0", "MemberJoined")
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
	says(t, run(0, "log", "--aggregate", "reservation"), "reservation-") // Which no projection follows.
	if text := run(0, "log", "--since", "2100-01-01T00:00:00Z"); text != "" {
		t.Errorf("from the future: %s", text)
	}
	says(t, run(2, "log", "--since", "tomorrow"), "--since")

	says(t, run(0, "show", stream), `"name": "Difference Engines"`, "after revision 2")
	var first auditlog.State
	if err := json.Unmarshal([]byte(run(0, "show", stream, "--at", "0", "--json")), &first); err != nil || first.Revision != 0 {
		t.Errorf("%+v, %v", first, err)
	}
	says(t, run(0, "show", stream, "--at", "2000-01-01T00:00:00Z"), "before its first event")
	for _, diff := range [][]string{{"--diff", "0", "--diff", "2"}, {"--diff", "0", "2"}, {"--diff", "0"}} {
		says(t, run(0, append([]string{"show", stream}, diff...)...), "from revision 0 to 2", "members.user_", "profile.name", `"Engines"`, `→  "Difference Engines"`)
	}
	var diff stateDifferenceJSON
	if err := json.Unmarshal([]byte(run(0, "show", stream, "--diff", "1", "2", "--json")), &diff); err != nil || len(diff.Changes) != 2 || diff.Changes[0].Field != "profile.name" || diff.Changes[0].To != "Difference Engines" {
		t.Errorf("%+v, %v", diff.Changes, err)
	}
	says(t, run(2, "show", stream, "1"), "--diff")
	says(t, run(2, "show", stream, "--diff", "0", "1", "--at", "1"), "exclude")
	says(t, run(2, "show", stream, "--at", "soon"), "neither a time")
	says(t, run(1, "show", "organization-org_01h455vb4pex5vsknk084sn02q"), "no such stream")
	says(t, run(1, "show", "dreams"), "no aggregate")

	says(t, run(0, "replay", stream), "OrganizationRegistered", "MemberJoined", "→")
	if n := strings.Count(run(0, "replay", stream, "--json"), "\n"); n != 3 {
		t.Errorf("%d lines", n)
	}
	says(t, run(0, "replay", stream, "--state"), `"name": "Difference Engines"`)
	// Rows are printed, with people hidden, and nothing is left behind.
	says(t, run(0, "replay", "--into", "organizations", "--to", all[0].Position), "organizations", `"Engines"`, "events made 2 rows")
	people := run(0, "replay", "--into", "users", "--json")
	says(t, people, `"table":`, "[personal]")
	schemas := func() (n int) {
		t.Helper()
		if err := connect(t, place).QueryRow(t.Context(), "SELECT count(*) FROM projection.generations WHERE state = 'scratch'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := schemas(); n != 0 {
		t.Errorf("%d scratch schemas are left", n)
	}
	replayed := run(0, "replay", "--into", "organizations", "--to", all[0].Position, "--keep", "--reason", "ticket 4711")
	says(t, replayed, "events are in the tables of the schema organizations_g")
	_, rest, _ := strings.Cut(replayed, "the schema ")
	schema, _, _ := strings.Cut(rest, ",")
	var name string
	if err := connect(t, place).QueryRow(t.Context(), "SELECT name FROM "+schema+".organizations WHERE id = $1", home).Scan(&name); err != nil || name != "Engines" || schemas() != 1 {
		t.Errorf("replayed: %q, %v", name, err)
	}
	says(t, run(2, "replay", "--into", "organizations", "--from", "here"), "--from")
	says(t, run(2, "replay", "--into", "organizations", "--from", "C:9/P:9", "--to", "C:8/P:8"), "--from must not be after")
	says(t, run(2, "replay"), "name a stream")
	says(t, run(2, "replay", stream, "--step", "--json"), "exclude")
	says(t, run(0, "log", "--type", "OperatorActBegan", "--json"), "replay-into-scratch", "ticket 4711")

	trace := run(0, "trace", all[0].CorrelationID)
	says(t, trace, "command ", "by user user_", "OrganizationRegistered", "└─ ")
	var commands []*auditlog.Command
	if err := json.Unmarshal([]byte(run(0, "trace", all[0].ID, "--json")), &commands); err != nil || len(commands) != 1 {
		t.Errorf("%+v, %v", commands, err)
	}
	says(t, run(1, "trace", "nothing"), "no event has this id")
}

// Stepping shows one event for each Enter, and ends with q or the input.
func TestSteppingThroughAStream(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	stream := "organization-" + ada.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID
	for keys, want := range map[string]int{"": 1, "q\n": 1, "\n": 2, "\n\n\n\n": 2} {
		command := program(t, place.settings, "audit", "replay", stream, "--step", "--data", place.data)
		command.Stdin = strings.NewReader(keys)
		stdout, err := command.Output()
		if n := strings.Count(string(stdout), stream+"@"); err != nil || n != want {
			t.Errorf("%q: %d events, want %d: %s, %v", keys, n, want, stdout, err)
		}
	}
}

// An export is written as it is read, hides people, and shows them only for a reason
// that is recorded first, with who gave it.
func TestExportingTheAuditLog(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	home := ada.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(append([]string{"audit"}, args...), "--data", place.data)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		if want != 0 {
			return stderr
		}
		return stdout
	}
	personal := []string{"Lovelace", "ada@example.org", "127.0.0.1"}
	hidden := run(0, "export")
	for line := range strings.Lines(hidden) {
		var e auditlog.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if n := strings.Count(hidden, `"type":"UserRegistered"`); n != 1 {
		t.Errorf("%d registrations: %s", n, hidden)
	}
	records, err := csv.NewReader(strings.NewReader(run(0, "export", "--format", "csv", "--organization", home))).ReadAll()
	if err != nil || len(records) < 3 || records[0][0] != "position" || records[1][9] != home {
		t.Errorf("%v, %v", records, err)
	}
	for _, text := range personal {
		if strings.Contains(hidden, text) || strings.Contains(fmt.Sprint(records), text) {
			t.Errorf("%q is exported", text)
		}
	}
	for _, args := range [][]string{{"export", "--reveal"}, {"export", "--reveal", "--reason", " "}, {"export", "--format", "xml"}, {"export", "--since", "now"}} {
		run(2, args...)
	}
	if text := run(1, "export", "--reveal", "--reason", "ticket 4711", "--as", "nobody@example.org"); !strings.Contains(text, "no system user") {
		t.Error(text)
	}
	file := filepath.Join(t.TempDir(), "export.csv")
	run(0, "export", "--reveal", "--reason", "ticket 4711", "--format", "csv", "-o", file)
	revealed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range personal {
		if !strings.Contains(string(revealed), text) {
			t.Errorf("%q is not revealed: %s", text, revealed)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	run(1, "export", "-o", file)
	acts := run(0, "log", "--aggregate", "act", "--json")
	for text, want := range map[string]int{`"kind":"reveal-personal-data"`: 1, `"reason":"ticket 4711"`: 1, `"kind":"export-audit-log"`: 2, `"note":"`: 3, `"organization":"` + home: 1} {
		if n := strings.Count(acts, text); n != want {
			t.Errorf("%s: %d times, want %d: %s", text, n, want, acts)
		}
	}
}

// What events hold does not act on a terminal, in whatever form it is printed.
func TestTextsAreSafeForATerminal(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	stream := "organization-" + ada.must(t, http.StatusOK, http.MethodGet, "/organizations/current", "").Data.ID
	db := connect(t, place)
	if _, err := db.Exec(t.Context(), `UPDATE eventnode.events SET
		data = convert_to(replace(convert_from(data, 'UTF8'), '"Engines"', '"En' || chr(155) || '31m\u001b[2Jgi' || chr(8238) || 'nes"'), 'UTF8'),
		metadata = convert_to(replace(convert_from(metadata, 'UTF8'), '"actorKind":"user"', '"actorKind":"us' || chr(155) || 'er"'), 'UTF8')
		WHERE stream = $1 AND revision = 0`, stream); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"log"},
		{"log", "--json"},
		{"show", stream},
		{"show", stream, "--json"},
		{"show", stream, "--diff", "2000-01-01T00:00:00Z", "0"},
		{"replay", stream},
		{"replay", stream, "--state"},
		{"replay", stream, "--json"},
		{"replay", "--into", "organizations"},
		{"replay", "--into", "organizations", "--json"},
		{"export"},
		{"export", "--format", "csv"},
	} {
		stdout, stderr, _ := output(t, place.settings, append(append([]string{"audit"}, args...), "--data", place.data)...)
		if whole := args[0] != "log" && len(args) != 2 && !slices.Contains(args, "0"); !strings.Contains(stdout, "En") && whole || stdout == "" {
			t.Errorf("%v shows nothing: %s%s", args, stdout, stderr)
		}
		if i := strings.IndexFunc(stdout+stderr, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%v prints %q", args, (stdout + stderr)[i:min(i+20, len(stdout+stderr))])
		}
	}
}

// A trace goes from the request that opened a checkout over the webhooks that answered
// it to the tokens that policies granted, and is found by the webhook, too.
func TestTracingAPayment(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.settings = append(place.settings, "PERFECTWORKS_SANDBOX_ADDR=127.0.0.1:0", "PERFECTWORKS_WELCOME_TOKENS=0")
	ada := place.customer(place.serve(), "ada")
	ada.do(http.MethodPost, "/users/client", `{"firstName":"Ada","lastName":"Lovelace"}`)
	ada.do(http.MethodPost, "/organizations", `{"name":"Engines"}`)
	opened, _ := ada.do(http.MethodPost, "/payments/checkout-session", `{"productId":"tokens-1000"}`)
	session, _ := opened["sessionId"].(string)
	pay(t, place.data, session)
	eventually(t, "the tokens", func() bool {
		b, _ := ada.do(http.MethodGet, "/token-transactions/balance", "")
		return b["available"] == float64(1000)
	})
	run := func(args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(append([]string{"audit"}, args...), "--data", place.data)...)
		if code != 0 {
			t.Fatalf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	var opening auditlog.Entry
	for line := range strings.Lines(run("log", "--aggregate", "payment", "--json")) {
		if strings.Contains(line, session) {
			if err := json.Unmarshal([]byte(line), &opening); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	var text string
	eventually(t, "the webhook that had an effect is closed", func() bool {
		text = run("trace", opening.CorrelationID)
		_, after, _ := strings.Cut(text, "webhook evt_")
		return strings.Contains(after, "tokenAccount-")
	})
	before, after, _ := strings.Cut(text, "webhook evt_")
	for _, want := range []string{"job ", "payment-webhook", "by policy follow-payments", "by policy ", "tokenAccount-"} {
		if !strings.Contains(after, want) {
			t.Errorf("%q does not follow from the webhook: %s", want, text)
		}
	}
	if !strings.HasPrefix(text, "command ") || !strings.Contains(before, "by user ") || strings.Contains(before, "tokenAccount-") {
		t.Errorf("the trace begins with %s", before)
	}
	name, _, _ := strings.Cut(after, " ")
	for i := range strings.Count(text, "webhook evt_") { // That which had an effect.
		part := strings.Split(text, "webhook evt_")[i+1]
		if strings.Contains(part, "command ") {
			name, _, _ = strings.Cut(part, " ")
		}
	}
	if text := run("trace", "evt_"+name); !strings.HasPrefix(text, "webhook evt_"+name) || !strings.Contains(text, "tokenAccount-") {
		t.Errorf("by the webhook: %s", text)
	}
}
