package postgres_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// impostor takes the port of a stopped server. It gives each caller an answer,
// and keeps what it is told after that.
type impostor struct {
	mu     sync.Mutex
	answer []byte
	heard  strings.Builder
}

// takePort listens until the test ends. It takes the port once: while a child
// process is being started, it has the listener, too, so that a port that was
// given up may still be in use.
func takePort(t *testing.T, port string) *impostor {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	i := &impostor{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			i.serve(conn)
		}
	}()
	return i
}

func (i *impostor) serve(conn net.Conn) {
	defer conn.Close()
	i.mu.Lock()
	defer i.mu.Unlock()
	buffer := make([]byte, 4096)
	_, _ = conn.Read(buffer) // the greeting
	_, _ = conn.Write(i.answer)
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	n, _ := conn.Read(buffer)
	i.heard.Write(buffer[:n])
}

// answers has it give another answer from now on.
func (i *impostor) answers(answer []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
	i.heard.Reset()
}

// told is what it was told since then.
func (i *impostor) told() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.heard.String()
}

// Another local user who takes the port of a stopped server gets nothing.
func TestAnImpostorOnThePortGetsNothing(t *testing.T) {
	t.Parallel()
	cluster := start(t, clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard))
	u, err := url.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	overTCP := *u
	query := u.Query()
	query.Del("host")
	overTCP.RawQuery = query.Encode()
	if err := cluster.StopServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := takePort(t, u.Port())
	for name, answer := range map[string][]byte{
		"asks for the password":  {'R', 0, 0, 0, 8, 0, 0, 0, 3},
		"asks for its MD5":       {'R', 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4},
		"lets everybody in":      append([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 0}, 'Z', 0, 0, 0, 5, 'I'),
		"speaks some SASL":       append([]byte{'R', 0, 0, 0, 18, 0, 0, 0, 10}, []byte("PLAIN\x00\x00\x00\x00\x00")...),
		"ends without a further": {},
	} {
		other.answers(answer)
		for _, url := range []string{u.String(), overTCP.String()} {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			if conn, err := pgx.Connect(ctx, url); err == nil {
				_ = conn.Close(ctx)
				t.Errorf("%s: connected", name)
			}
			cancel()
		}
		if heard := other.told(); strings.Contains(heard, password) || strings.Contains(heard, "md5") {
			t.Errorf("%s: it was told %q", name, heard)
		}
	}
}

// Where the path of a socket would be too long, the server is reached over TCP.
func TestAPathTooLongForASocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(postgrestest.Dir(t), strings.Repeat("long", 25))
	cluster := start(t, clusterConfig(dir, io.Discard))
	u, err := url.Parse(cluster.URL())
	if err != nil || u.Query().Has("host") || u.Query().Get("require_auth") != "scram-sha-256" {
		t.Errorf("the URL is %s, %v", u.Redacted(), err)
	}
	execute(t, cluster.URL(), "SELECT 1")
}

// A folder that somebody else could have prepared is refused.
func TestStartRefusesAFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	open := filepath.Join(postgrestest.Dir(t), "pg")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, clusterConfig(open, io.Discard)), "others can write to the folder")
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another user")
	}
	foreign := filepath.Join(postgrestest.Dir(t), "pg")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(foreign, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, clusterConfig(foreign, io.Discard)), "the folder belongs to user")
	// The data in it are of a third one.
	data := filepath.Join(foreign, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, clusterConfig(foreign, io.Discard)), "the folder belongs to user")

	squatted := filepath.Join(postgrestest.Dir(t), "pg")
	config := clusterConfig(squatted, io.Discard)
	stop(t, start(t, config))
	if err := os.Chown(filepath.Join(squatted, "socket"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	wantError(t, startFails(t, config), "is not a folder of user")
}
