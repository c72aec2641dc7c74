package conformance

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaryVariable names a built perfectworks; without it one is built.
const binaryVariable = "PERFECTWORKS_BINARY"

func nodeBinary(ctx context.Context, t *testing.T) string {
	t.Helper()
	if path := os.Getenv(binaryVariable); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "perfectworks")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/perfectworks")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build perfectworks: %v\n%s", err, out)
	}
	return path
}

// startNode starts a node with a log of its own and waits until it listens.
func startNode(ctx context.Context, t *testing.T, binary, address string, args ...string) {
	t.Helper()
	args = append([]string{"eventnode", "--listen", address, "--data", t.TempDir()}, args...)
	cmd := exec.CommandContext(ctx, binary, args...)
	// Without a database of somebody else.
	cmd.Env = append(os.Environ(), "DATABASE_URL=")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var output syncBuffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the node: %v", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
		if t.Failed() {
			t.Logf("node at %s:\n%s", address, output.String())
		}
	})
	for {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("the node at %s ended: %v\n%s", address, err, output.String())
		case <-ctx.Done():
			t.Fatalf("the node at %s does not listen:\n%s", address, output.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// takeTurns waits until no other run on this machine uses the fixed ports, and
// keeps others waiting until the test ends.
func takeTurns(ctx context.Context, t *testing.T) {
	t.Helper()
	path := filepath.Join(os.TempDir(), "perfectworks-conformance.lock")
	file, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o666)
	if errors.Is(err, os.ErrPermission) {
		// Made by another user, in a folder where only the owner may open to create.
		file, err = os.Open(path)
	}
	if err != nil {
		t.Fatalf("open the lock of the conformance ports: %v", err)
	}
	t.Cleanup(func() { _ = file.Close() })
	ctx, cancel := context.WithTimeout(ctx, timeLimit/2)
	defer cancel()
	for logged := false; syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; logged = true {
		if !logged {
			t.Logf("waiting for another run that holds %s", path)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("another run of this test holds %s for too long", path)
		case <-time.After(100 * time.Millisecond):
		}
	}
	for _, address := range []string{insecureAddress, secureAddress} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("the suite has fixed ports, and something else uses one of them: %v", err)
		}
		_ = listener.Close()
	}
}
