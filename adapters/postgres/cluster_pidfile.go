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
	if len(lines) > 7 {
		p.status = strings.TrimSpace(lines[7])
	}
	return p, nil
}

// findRunning returns the server that runs in the folder, nil when there is
// none. A stale postmaster.pid, left by a crash of the machine or a kill -9, is
// made harmless.
func (c *Cluster) findRunning(ctx context.Context) (*server, error) {
	path := filepath.Join(c.folder.data(), "postmaster.pid")
	for {
		p, err := readPidFile(c.folder.data())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil
		case errors.Is(err, errPidFile):
			c.config.Logger.Warn("removing a broken postmaster.pid", "path", path)
			return nil, os.Remove(path)
		case err != nil:
			return nil, fmt.Errorf("read postmaster.pid: %w", err)
		case !isServerOf(ctx, p.pid, c.folder.data()):
			c.config.Logger.Warn("removing a stale postmaster.pid: no server of this folder runs under its pid",
				"path", path, "pid", p.pid)
			return nil, disown(path)
		case p.port != 0:
			return &server{pid: p.pid, port: p.port, folder: c.folder, logger: c.config.Logger}, nil
		}
		// A server that is coming up has not written its port yet.
		if !pause(ctx, pollEvery) {
			return nil, context.Cause(ctx)
		}
	}
}

// noSuchPid is beyond what Linux (2^22) and the BSDs (99999) give to processes.
const noSuchPid = 1 << 30

// disown writes an impossible pid into postmaster.pid. Postgres would refuse to
// start while any program runs under the pid that stands there; without the
// file, it would start even while processes of a killed server still write,
// for it finds their shared memory by a later line.
func disown(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a stale postmaster.pid: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("remove a stale postmaster.pid: %w", err)
	}
	_, err = fmt.Fprintf(file, "%d\n%s", noSuchPid, rest)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("remove a stale postmaster.pid: %w", err)
	}
	return nil
}

// isServerOf tells whether pid is a postmaster of the data folder: pids are used
// again, by any program. A zombie is none.
func isServerOf(ctx context.Context, pid int, data string) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		return psShowsServer(ctx, pid, data)
	}
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	exe, exeErr := os.Readlink(filepath.Join(proc, "exe"))
	cwd, cwdErr := os.Readlink(filepath.Join(proc, "cwd")) // Postgres works in its data folder
	return exeErr == nil && cwdErr == nil && cwd == data && strings.HasPrefix(filepath.Base(exe), "postgres")
}

// psShowsServer is for systems without /proc. It answers when ctx ended too: to
// take a server for gone would be worse than to be late.
func psShowsServer(ctx context.Context, pid int, data string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	return err == nil && strings.Contains(string(output), "postgres") && strings.Contains(string(output), "-D "+data+" ")
}
