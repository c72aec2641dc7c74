package faults

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
)

// databaseOf names another database of a server.
func databaseOf(t *testing.T, serverURL, name string) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// forTools is a URL without what Postgres' programs before version 16 do not know.
func forTools(t *testing.T, serverURL string) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("require_auth")
	u.RawQuery = query.Encode()
	return u.String()
}

// postgresTool is a program of Postgres beside the server; the test is skipped
// where there is none.
func postgresTool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range postgres.BinDirs() {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("this machine does not have %s", name)
	return ""
}

func runTool(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(postgresTool(t, name), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// restoreReadModels puts back a backup of all read models and their checkpoints,
// from before the latest writes, while no process runs: what is projected again
// must give what was there. Nothing that was decided since then is decided again.
func (a *apart) restoreReadModels() string {
	a.t.Helper()
	schemas := a.readModelSchemas()
	backup := filepath.Join(a.t.TempDir(), "backup")
	args := []string{"--format=custom", "--file=" + backup}
	for _, schema := range schemas {
		args = append(args, "--schema="+schema)
	}
	runTool(a.t, "pg_dump", append(args, "--dbname="+forTools(a.t, a.cluster.URL()))...)
	taken := a.number(a.log, "SELECT count(*) FROM eventnode.events")
	a.load.until(40)
	a.load.pause()
	a.rest()
	a.load.risk()
	for _, p := range a.processes {
		p.kill()
	}
	lost := a.number(a.log, "SELECT count(*) FROM eventnode.events") - taken
	for _, schema := range a.readModelSchemas() {
		if _, err := a.db.Exec(a.t.Context(), "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
			a.t.Fatal(err)
		}
	}
	runTool(a.t, "pg_restore", "--exit-on-error", "--dbname="+forTools(a.t, a.cluster.URL()), backup)
	a.load.resume()
	a.start()
	return fmt.Sprintf("%d schemas, %d events behind", len(schemas), lost)
}

// readModelSchemas are the schemas of all generations, and that of their
// checkpoints.
func (a *apart) readModelSchemas() []string {
	a.t.Helper()
	rows, err := a.db.Query(a.t.Context(), `SELECT nspname FROM pg_namespace WHERE nspname = 'projection'
		OR EXISTS (SELECT FROM projection.generations WHERE nspname = projection OR nspname = projection || '_g' || id)`)
	if err != nil {
		a.t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Contains(names, "projection") {
		a.t.Fatalf("the schemas are %v, %v", names, err)
	}
	return names
}
