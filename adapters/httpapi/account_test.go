package httpapi_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/app"
)

const confirmAda = `{"confirmEmail":"Ada@example.com"}`

func TestDeactivatingAndRestoringAnAccount(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	before := ada.get("/users/profile").data(t, 200)
	key := ada.post("/api-keys", `{}`).data(t, 201)
	revoked := ada.post("/api-keys", `{}`).data(t, 201)
	ada.delete("/api-keys/"+str(revoked, "id")).data(t, 200)
	stale := ada.get("/users/profile").header.Get("ETag")
	ada.put("/users/profile", `{"lastName":"King"}`).data(t, 200)
	remove := func(body string, header ...string) answer {
		return ada.call(http.MethodDelete, "/users/profile", body, header...)
	}

	// Bad input changes nothing.
	remove(`{}`).refused(t, "400 VALIDATION_FAILED confirmEmail REQUIRED")
	remove(`{"confirmEmail":""}`).refused(t, "400 VALIDATION_FAILED confirmEmail REQUIRED")
	remove(`{"confirmEmail":"bob@example.com"}`).refused(t, "400 VALIDATION_FAILED confirmEmail MISMATCHED")
	remove(`{"confirmEmail":"`+strings.Repeat("a", 255)+`"}`).refused(t, "400 VALIDATION_FAILED confirmEmail TOO_LONG")
	remove(`{"confirmEmail":"ada@example.com","force":true}`).refused(t, "400 VALIDATION_FAILED force FIELD_UNKNOWN")
	s.withKey(str(key, "key"), http.MethodDelete, "/users/profile", confirmAda).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	stranger := &person{server: s, bearer: s.token("stranger")}
	stranger.call(http.MethodDelete, "/users/profile", confirmAda).refused(t, "403 USER_NOT_REGISTERED")
	stranger.post("/users/restore", "").refused(t, "403 USER_NOT_REGISTERED")
	ada.post("/users/restore", "").data(t, 200) // It is in use.
	ada.delete("/users/"+ada.id+"/permanent").refused(t, "409 USER_NOT_DEACTIVATED")

	// The only owner is told where.
	refused := remove(confirmAda)
	organization := str(before, "activeOrganizationId")
	refused.refused(t, "409 SOLE_OWNER "+organization+" LAST_OWNER")
	ada.call(http.MethodDelete, "/organizations/current", `{"confirmSlug":"ada-inc"}`).data(t, 200)
	remove(confirmAda, "If-Match", stale).refused(t, "412 REVISION_STALE")

	deactivated := remove(confirmAda).data(t, 200)
	times(t, deactivated, "deletedAt", "purgeAt")
	begin, _ := time.Parse(time.RFC3339, str(deactivated, "deletedAt"))
	if end, _ := time.Parse(time.RFC3339, str(deactivated, "purgeAt")); end.Sub(begin) != 30*24*time.Hour {
		t.Errorf("the grace is %v", end.Sub(begin))
	}
	if diff := cmp.Diff(deactivated, remove(confirmAda).data(t, 200)); diff != "" {
		t.Errorf("again: %s", diff)
	}
	for _, path := range []string{"/users/profile", "/organizations", "/users/active-organization"} {
		ada.get(path).refused(t, "403 USER_DEACTIVATED")
	}
	ada.post("/users/client", signUp).refused(t, "403 USER_DEACTIVATED")
	s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").refused(t, "401 API_KEY_ORPHANED")

	// Others cannot restore it, and learn nothing of it.
	bob := s.register("bob")
	for _, id := range []string{ada.id, "user_01jd9z3q5we8x9v6m2k4t7r1b9", "nonsense"} {
		bob.delete("/users/"+id+"/permanent").refused(t, "404 USER_NOT_FOUND")
	}

	restored := ada.post("/users/restore", "").data(t, 200)
	if str(restored, "id") != ada.id || str(restored, "lastName") != "King" {
		t.Errorf("restored: %v", restored)
	}
	ada.post("/organizations/"+organization+"/restore", "").data(t, 200)
	eventually(t, func() bool {
		return s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").status == http.StatusOK
	}, func() string { return "the key does not wake up" })
	s.withKey(str(revoked, "key"), http.MethodGet, "/users/profile", "").refused(t, "401 API_KEY_REVOKED")
}

func TestRestoringTooLate(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(s *app.Settings) { s.UserGrace = time.Millisecond })
	ada := s.register("ada")
	ada.call(http.MethodDelete, "/users/profile", confirmAda).data(t, 200)
	var a answer
	eventually(t, func() bool { a = ada.post("/users/restore", ""); return a.status != http.StatusOK }, func() string { return string(a.body) })
	a.refused(t, "410 USER_GRACE_EXPIRED")
}

// traces are texts about a person that occur nowhere else.
var traces = []string{"zsuzsanna-trace", "Zsuzsanna-Trace", "Quetzalcoatl-Trace", "avatar-of-trace", "agent-of-trace"}

// An erased person is in no table and in no file any more, comes back as nobody,
// and stays erased when a backup of the keys is restored.
func TestErasingAnAccountLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := &person{server: s, name: "zsuzsanna-trace", bearer: s.token("zsuzsanna-trace")}
	made := ada.post("/users/client", `{"firstName":"Zsuzsanna-Trace","lastName":"Quetzalcoatl-Trace","locale":"hu"}`).data(t, 201)
	ada.id = str(made, "id")
	agent := []string{"User-Agent", "agent-of-trace/1.0", "Idempotency-Key", "k1"}
	ada.call(http.MethodPut, "/users/profile", `{"avatarUrl":"https://example.com/avatar-of-trace"}`, agent...).data(t, 200)
	ada.call(http.MethodPost, "/organizations", `{"name":"Acme","slug":"acme"}`, agent...).data(t, 201)
	key := ada.post("/api-keys", `{}`).data(t, 201)
	// A stored answer that tells of the person.
	ada.call(http.MethodPost, "/users/client", signUp, "Idempotency-Key", "k2").data(t, 200)
	mail := filepath.Join(w.data, "mail")
	if err := errors.Join(os.MkdirAll(mail, 0o700), os.WriteFile(filepath.Join(mail, "invitation-1.eml"), []byte("To: zsuzsanna-trace"), 0o600)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return len(w.find(traces)) > 0 }, func() string { return "the test would show nothing" })
	if n := w.count("SELECT count(*) FROM idempotency.requests WHERE person = $1", ada.id); n != 2 {
		t.Errorf("%d stored requests", n)
	}

	ada.call(http.MethodDelete, "/organizations/current", `{"confirmSlug":"acme"}`).data(t, 200)
	ada.call(http.MethodDelete, "/users/profile", `{"confirmEmail":"zsuzsanna-trace@example.com"}`).data(t, 200)
	w.exec("CREATE TABLE backup_of_keys AS TABLE subject_keys")
	erased := ada.delete("/users/"+ada.id+"/permanent").data(t, 202)
	times(t, erased, "begunAt", "destroyedAt")
	if str(erased, "id") != ada.id || str(erased, "kind") != "user" || erased["keysDestroyed"] != float64(1) {
		t.Errorf("%v", erased)
	}
	for _, part := range []string{"destroyed", "kept", "remains"} {
		if all, _ := erased[part].([]any); len(all) < 3 {
			t.Errorf("%s: %v", part, erased[part])
		}
	}

	ada.get("/users/profile").refused(t, "403 USER_NOT_REGISTERED")
	ada.post("/users/restore", "").refused(t, "403 USER_NOT_REGISTERED")
	ada.delete("/users/"+ada.id+"/permanent").refused(t, "403 USER_NOT_REGISTERED")
	s.withKey(str(key, "key"), http.MethodGet, "/users/profile", "").refused(t, "401 API_KEY_ORPHANED")
	var found []string
	eventually(t, func() bool { found = w.find(traces); return len(found) == 0 }, func() string { return strings.Join(found, "\n") })
	if n := w.count("SELECT count(*) FROM idempotency.requests WHERE person = $1", ada.id); n != 0 {
		t.Errorf("%d stored requests are left", n)
	}
	for _, text := range traces {
		if strings.Contains(s.logs.String(), text) {
			t.Errorf("%s is in the logs", text)
		}
	}
	// The same identity is somebody new.
	again := ada.post("/users/client", signUp).data(t, 201)
	if str(again, "id") == ada.id {
		t.Error("the erased account is back")
	}

	// The database comes back from a backup, with the key.
	s.stop()
	w.exec(`UPDATE subject_keys k SET master_key = b.master_key, wrapped = b.wrapped, destroyed_at = NULL
		FROM backup_of_keys b WHERE b.subject = k.subject`)
	w.exec("DROP TABLE backup_of_keys")
	restarted := w.start()
	if n := w.count("SELECT count(*) FROM subject_keys WHERE subject = $1 AND destroyed_at IS NULL", ada.id); n != 0 {
		t.Error("the destroyed key is in use again")
	}
	if log := restarted.logs.String(); !strings.Contains(log, "their keys were destroyed again") {
		t.Errorf("nothing was said: %s", log)
	}
}

// A start without the journal is refused.
func TestNoStartWithoutTheJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start().stop()
	if err := os.Remove(filepath.Join(w.data, "erasures.journal")); err != nil {
		t.Fatal(err)
	}
	_, err := app.New(t.Context(), app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", Data: w.data, DatabaseURL: w.database,
	}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "PERFECTWORKS_ERASURE_JOURNAL") {
		t.Errorf("got %v", err)
	}
}

// The periodic work erases the accounts that are due.
func TestErasureByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start(func(s *app.Settings) { s.UserGrace = time.Millisecond })
	ada, bob := s.register("ada"), s.register("bob")
	ada.call(http.MethodDelete, "/users/profile", confirmAda).data(t, 200)
	s.stop() // The next start runs what is due.
	s = w.start()
	eventually(t, func() bool {
		return w.count("SELECT count(*) FROM erasures.erasures WHERE id = $1 AND completed_at IS NOT NULL", ada.id) == 1
	}, func() string { return s.logs.String() })
	ada.on(s).get("/users/profile").refused(t, "403 USER_NOT_REGISTERED")
	bob.on(s).get("/users/profile").data(t, 200)
}

func (w *world) connect() *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.database)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

func (w *world) exec(sql string) {
	w.t.Helper()
	conn := w.connect()
	defer conn.Close(w.t.Context())
	if _, err := conn.Exec(w.t.Context(), sql); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	conn := w.connect()
	defer conn.Close(w.t.Context())
	if err := conn.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// find looks for texts in every table of the database, in the clear and in the
// hexadecimal form in which Postgres writes bytes, and in every file of the data
// folder. It says where they are.
func (w *world) find(texts []string) (places []string) {
	w.t.Helper()
	ctx := w.t.Context()
	conn := w.connect()
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	if err != nil {
		w.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 20 {
		w.t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		for _, text := range texts {
			var n int
			err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0", table),
				text, hex.EncodeToString([]byte(text))).Scan(&n)
			if err != nil && !strings.Contains(err.Error(), "does not exist") { // A generation may be dropped just now.
				w.t.Fatal(err)
			}
			if n > 0 {
				places = append(places, fmt.Sprintf("%s in table %s", text, table))
			}
		}
	}
	err = filepath.WalkDir(w.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(string(content), text) || strings.Contains(path, text) {
				places = append(places, text+" in file "+path)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(places)
	return places
}
