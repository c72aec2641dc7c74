package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/app"
)

// System admins rebuild, verify and repair read models by the API; support looks on.
// Each act is recorded with who did it.
func TestOperatorsLookAfterReadModels(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	grace := s.bootstrapped("grace")
	sue := grace.systemUser("sue", "support")

	all := sue.get("/admin/projections").items(t)
	if len(all) < 10 {
		t.Fatalf("%d read models", len(all))
	}
	users := func() object { t.Helper(); return sue.get("/admin/projections/users").data(t, 200) }
	if u := users(); u["state"] != "live" || u["owner"] == nil || u["build"] != nil || u["lagEvents"] != 0.0 || len(u["generations"].([]any)) != 1 {
		t.Errorf("%v", u)
	}
	sue.get("/admin/projections/dreams").refused(t, "404 PROJECTION_NOT_FOUND")
	ada.get("/admin/projections").refused(t, "403 FORBIDDEN")
	sue.post("/admin/projections/rebuild", `{"projections":["users"]}`).refused(t, "403 FORBIDDEN")

	// A rebuild that waits for a confirmation.
	s.exec("UPDATE users.profiles SET locale = 'xx-XX', last_name = 'Changed' WHERE id = '" + ada.id + "'")
	grace.post("/admin/projections/rebuild", `{"projections":["users","dreams"]}`).refused(t, "404 PROJECTION_NOT_FOUND")
	grace.post("/admin/projections/rebuild", `{"throttle":-1}`).refused(t, "400 VALIDATION_FAILED throttle OUT_OF_RANGE")
	grace.post("/admin/projections/rebuild", `{"reason":"x"}`).refused(t, "400 VALIDATION_FAILED reason TOO_SHORT")
	sue.get("/admin/projections/users/rebuild").refused(t, "404 REBUILD_NOT_FOUND")
	ordered := grace.post("/admin/projections/rebuild", `{"projections":["users","members"],"throttle":0,"confirm":true,"reason":"ticket 4711"}`).data(t, 202)
	if builds := ordered["items"].([]any); len(builds) != 2 || builds[0].(object)["actId"] == nil {
		t.Fatalf("%v", ordered)
	}
	ready := func(name string) {
		t.Helper()
		var last answer
		eventually(t, func() bool {
			last = sue.get("/admin/projections/" + name + "/rebuild")
			return strings.Contains(string(last.body), `"ready":true`)
		}, func() string { return string(last.body) })
	}
	ready("users")
	ready("members")
	changes := sue.get("/admin/projections/users/rebuild/changes").data(t, 200)
	if changes["different"] != 1.0 || !strings.Contains(string(sue.get("/admin/projections/users/rebuild/changes").body), "xx-XX") {
		t.Errorf("%v", changes)
	}
	if strings.Contains(string(sue.get("/admin/projections/users/rebuild/changes").body), "Changed") {
		t.Error("a name is shown")
	}
	grace.post("/admin/projections/members/rebuild/cancel", `{"reason":"not now"}`).data(t, 200)
	grace.post("/admin/projections/members/rebuild/cancel", "").refused(t, "404 REBUILD_NOT_FOUND")
	sue.post("/admin/projections/users/rebuild/confirm", "").refused(t, "403 FORBIDDEN")
	grace.post("/admin/projections/users/rebuild/confirm", "").data(t, 202)
	eventually(t, func() bool { return len(users()["generations"].([]any)) == 2 && users()["build"] == nil },
		func() string { return string(sue.get("/admin/projections/users").body) })
	if profile := ada.get("/users/profile").data(t, 200); profile["locale"] == "xx-XX" {
		t.Errorf("the tables are the old ones: %v", profile)
	}

	// A verification, and what it repairs.
	sue.get("/admin/projections/users/verification").refused(t, "404 VERIFICATION_NOT_FOUND")
	s.exec("UPDATE users.profiles SET locale = 'xx-XX' WHERE id = '" + ada.id + "'")
	grace.post("/admin/projections/users/verify", `{"sample":-1}`).refused(t, "400 VALIDATION_FAILED sample OUT_OF_RANGE")
	verified := func(body string) object {
		t.Helper()
		grace.post("/admin/projections/users/verify", body).data(t, 202)
		var v object
		eventually(t, func() bool {
			v = sue.get("/admin/projections/users/verification").data(t, 200)
			return v["state"] != "running"
		}, func() string { return "the verification goes on" })
		if v["state"] != "done" || v["endedAt"] == nil {
			t.Fatalf("%v", v)
		}
		return v["result"].(object)
	}
	if r := verified(`{"repair":true,"reason":"ticket 4712"}`); r["different"] != 1.0 || r["repaired"] != 1.0 {
		t.Errorf("%v", r)
	}
	if r := verified(""); r["different"] != 0.0 {
		t.Errorf("%v", r)
	}

	// Back to the generation before, and what is no longer needed goes.
	grace.post("/admin/projections/users/rollback", `{"generation":4711}`).refused(t, "404 GENERATION_NOT_FOUND")
	grace.post("/admin/projections/users/rollback", "").data(t, 202)
	eventually(t, func() bool { return users()["pinned"] == true }, func() string { return string(sue.get("/admin/projections/users").body) })
	grace.post("/admin/projections/prune", `{"olderThanHours":-1}`).refused(t, "400 VALIDATION_FAILED olderThanHours OUT_OF_RANGE")
	if n := grace.post("/admin/projections/prune", "").data(t, 200)["deleted"]; n != 1.0 {
		t.Errorf("%v generations were deleted", n)
	}

	// Parked events: an event of ada that is parked by hand.
	stream := "user-" + ada.id
	s.exec(`INSERT INTO projection.parked (generation_id, commit_position, prepare_position, stream, revision, event_id, event_type, failure)
		SELECT g.id, e.position, e.position, e.stream, e.revision, e.event_id, e.type, 'parked by a test'
		FROM projection.generations g, eventnode.events e WHERE g.projection = 'users' AND g.state = 'live' AND e.stream = '` + stream + `' AND e.revision = 0`)
	parked := "/admin/projections/users/parked"
	if items := sue.get(parked).items(t); len(items) != 1 || items[0]["failure"] != "parked by a test" || items[0]["stream"] != stream {
		t.Errorf("%v", items)
	}
	if total := sue.get(parked).data(t, 200)["total"]; total != 1.0 {
		t.Errorf("%v are parked", total)
	}
	if body := string(sue.get(parked + "/" + stream).body); strings.Contains(body, "Example") || !strings.Contains(body, "[personal]") {
		t.Errorf("shown: %s", body)
	}
	sue.post(parked+"/"+stream+"/reveal", `{"reason":"ticket 4713"}`).refused(t, "403 FORBIDDEN")
	grace.post(parked+"/"+stream+"/reveal", `{"reason":""}`).refused(t, "400 VALIDATION_FAILED reason REQUIRED")
	if body := string(grace.post(parked+"/"+stream+"/reveal", `{"reason":"ticket 4713"}`).body); !strings.Contains(body, `"ada"`) {
		t.Errorf("revealed: %s", body)
	}
	grace.post(parked+"/user-nobody/retry", "").refused(t, "404 PARKED_EVENT_NOT_FOUND")
	grace.post(parked+"/"+stream+"/skip", `{"reason":" "}`).refused(t, "400 VALIDATION_FAILED reason REQUIRED")
	if taken := grace.post(parked+"/"+stream+"/skip", `{"reason":"ticket 4714"}`).data(t, 200)["taken"]; taken != 0.0 {
		t.Errorf("%v events were taken in", taken)
	}
	if items := sue.get(parked).items(t); len(items) != 0 {
		t.Errorf("%v", items)
	}
	s.checkActs(grace.id)
}

// checkActs finds, in the log, each act of the test above with its end.
func (s *server) checkActs(who string) {
	s.t.Helper()
	ends := map[string]int{}
	var kinds string
	eventually(s.t, func() bool {
		clear(ends)
		kinds = ""
		conn := s.connect()
		rows, err := conn.Query(s.t.Context(), `SELECT type, convert_from(data, 'UTF8'), convert_from(metadata, 'UTF8')
			FROM eventnode.events WHERE type LIKE 'OperatorAct%' ORDER BY position`)
		if err != nil {
			s.t.Fatal(err)
		}
		var name, data, metadata string
		_, err = pgx.ForEachRow(rows, []any{&name, &data, &metadata}, func() error {
			ends[name]++
			kinds += data
			if name == "OperatorActBegan" && !strings.Contains(metadata, who) {
				s.t.Errorf("%s is not by %s: %s", data, who, metadata)
			}
			if strings.Contains(data, "ticket") {
				s.t.Errorf("a reason is stored in the clear: %s", data)
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return ends["OperatorActBegan"] == ends["OperatorActEnded"]
	}, func() string { return "some act has no end: " + kinds })
	for _, kind := range []string{
		"rebuild-projection", "confirm-rebuild", "cancel-rebuild", "repair-projection", "verify-projection", "roll-back-projection",
		"prune-generations", "reveal-parked-event", "skip-parked-event",
	} {
		if !strings.Contains(kinds, `"`+kind+`"`) {
			s.t.Errorf("%s is not recorded: %s", kind, kinds)
		}
	}
}

// Answers from a read model that no process projects tell up to when they show the
// changes, and those from one that follows do not.
func TestAnswersFromAStoppedReadModelTellTheirTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.projector()
	api := w.start(func(s *app.Settings) { s.Role = app.RoleAPI })
	ada := api.owner("ada")
	bob := api.owner("bob")
	asOf := func(p *person) string {
		return p.call(http.MethodGet, "/organizations/current", "").header.Get("X-As-Of")
	}
	if at := asOf(bob); at != "" {
		t.Errorf("while it follows: %s", at)
	}
	stop()
	before := time.Now()
	ada.post("/api-keys", `{"ownerType":"user"}`)
	var at string
	eventually(t, func() bool { at = asOf(bob); return at != "" }, func() string { return "readers of a stopped read model learn nothing" })
	told, err := time.Parse(time.RFC3339, at)
	if err != nil || told.Before(before.Add(-2*time.Second)) || told.After(time.Now()) {
		t.Errorf("as of %s, and it stopped at %s: %v", at, before, err)
	}
	w.projector()
	eventually(t, func() bool { return asOf(bob) == "" }, func() string { return "as of " + asOf(bob) })
}

// projector runs a process that projects and does nothing else, until the test ends or
// it is stopped.
func (w *world) projector() (stop func()) {
	w.t.Helper()
	running, err := app.New(w.t.Context(), app.Settings{
		Environment: app.Development, Data: w.data, DatabaseURL: w.database, Version: "test", Role: app.RoleProjector,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the projector ended with %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}
