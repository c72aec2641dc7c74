package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A health check asks a server that runs, one that is not ready, another server, and
// none.
func TestReady(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.settings = append(place.settings, "LOG_LEVEL=info", "LOG_FORMAT=text")
	server := place.serve()
	addr := operatorsAddress.FindStringSubmatch(server.log.String())[1]

	stdout, stderr, code := output(t, nil, "ready", "--addr", addr, "--wait", "30s", "--json")
	var answer readiness
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 || answer.Status != "ok" || len(answer.Checks) < 4 {
		t.Errorf("it ended with %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := output(t, nil, "ready", "--addr", addr); code != 0 || !strings.Contains(stdout, "projection users") {
		t.Errorf("it ended with %d: %s%s", code, stdout, stderr)
	}
	server.end(syscall.SIGTERM)
	began := time.Now()
	if _, stderr, code := output(t, nil, "ready", "--addr", addr, "--wait", "1s"); code != 1 || time.Since(began) < time.Second {
		t.Errorf("without a server it ended with %d after %s: %s", code, time.Since(began), stderr)
	}

	var body atomic.Value
	body.Store(`{"status":"stuck","checks":[{"name":"projection users","state":"stuck","detail":"evil\u001b[2Jtext"}]}`)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, body.Load().(string)) // The test sees what arrives.
	}))
	defer other.Close()
	stdout, _, code = output(t, nil, "ready", "--addr", other.Listener.Addr().String())
	if code != 1 || !strings.Contains(stdout, "stuck") || strings.Contains(stdout, "\x1b") {
		t.Errorf("it ended with %d: %q", code, stdout)
	}
	body.Store("<html>")
	if _, stderr, code := output(t, nil, "ready", "--addr", other.Listener.Addr().String()); code != 1 || !strings.Contains(stderr, "not the address for operators") {
		t.Errorf("it ended with %d: %q", code, stderr)
	}
}

func TestDialable(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:8081": "localhost:8081", ":8081": "localhost:8081", "[::]:8081": "localhost:8081",
		"127.0.0.1:8081": "127.0.0.1:8081", "10.0.0.1:1": "10.0.0.1:1",
	} {
		if got := dialable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

// The service manager learns when the server is ready, and that it stops.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "notify") // Short: the names of sockets are.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "socket")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	told := func() string {
		if err := socket.SetReadDeadline(time.Now().Add(readyWithin)); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1024)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:n])
	}
	place := newInstallation(t)
	place.settings = append(place.settings, "NOTIFY_SOCKET="+path)
	server := place.serve()
	if got := told(); got != "READY=1" {
		t.Errorf("it was told %q", got)
	}
	server.end(syscall.SIGTERM)
	if got := told(); got != "STOPPING=1" {
		t.Errorf("it was told %q", got)
	}
}
