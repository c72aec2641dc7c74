package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
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
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not said: %s", want, text)
			}
		}
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
	says(run(0, "rebuild", "users"), "users was rebuilt from")
	second := generations()
	if second["live"].ID <= first.ID || second["retired"].ID != first.ID {
		t.Errorf("after the rebuild: %+v", second)
	}
	says(run(0, "rollback", "users", strconv.FormatInt(first.ID, 10)), "users shows an earlier generation")
	third := generations()
	if third["live"].ID != first.ID || !third["live"].Pinned || third["retired"].ID != second["live"].ID {
		t.Errorf("after the rollback: %+v", third)
	}
	says(run(1, "rollback", "users", "4711"), "no such retired generation")
	says(run(1, "rollback", "dreams"), "no such projection")
	says(run(1, "drop", strconv.FormatInt(first.ID, 10)), "in use")
	retired := strconv.FormatInt(third["retired"].ID, 10)
	says(run(0, "drop", retired), "generation "+retired+" is deleted")
	says(run(1, "drop", retired), retired)
	if _, there := generations()["retired"]; there {
		t.Error("a deleted generation is listed")
	}

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
	says(run(0, "parked", "list", "users"), "user-user_nobody", "UserRegistered", "made by a test")
	var parked []parkedJSON
	if err := json.Unmarshal([]byte(run(0, "parked", "list", "users", "--json")), &parked); err != nil || len(parked) != 1 ||
		parked[0].Position != live.Position || parked[0].Failure != "made by a test" || parked[0].Generation != live.ID {
		t.Errorf("parked: %+v, %v", parked, err)
	}
	says(run(1, "parked", "list", "dreams"), "no such projection")
	says(run(1, "parked", "retry", "users", "user-user_other"), "user-user_other")
	says(run(0, "parked", "skip", "users", "user-user_nobody"), "0 events of user-user_nobody were taken in")
	if left := run(0, "parked", "list", "users", "--json"); left != "[]\n" {
		t.Errorf("after it was skipped: %s", left)
	}
}
