package conformance

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// mustRunVariable makes it a failure that another client cannot be installed:
// continuous integration sets it.
const mustRunVariable = "PERFECTWORKS_CI"

// Limits of what belongs to other clients.
const (
	installTimeout = 3 * time.Minute
	smokeTimeout   = time.Minute
)

// TestOtherClients has the official clients of other languages append, read,
// subscribe, set metadata and delete. Each is installed from its registry, in the
// versions that are locked in testdata, into a folder that goes with the test.
func TestOtherClients(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout+2*smokeTimeout)
	defer cancel()
	clients := map[string]func(context.Context, *testing.T, string) []string{
		"Node":   installNodeClient,
		"Python": installPythonClient,
	}
	folder, commands := t.TempDir(), map[string][]string{}
	for name, install := range clients {
		t.Run("install "+name, func(t *testing.T) {
			commands[name] = install(ctx, t, filepath.Join(folder, name))
		})
	}
	if len(commands) == 0 {
		t.Skip("no other client can be installed here")
	}
	address := freeAddress(t)
	startNode(ctx, t, nodeBinary(ctx, t), address)
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, smokeTimeout)
			defer cancel()
			run := exec.CommandContext(ctx, command[0], append(command[1:], address)...)
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func installNodeClient(ctx context.Context, t *testing.T, dir string) []string {
	t.Helper()
	node, npm := find(t, "node"), find(t, "npm")
	if err := copyFiles(dir, "testdata/node"); err != nil {
		t.Fatal(err)
	}
	install(ctx, t, dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	return []string{node, filepath.Join(dir, "smoke.js")}
}

func installPythonClient(ctx context.Context, t *testing.T, dir string) []string {
	t.Helper()
	python := find(t, "python3")
	if err := copyFiles(dir, "testdata/python"); err != nil {
		t.Fatal(err)
	}
	install(ctx, t, dir, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--only-binary", ":all:", "--no-deps", "--target", "packages", "-r", "requirements.txt")
	return []string{"env", "PYTHONPATH=" + filepath.Join(dir, "packages"), python, filepath.Join(dir, "smoke.py")}
}

func find(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		absent(t, "%s is not installed", program)
	}
	return path
}

func install(ctx context.Context, t *testing.T, dir string, command ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		absent(t, "the client cannot be installed: %v\n%s", err, out)
	}
}

func absent(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(mustRunVariable) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // The node needs it free.
	return listener.Addr().String()
}
