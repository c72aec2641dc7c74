package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/perfectworks/backend/projections"
)

// An operator rebuilds a read model, goes back, deletes what is no longer needed,
// and decides about parked events, while a server runs.
func TestOperatorsRepairProjections(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	ada := caller{place.serve().api, place.token("ada")}
	ada.settle(t)
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(append([]string{"projections"}, args...), "--data", place.data)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		if want != 0 {
			return stderr
		}
		return stdout
	}
	generations := func() map[string]generationJSON {
		t.Helper()
		var all []generationJSON
		if err := json.Unmarshal([]byte(run(0, "list", "--json")), &all); err != nil {
			t.Fatal(err)
		}
		byState := map[string]generationJSON{}
		for _, g := range all {
			if g.Projection == "users" {
				byState[string(g.State)] = g
			}
		}
		return byState
	}
	first := generations()["live"]
	if first.ID == 0 || first.Events == 0 || first.LastEventAt == nil || first.LogWentBackAt != nil {
		t.Errorf("the live generation: %+v", first)
	}
	says(t, run(0, "rebuild", "users"), "users was rebuilt from")
	second := generations()
	if second["live"].ID <= first.ID || second["retired"].ID != first.ID {
		t.Errorf("after the rebuild: %+v", second)
	}
	says(t, run(0, "rollback", "users", strconv.FormatInt(first.ID, 10)), "users shows an earlier generation")
	third := generations()
	if third["live"].ID != first.ID || !third["live"].Pinned || third["retired"].ID != second["live"].ID {
		t.Errorf("after the rollback: %+v", third)
	}
	says(t, run(1, "rollback", "users", "4711"), "no such retired generation")
	says(t, run(1, "rollback", "dreams"), "no such projection")
	says(t, run(1, "drop", strconv.FormatInt(first.ID, 10)), "in use")
	retired := strconv.FormatInt(third["retired"].ID, 10)
	says(t, run(0, "drop", retired), "generation "+retired+" is deleted")
	says(t, run(1, "drop", retired), retired)
	if _, there := generations()["retired"]; there {
		t.Error("a deleted generation is listed")
	}

	var status readingsJSON
	if err := json.Unmarshal([]byte(run(0, "status", "--json")), &status); err != nil || len(status.Projections) < 5 {
		t.Fatalf("%d states, %v", len(status.Projections), err)
	}
	for _, s := range status.Projections {
		if s.State != "live" || s.Failure != "" || s.Generation == 0 || s.Owner == nil || s.Owner.Name == "" || s.EventsPerSecond == nil || s.LagEvents != 0 {
			t.Errorf("%+v", s)
		}
	}
	says(t, run(0, "status"), "projection", "users", "live")
	says(t, run(0, "rebuild", "users"), "users was rebuilt from")
	says(t, run(0, "prune", "--older-than", "24h"), "0 generations are deleted")
	says(t, run(0, "prune"), "1 generations are deleted")
	testVerification(t, place, run)
	testRebuildOfSeveral(t, place, run)

	live := generations()["live"]
	var at uint64
	if _, err := fmt.Sscanf(live.Position, "C:%d/", &at); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, place).Exec(t.Context(), `
		INSERT INTO projection.parked (generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure)
		VALUES ($1, $2, $2, 'user-user_nobody', 0, '5d2e4e0a-0c53-4a7e-9d8e-2f6c1f0a0b0c', 'UserRegistered', 'made by a test')`,
		live.ID, at); err != nil {
		t.Fatal(err)
	}
	says(t, run(0, "parked", "list", "users"), "user-user_nobody", "UserRegistered", "made by a test")
	var parked []parkedJSON
	if err := json.Unmarshal([]byte(run(0, "parked", "list", "users", "--json")), &parked); err != nil || len(parked) != 1 ||
		parked[0].Position != live.Position || parked[0].Failure != "made by a test" || parked[0].Generation != live.ID {
		t.Errorf("parked: %+v, %v", parked, err)
	}
	says(t, run(1, "parked", "list", "dreams"), "no such projection")
	says(t, run(2, "parked", "list", "users", "--limit", "0"), "--limit", "from 1 to 10000")
	says(t, run(1, "parked", "retry", "users", "user-user_other"), "user-user_other")
	says(t, run(2, "parked", "skip", "users", "user-user_nobody"), "--reason must say why")
	says(t, run(2, "parked", "show", "users", "user-user_nobody", "--reveal"), "--reason must say why")
	testShowsParked(t, place, run)
	says(t, run(0, "parked", "skip", "users", "user-user_nobody", "--reason", "ticket 4711"), "0 events of user-user_nobody were taken in")
	if left := run(0, "parked", "list", "users", "--json"); left != "[]\n" {
		t.Errorf("after it was skipped: %s", left)
	}
}

// testRebuildOfSeveral rebuilds several read models at once, which wait for a
// confirmation: what they would change is shown first.
func testRebuildOfSeveral(t *testing.T, place *installation, run func(int, ...string) string) {
	t.Helper()
	if _, err := connect(t, place).Exec(t.Context(), "UPDATE users.profiles SET locale = E'evil\x1b[2J', last_name = 'Changed'"); err != nil {
		t.Fatal(err)
	}
	var waiting []rebuiltJSON
	if err := json.Unmarshal([]byte(run(0, "rebuild", "users", "members", "--confirm", "--json", "--throttle", "none")), &waiting); err != nil {
		t.Fatal(err)
	}
	if len(waiting) != 2 || waiting[0].State != projections.PhaseReady || waiting[0].Changes == nil || waiting[0].Changes.Different != 1 ||
		waiting[1].Changes.Different != 0 || waiting[0].Events == 0 {
		t.Errorf("what waits: %+v", waiting)
	}
	diff := run(0, "diff", "users")
	says(t, diff, "users: 1 rows of 1 would change", "locale", "[personal]")
	if strings.Contains(diff, "Changed") || strings.Contains(diff, "\x1b") {
		t.Errorf("a name or an escape sequence is shown: %s", diff)
	}
	says(t, run(0, "list"), "building, waits for a confirmation")
	says(t, run(0, "status"), "build", "waiting for a confirmation", "100 %")
	says(t, run(0, "cancel", "members"), "the rebuild of members is given up")
	says(t, run(1, "confirm", "members"), "no generation of the projection is being built")
	says(t, run(0, "confirm", "users", "--reason", "ticket 4712"), "users was rebuilt from")
	says(t, run(0, "verify", "users"), "rows are those of a rebuild")
	says(t, run(1, "diff", "users"), "no generation")
	says(t, run(1, "cancel", "users"), "no generation")
	says(t, run(2, "rebuild"), "name the projections")
	says(t, run(2, "rebuild", "users", "--all"), "name the projections")
	says(t, run(2, "rebuild", "users", "--throttle", "fast"), "neither a number")
	says(t, run(1, "rebuild", "users", "dreams"), "no such projection")
	var all []rebuiltJSON
	if err := json.Unmarshal([]byte(run(0, "rebuild", "--all", "--json")), &all); err != nil || len(all) < 10 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for _, r := range all {
		if r.State != projections.PhaseDone || r.Events != all[0].Events || r.Events == 0 {
			t.Errorf("%+v", r)
		}
	}
	run(0, "prune")
}

// testShowsParked shows a parked event without names, and with them for a reason,
// which the audit log tells.
func testShowsParked(t *testing.T, place *installation, run func(int, ...string) string) {
	t.Helper()
	// The registration of the only user stands at the position of the parked event.
	if _, err := connect(t, place).Exec(t.Context(), `UPDATE projection.parked SET (commit_position, prepare_position) =
		(SELECT min(position), min(position) FROM eventnode.events WHERE type = 'UserRegistered')`); err != nil {
		t.Fatal(err)
	}
	hidden := run(0, "parked", "show", "users", "user-user_nobody")
	says(t, hidden, "made by a test", "[personal]", "UserRegistered")
	revealed := run(0, "parked", "show", "users", "user-user_nobody", "--reveal", "--reason", "ticket 4710", "--json")
	says(t, revealed, "Lovelace")
	if strings.Contains(hidden, "Lovelace") {
		t.Errorf("a name is shown: %s", hidden)
	}
	says(t, run(1, "parked", "show", "users", "user-user_other"), "no event of the stream is parked")
	says(t, run(1, "parked", "show", "users", "user-user_nobody", "--reveal", "--reason", "ticket 4710", "--as", "eve@example.com"), "no system user")
	stdout, stderr, code := output(t, place.settings, "audit", "log", "--aggregate", "act", "--json", "--data", place.data)
	if code != 0 {
		t.Fatal(stderr)
	}
	says(t, stdout, `"kind":"reveal-parked-event"`, `"reason":"ticket 4710"`, account(), `"kind":"rebuild-projection"`,
		`"outcome":"done"`, `"outcome":"failed"`, `"kind":"repair-projection"`, `"target":"users"`)
}

// testVerification changes a row by hand, finds it and mends it, and steps through a
// row's history. Names stay hidden.
func testVerification(t *testing.T, place *installation, run func(int, ...string) string) {
	t.Helper()
	says(t, run(0, "verify", "users"), "rows are those of a rebuild")
	db := connect(t, place)
	if _, err := db.Exec(t.Context(), "UPDATE users.profiles SET locale = E'evil\x1b[2J', last_name = 'Changed'"); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := output(t, place.settings, "projections", "verify", "users", "--data", place.data)
	if code != 1 || !strings.Contains(stderr, "1 of 1 rows differ") {
		t.Errorf("it ended with %d: %s", code, stderr)
	}
	says(t, stdout, "profiles", "locale", "changed by hand", "[personal]")
	if strings.Contains(stdout, "Lovelace") || strings.Contains(stdout, "Changed") || strings.Contains(stdout, "\x1b") {
		t.Errorf("a name or an escape sequence is shown: %s", stdout)
	}
	var v verificationJSON
	if err := json.Unmarshal([]byte(run(0, "verify", "users", "--repair", "--json")), &v); err != nil || v.Repaired != 1 || len(v.Differences) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	says(t, run(0, "verify", "users", "--sample", "10"), "rows are those of a rebuild")
	id := v.Differences[0].Key[0]
	says(t, run(0, "step", "users", "--key", id), "UserRegistered", "user-"+id+"@0", "[personal]")
	var steps []stepJSON
	if err := json.Unmarshal([]byte(run(0, "step", "users", "--key", id, "--json")), &steps); err != nil || len(steps) == 0 || string(steps[0].Before) != "null" {
		t.Errorf("%+v, %v", steps, err)
	}
	says(t, run(0, "step", "users", "--key", "user_nobody"), "no event has changed this row")
	says(t, run(1, "step", "users", "--table", "dreams", "--key", id), "no such table and key")
	says(t, run(1, "verify", "dreams"), "no such projection")
}
