package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/projections"
)

// A rebuild that is killed with -9 at any stage leaves what is served as it is, goes on
// with --resume where it was, and gives what the log says: under writes and reads, none
// of which fails.
func TestRebuildsKilledAtEveryStage(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	server := place.serve()
	ada := caller{server.api, place.token("ada")}
	ada.settle(t)
	for i := range 300 {
		ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", fmt.Sprintf(`{"description": "first %d"}`, i))
	}
	db := connect(t, place)

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for name, call := range map[string]func(n int) (answer, error){
		"write": func(n int) (answer, error) {
			return ada.do(t.Context(), http.MethodPost, "/api-keys", fmt.Sprintf(`{"description": "then %d"}`, n), "")
		},
		"read": func(int) (answer, error) { return ada.do(t.Context(), http.MethodGet, "/api-keys?limit=5", "", "") },
	} {
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if a, err := call(n); err != nil || a.Status >= http.StatusBadRequest {
					t.Errorf("a %s is answered %d %s during a rebuild: %v", name, a.Status, a.Error.Code, err)
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	const building = `SELECT count(*) FROM projection.generations WHERE projection = 'apikeys' AND state = 'building'`
	for stage, c := range map[string]struct {
		args []string
		at   string
	}{
		"made":    {[]string{"--throttle", "300"}, building},
		"reading": {[]string{"--throttle", "300"}, building + ` AND events > 20`},
		"indexed": {[]string{"--throttle", "2000", "--confirm"}, building + ` AND indexed`},
		"ready":   {[]string{"--throttle", "none", "--confirm"}, building + ` AND requested ->> 'ready' = 'true'`},
		"live":    {[]string{"--throttle", "none"}, `SELECT count(*) FROM projection.generations WHERE projection = 'apikeys' AND state = 'retired'`},
	} {
		rebuild := program(t, place.settings, append([]string{"projections", "rebuild", "apikeys", "--data", place.data}, c.args...)...)
		if err := rebuild.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = rebuild.Wait() // It is killed.
			close(ended)
		}()
		reached := awaitStage(t, db, c.at, ended)
		_ = rebuild.Process.Kill() // It may have ended by itself.
		<-ended
		if !reached {
			t.Errorf("stage %s did not come about", stage)
		}
		if n := number(t, db, `SELECT count(*) FROM projection.generations WHERE projection = 'apikeys' AND state = 'live'`); n != 1 {
			t.Errorf("killed while %s, %d generations are live", stage, n)
		}
		stdout, stderr, code := output(t, place.settings, "projections", "rebuild", "apikeys", "--resume", "--throttle", "none", "--json", "--data", place.data)
		var done []rebuiltJSON
		if err := json.Unmarshal([]byte(stdout), &done); code != 0 || err != nil || done[0].State != projections.PhaseDone {
			t.Fatalf("killed while %s, it goes on with %d: %s%s", stage, code, stdout, stderr)
		}
		if _, stderr, code := output(t, place.settings, "projections", "prune", "--data", place.data); code != 0 {
			t.Fatal(stderr)
		}
	}
	cancel()
	load.Wait()
	ada.must(t, http.StatusOK, http.MethodGet, "/api-keys", "") // It shows the last write.
	stdout, stderr, code := output(t, place.settings, "projections", "verify", "apikeys", "--json", "--data", place.data)
	var v verificationJSON
	if err := json.Unmarshal([]byte(stdout), &v); code != 0 || err != nil || v.Different != 0 || v.Rows < 300 {
		t.Errorf("it ended with %d: %s%s", code, stdout, stderr)
	}
	checkCounted(t, db)
}

// awaitStage waits until a query gives more than nothing, or a process has ended.
func awaitStage(t *testing.T, db *pgx.Conn, query string, ended <-chan struct{}) bool {
	t.Helper()
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if number(t, db, query) > 0 {
			return true
		}
		select {
		case <-ended:
			return number(t, db, query) > 0
		default:
		}
	}
	return false
}

// checkCounted finds that the checkpoint of each live generation has counted the events
// of the log, each once.
func checkCounted(t *testing.T, db *pgx.Conn) {
	t.Helper()
	var followed []string
	for _, kind := range domain.Aggregates() {
		if !kind.Unfollowed {
			followed = append(followed, kind.StreamPrefix()+"%")
		}
	}
	var wrong string
	for range 300 { // The last events may be on their way.
		rows, err := db.Query(t.Context(), `SELECT format('%s: %s of %s', projection, g.events, e.n) FROM projection.generations g,
			LATERAL (SELECT count(*) AS n FROM eventnode.events e WHERE e.position <= g.commit_position AND e.stream LIKE ANY($1)) e
			WHERE state = 'live' AND g.events <> e.n`, followed)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if wrong = strings.Join(all, ", "); wrong == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("events that were taken in, of those in the log: %s", wrong)
}
