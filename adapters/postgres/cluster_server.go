package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxLogSize = 16 << 20
	pollEvery  = 10 * time.Millisecond
	// hardStopTimeout bounds each step that follows an orderly stop in vain.
	hardStopTimeout = 5 * time.Second

	stopFast      = syscall.SIGINT
	stopImmediate = syscall.SIGQUIT
)

// server is a postmaster: our child, or one that we adopted.
type server struct {
	pid, port int
	socket    string // the folder of its socket, once it is ready; empty for none
	folder    folder
	logger    *slog.Logger
	exited    chan struct{} // closed when the child was reaped; nil when adopted
}

// arguments are those of the postmaster. No secret is among them: every user of
// the machine can read them.
func (c *Cluster) arguments(port int) []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"unix_socket_permissions": "0700",
		"cluster_name":            "perfectworks",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_line_prefix":         "%m [%p] ",
		// A statement and the detail of an error hold values: personal data.
		"log_error_verbosity":     "terse",
		"log_min_error_statement": "panic",
	}
	if c.folder.fitsSocket() {
		settings["unix_socket_directories"] = c.folder.socket()
	}
	for name, value := range c.config.Settings {
		settings[name] = value
	}
	args := []string{"-D", c.folder.data(), "-p", strconv.Itoa(port)}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// sameSettings compares a running server's command line, of which Postgres keeps
// a record, with the one that we would use.
func (c *Cluster) sameSettings(s *server, port int) bool {
	if port != 0 && port != s.port {
		return false
	}
	record, err := os.ReadFile(filepath.Join(c.folder.data(), "postmaster.opts"))
	if err != nil {
		return false
	}
	var want strings.Builder
	for _, arg := range c.arguments(s.port) {
		fmt.Fprintf(&want, " %q", arg)
	}
	return strings.HasSuffix(strings.TrimSpace(string(record)), want.String())
}

// launch starts a server. A port that somebody else took in the meantime, and
// what an earlier server's processes hold until they notice its death, are
// worth another try. Port zero is any free one.
func (c *Cluster) launch(ctx context.Context, fixedPort int) (*server, error) {
	for attempt := 1; ; attempt++ {
		port := fixedPort
		if port == 0 {
			var err error
			if port, err = freePort(ctx); err != nil {
				return nil, err
			}
		}
		s, err := c.launchOn(ctx, port)
		if err == nil {
			return s, nil
		}
		again := errors.Is(err, errPortInUse) && fixedPort == 0 || errors.Is(err, errOrphans)
		if !again || attempt == 20 {
			return nil, err
		}
		if !pause(ctx, 250*time.Millisecond) {
			return nil, err
		}
	}
}

func (c *Cluster) launchOn(ctx context.Context, port int) (_ *server, err error) {
	if err := c.removeStalePidFile(); err != nil {
		return nil, err
	}
	if err := c.folder.createSocketFolder(c.user); err != nil {
		return nil, err
	}
	log, logStart, err := openServerLog(c.folder.log())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	// The server outlives ctx, which bounds the start alone.
	cmd := c.user.command(context.WithoutCancel(ctx), c.folder.path,
		filepath.Join(c.binaries.dir, "postgres"), c.arguments(port)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run PostgreSQL as user %s: %w", c.user.name, err)
	}
	s := &server{pid: cmd.Process.Pid, port: port, folder: c.folder, logger: c.config.Logger, exited: make(chan struct{})}
	go s.reap(cmd)

	if err := c.awaitAnswer(ctx, s); err != nil {
		stopErr := s.stop(context.WithoutCancel(ctx), hardStopTimeout, stopImmediate)
		return nil, errors.Join(explain("PostgreSQL did not start", err, readFrom(c.folder.log(), logStart)), stopErr)
	}
	return s, nil
}

// reap owns the child: it ends with it.
func (s *server) reap(cmd *exec.Cmd) {
	_ = cmd.Wait() // how it ended stands in its log
	close(s.exited)
}

func (s *server) alive(ctx context.Context) bool {
	if s.exited == nil {
		return isServerOf(ctx, s.pid, s.folder.data())
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// stop sends the signal, and after timeout, or when ctx ends, harder ones. It
// returns when the server is gone, or was not to be stopped at all.
func (s *server) stop(ctx context.Context, timeout time.Duration, signal syscall.Signal) error {
	steps := []struct {
		signal  syscall.Signal
		timeout time.Duration
	}{{signal, timeout}, {syscall.SIGQUIT, hardStopTimeout}, {syscall.SIGKILL, hardStopTimeout}}
	for i, step := range steps {
		if !s.alive(ctx) {
			return nil
		}
		if i > 0 {
			s.logger.Warn("PostgreSQL does not stop, ending it", "pid", s.pid, "signal", step.signal.String())
			ctx = context.WithoutCancel(ctx)
		}
		if err := syscall.Kill(s.pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal PostgreSQL (pid %d): %w", s.pid, err)
		}
		if s.awaitEnd(ctx, step.timeout) {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL (pid %d) does not end", s.pid)
}

func (s *server) awaitEnd(ctx context.Context, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for s.alive(ctx) {
		select {
		case <-ctx.Done():
			return !s.alive(ctx)
		case <-s.exited: // nil when adopted: never ready
		case <-poll.C:
		}
	}
	return true
}

// freePort returns a port that nothing listens on. It stays below the range from
// which systems take the local ports of connections: there, a client that tries
// to reach a stopped server could end up connected to itself.
func freePort(ctx context.Context) (int, error) {
	const low, high = 20000, 32000
	for range 100 {
		port := low + rand.IntN(high-low) //nolint:gosec // not a secret
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("no free port on 127.0.0.1 between %d and %d", low, high)
}

// openServerLog opens the log for appending and returns where it ends. One of
// some size is begun anew.
func openServerLog(path string) (*os.File, int64, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW
	if info, err := os.Lstat(path); err == nil && info.Size() > maxLogSize {
		flags |= os.O_TRUNC
	}
	log, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the server's log: %w", err)
	}
	info, err := log.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the server's log: %w", err), log.Close())
	}
	return log, info.Size(), nil
}

func readFrom(path string, offset int64) string {
	text, err := os.ReadFile(path)
	if err != nil || offset > int64(len(text)) {
		return ""
	}
	return string(text[offset:])
}
