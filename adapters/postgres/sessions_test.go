package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestAServerWithSessionsOfItsOwnIsAccepted(t *testing.T) {
	t.Parallel()
	if err := postgres.RequireSessions(t.Context(), postgrestest.New(t)); err != nil {
		t.Error(err)
	}
}

// Behind PgBouncer a connection keeps its session in session mode only.
func TestAPoolerIsAcceptedInSessionModeOnly(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
		if _, err := os.Stat(program); err != nil {
			t.Skip("pgbouncer is not installed")
		}
	}
	for mode, roundRobin := range map[string]int{"session": 0, "transaction": 0, "transaction ": 1, "statement": 0} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			pool := bounce(t, program, mode, roundRobin)
			err := postgres.RequireSessions(t.Context(), pool)
			if shared := errors.Is(err, postgres.ErrSharedSessions); shared != (mode != "session") {
				t.Errorf("%v", err)
			}
			if mode == "session" && err != nil {
				t.Error(err)
			}
		})
	}
}

// bounce starts PgBouncer before a new database and gives a pool through it.
func bounce(t *testing.T, program, mode string, roundRobin int) *pgxpool.Pool {
	t.Helper()
	target, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	password, _ := target.User.Password()
	host, serverPort := target.Hostname(), target.Port()
	// The bouncer's user cannot enter the folder of a private server's socket.
	if socket := target.Query().Get("host"); host == "" {
		host, serverPort = socket, target.Query().Get("port")
	}
	config := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
server_round_robin = %d
min_pool_size = 3
ignore_startup_parameters = extra_float_digits
`, host, serverPort, target.User.Username(), password, port, mode, roundRobin)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := []string{file}
	if os.Geteuid() == 0 { // It refuses to be root.
		if err := errors.Join(os.Chmod(file, 0o644), os.Chmod(filepath.Dir(file), 0o755), os.Chmod(filepath.Dir(filepath.Dir(file)), 0o755)); err != nil {
			t.Fatal(err)
		}
		arguments = []string{"-u", "nobody", file}
	}
	var output bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	through := url.URL{
		Scheme: "postgres", User: target.User, Host: fmt.Sprintf("127.0.0.1:%d", port), Path: target.Path,
		RawQuery: "sslmode=disable&default_query_exec_mode=simple_protocol",
	}
	pool, err := pgxpool.New(t.Context(), through.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for pool.Ping(ctx) != nil {
		if ctx.Err() != nil {
			t.Fatal("pgbouncer does not answer")
		}
		time.Sleep(20 * time.Millisecond)
	}
	return pool
}
