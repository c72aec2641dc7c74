package postgres_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t, "^(TestOrdinaryUser|TestRunningCluster|TestStartAdoptsTheServerOfAKilledOwner|TestStalePidFile)$")
		return
	}
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	execute(t, start(t, config).URL(), "SELECT 1")
	info, err := os.Stat(config.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the folder has mode %v, want 0700 (%v)", info.Mode(), err)
	}
}

// Root may start what an ordinary user created, and leaves it theirs.
func TestRootStartsTheClusterOfAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	home := postgrestest.Dir(t)
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	config := clusterConfig(filepath.Join(home, "pg"), io.Discard)
	program := copyProgram(t)
	asUser := func() {
		owner := startOwnerAs(t, config.Dir, program, &syscall.Credential{Uid: nobody, Gid: nobody})
		execute(t, owner.started(t).URL, "CREATE TABLE IF NOT EXISTS things AS SELECT 1 AS id")
		owner.stop(t)
	}
	asUser()
	cluster := start(t, config)
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	stop(t, cluster)
	if err := filepath.WalkDir(config.Dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && ownerOf(t, path) != nobody {
			t.Errorf("%s is not the user's any more", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	asUser()
}

// Root of a container may not look into the processes of other users.
func TestRootWithoutTracing(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("this machine has no setpriv")
	}
	cmd := exec.CommandContext(t.Context(), setpriv, "--bounding-set=-sys_ptrace", os.Args[0],
		"-test.v", "-test.run=^(TestStartAdoptsTheServerOfAKilledOwner|TestStopEndsAnAdoptedServer)$")
	output, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(output), "--- PASS") != 2 {
		t.Fatalf("%v\n%s", err, output)
	}
}

// Folders of os.MkdirTemp are such.
func TestRootsOwnFolderIsOpened(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	if err := os.Mkdir(config.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, start(t, config).URL(), "SELECT 1")
	if info, err := os.Lstat(config.Dir); err != nil || !info.IsDir() {
		t.Errorf("the cluster was moved elsewhere: %v, %v", info, err)
	}
}

// The checkout may stand where only root comes.
func TestFolderThatTheServersUserCannotEnter(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := postgrestest.Dir(t)
	var log logs
	config := clusterConfig(filepath.Join(private, "pg"), &log)
	postgres.RelocateTo(&config, elsewhere)
	cluster := start(t, config)
	execute(t, cluster.URL(), "CREATE TABLE things AS SELECT 1 AS id")
	stop(t, cluster)
	target, err := os.Readlink(config.Dir)
	if err != nil || filepath.Dir(target) != elsewhere {
		t.Fatalf("the folder links to %q: %v", target, err)
	}
	if n := strings.Count(log.String(), "lives elsewhere"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}

	cluster = start(t, config)
	if n := count(t, cluster.URL(), "SELECT count(*) FROM things"); n != 1 {
		t.Errorf("%d rows after a restart, want 1", n)
	}
	stop(t, cluster)

	// Who deletes the folder and starts again wants to begin anew.
	if err := os.Remove(config.Dir); err != nil {
		t.Fatal(err)
	}
	cluster = start(t, config)
	if n := count(t, cluster.URL(), "SELECT count(*) FROM pg_tables WHERE tablename = 'things'"); n != 0 {
		t.Error("the data of a deleted folder came back")
	}
	stop(t, cluster)

	config = clusterConfig(filepath.Join(private, "ephemeral"), io.Discard)
	postgres.RelocateTo(&config, elsewhere)
	config.Ephemeral = true
	cluster = start(t, config)
	target, err = os.Readlink(config.Dir)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, cluster)
	for _, path := range []string{target, config.Dir} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}
