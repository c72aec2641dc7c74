package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// found fails the test unless a check found what it should.
func (f *findings) found(t *testing.T, check string, health Health, says string) {
	t.Helper()
	if !slices.ContainsFunc(f.all, func(one Finding) bool {
		return one.Check == check && one.Health == health && strings.Contains(one.Says, says)
	}) {
		t.Errorf("want %s: %s: …%s…; found %+v", health, check, says, f.all)
	}
}

func TestDoctorOnTheDatabaseServer(t *testing.T) {
	t.Parallel()
	good := server{
		Version: "17.6", Number: 170006, Encoding: "UTF8", Fsync: "on", FullPages: "on", Synchronous: "on", Creates: true,
	}
	for name, c := range map[string]struct {
		change func(*server)
		check  string
		health Health
		says   string
	}{
		"good":        {func(*server) {}, "database", Healthy, "17.6"},
		"durable":     {func(*server) {}, "durability", Healthy, "on"},
		"privileged":  {func(*server) {}, "privileges", Healthy, "schemas"},
		"old":         {func(s *server) { s.Number = 130012 }, "database", Broken, "14 or newer"},
		"standby":     {func(s *server) { s.Recovering = true }, "database", Broken, "standby"},
		"encoding":    {func(s *server) { s.Encoding = "SQL_ASCII" }, "database", Broken, "UTF8"},
		"fsync":       {func(s *server) { s.Fsync = "off" }, "durability", Broken, "fsync is off"},
		"full pages":  {func(s *server) { s.FullPages = "off" }, "durability", Broken, "full_page_writes is off"},
		"synchronous": {func(s *server) { s.Synchronous = "off" }, "durability", Broken, "loses what was acknowledged"},
		"may not":     {func(s *server) { s.Creates = false }, "privileges", Broken, "GRANT CREATE"},
		"superuser":   {func(s *server) { s.Superuser = true }, "privileges", Doubtful, "superuser"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			c.change(&s)
			f := &findings{}
			f.server(s, "at DATABASE_URL")
			f.durability(s)
			f.privileges(s, false)
			f.found(t, c.check, c.health, c.says)
			if len(f.all) != 3 {
				t.Errorf("found %+v", f.all)
			}
		})
	}
}

func TestDoctorOnClocks(t *testing.T) {
	t.Parallel()
	for skew, health := range map[time.Duration]Health{0: Healthy, 400 * time.Millisecond: Healthy, time.Second: Doubtful, time.Minute: Broken} {
		f := &findings{}
		f.clock("clocks", skew, 0)
		f.found(t, "clocks", health, skew.String())
	}
	f := &findings{}
	f.clock("clocks", 2*time.Second, 2*time.Second)
	f.found(t, "clocks", Healthy, "0s")

	at := time.Now()
	for name, c := range map[string]struct {
		other time.Time
		want  time.Duration
	}{
		"between": {at.Add(time.Second), 0},
		"before":  {at.Add(-time.Minute), time.Minute},
		"after":   {at.Add(time.Minute), time.Minute - 2*time.Second},
	} {
		if got := clockSkew(at, c.other, at.Add(2*time.Second)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDoctorOnFoldersAndFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // Whatever the umask.
			t.Fatal(err)
		}
		return path
	}
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := &findings{}
	f.folder("good", folder("good", 0o700))
	f.folder("open", folder("open", 0o707))
	f.folder("temporary", folder("temporary", 0o777|os.ModeSticky))
	f.folder("missing", filepath.Join(dir, "missing"))
	f.folder("file", write("file", 0o600))
	f.folder("data folder", folder("data", 0o770))
	f.secretFile("private", true, filepath.Join(dir, "file"))
	f.secretFile("readable", true, write("readable", 0o644))
	f.secretFile("unused", false, filepath.Join(dir, "readable"))
	f.secretFile("absent", true, filepath.Join(dir, "absent"))
	f.space("space", filepath.Join(dir, "not", "yet"))
	f.openFiles()

	f.found(t, "good", Healthy, "0700")
	f.found(t, "open", Broken, "chmod o-w")
	f.found(t, "temporary", Healthy, "temporary")
	f.found(t, "missing", Healthy, "does not exist yet")
	f.found(t, "file", Broken, "no folder")
	f.found(t, "data folder", Broken, "chmod go-w")
	f.found(t, "private", Healthy, "0600")
	f.found(t, "readable", Broken, "chmod 600")
	if !slices.ContainsFunc(f.all, func(one Finding) bool { return one.Check == "space" && strings.Contains(one.Says, "GiB") }) {
		t.Errorf("found %+v", f.all)
	}
	for _, one := range f.all {
		if one.Check == "unused" || one.Check == "absent" || strings.Contains(one.Says, "secret") {
			t.Errorf("found %+v", one)
		}
	}
}

func TestDoctorOnServices(t *testing.T) {
	t.Parallel()
	var body, date string
	var status int
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if date != "" {
			w.Header().Set("Date", date)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // The test sees what arrives.
	}))
	defer issuer.Close()
	good := `{"issuer": "` + issuer.URL + `"}`
	for _, c := range []struct {
		status     int
		body, date string
		check      string
		health     Health
		says       string
	}{
		{200, good, "", "identity", Healthy, "answers"},
		{200, good, "", "clock of the issuer", Healthy, "differ"},
		{200, good, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), "clock of the issuer", Broken, "differ"},
		{503, "", "", "identity", Broken, "503"},
		{200, "no configuration", "", "identity", Broken, "configuration"},
		{200, `{"issuer": "https://other.example"}`, "", "identity", Broken, "other.example"},
	} {
		status, body, date = c.status, c.body, c.date
		f := &findings{}
		f.services(t.Context(), Settings{OIDCIssuer: issuer.URL})
		f.found(t, c.check, c.health, c.says)
	}

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := &findings{}
	f.services(t.Context(), Settings{
		OIDCIssuer: "http://" + gone, SMTPURL: "smtp://user:c2VjcmV0@" + gone, TraceEndpoint: "http://" + gone, BlobURL: "file://" + dir,
	})
	f.found(t, "identity", Broken, "refused")
	f.found(t, "mail", Broken, "reach the mail server")
	f.found(t, "traces", Doubtful, "traces are lost")
	f.found(t, "store of files", Healthy, "a probe was written, read and deleted")
	for _, one := range f.all {
		if strings.Contains(one.Says, "c2VjcmV0") {
			t.Errorf("a secret shows: %+v", one)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "doctor"))
	if err == nil && len(entries) > 0 {
		t.Errorf("the probe is still there: %v", entries)
	}
	f = &findings{}
	f.services(t.Context(), Settings{BlobURL: "file://" + filepath.Join(dir, "folder", "\x00")})
	f.found(t, "store of files", Broken, "")
	f = &findings{}
	f.services(t.Context(), Settings{TraceEndpoint: issuer.URL})
	f.found(t, "traces", Healthy, "takes the connection")
}

func TestDoctorOnTheSchema(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	db := &database{pool: pool}
	f := &findings{}
	if !f.schema(ctx, db, "schema", migrations.App, migrations.AppTable) {
		t.Error("the current schema cannot be worked with")
	}
	f.found(t, "schema", Healthy, "this program")

	more := fstest.MapFS{"99998_more.sql": {}, "99999_more.sql": {}}
	f = &findings{}
	if f.schema(ctx, db, "schema", more, "no_such_table") {
		t.Error("migrations are pending, and it goes on")
	}
	f.found(t, "schema", Doubtful, "2 migrations are to be applied")

	if _, err := pool.Exec(ctx, "INSERT INTO "+migrations.AppTable+" (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	f = &findings{}
	if f.schema(ctx, db, "schema", migrations.App, migrations.AppTable) {
		t.Error("the database is of a newer program, and it goes on")
	}
	f.found(t, "schema", Broken, "up to 99999")

	f = &findings{}
	f.database(ctx, db)
	f.found(t, "database", Healthy, "Postgres")
	f.found(t, "clocks", Healthy, "differ by 0s")
	if _, err := pool.Exec(ctx, `INSERT INTO policy.checkpoints (policy, commit_position, prepare_position, began_from, stopped, stopped_at)
		VALUES ('welcome', 0, 0, 'now', 'the log went back', now())`); err != nil {
		t.Fatal(err)
	}
	f = &findings{}
	f.policies(ctx, &core{db: db})
	f.found(t, "policy welcome", Broken, "the log went back")
}
