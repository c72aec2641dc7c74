package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is what we use of postmaster.pid, the lock file that Postgres keeps
// while it runs (src/include/utils/pidfile.h).
type pidFile struct {
	pid, port int
	socket    string // the folder of the socket
	status    string
}

var errPidFile = errors.New("postmaster.pid is incomplete")

func readPidFile(data string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	var p pidFile
	if p.pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil || p.pid <= 0 {
		return pidFile{}, errPidFile
	}
	// The later lines are written one by one as the server comes up.
	if len(lines) > 3 {
		p.port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	}
	if len(lines) > 4 {
		p.socket = strings.TrimSpace(lines[4])
	}
	if len(lines) > 7 {
		p.status = strings.TrimSpace(lines[7])
	}
	return p, nil
}

// findRunning returns the server that runs in the folder, nil when there is none.
func (c *Cluster) findRunning(ctx context.Context) (*server, error) {
	for {
		p, err := readPidFile(c.folder.data())
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errPidFile):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read postmaster.pid: %w", err)
		case !isServerOf(ctx, p.pid, c.folder.data()):
			return nil, nil
		case p.port != 0:
			return &server{pid: p.pid, port: p.port, folder: c.folder, logger: c.config.Logger}, nil
		}
		// A server that is coming up has not written its port yet.
		if !pause(ctx, pollEvery) {
			return nil, context.Cause(ctx)
		}
	}
}

// removeStalePidFile removes what a crash of the machine or a kill -9 left, when
// no server runs: Postgres refuses to start while any program has the pid that
// stands there. Processes that a killed server left behind it finds without the
// file, by their shared memory.
func (c *Cluster) removeStalePidFile() error {
	path := filepath.Join(c.folder.data(), "postmaster.pid")
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove a stale postmaster.pid: %w", err)
	}
	c.config.Logger.Warn("removed a stale postmaster.pid: no server of this folder runs under its pid", "path", path)
	return nil
}

// isServerOf tells whether pid is a postmaster of the data folder: pids are used
// again, by any program. A zombie is none. Where it cannot be known, a postmaster
// counts as one of this folder.
func isServerOf(ctx context.Context, pid int, data string) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	args := commandLine(ctx, pid)
	if len(args) == 0 || filepath.Base(args[0]) != "postgres" {
		return false // the postmaster's processes have other titles
	}
	// Postgres works in its data folder. Seeing that takes the same user or, in
	// many containers, more than root.
	if dir, err := os.Readlink(procPath(pid, "cwd")); err == nil {
		return dir == data
	}
	for i, arg := range args[:len(args)-1] {
		if arg == "-D" {
			dir, err := filepath.EvalSymlinks(args[i+1])
			return err != nil || dir == data
		}
	}
	return true
}

// commandLine returns the program and the arguments of a process. It answers when
// ctx ended too: to take a server for gone would be worse than to be late.
func commandLine(ctx context.Context, pid int) []string {
	if text, err := os.ReadFile(procPath(pid, "cmdline")); err == nil {
		return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
