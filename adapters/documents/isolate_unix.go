//go:build unix

package documents

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// isolate puts a child into a process group of its own, which is killed as a whole.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// limitProcess sets the limits of this process. They are inherited and cannot be raised again.
func limitProcess(l Limits) error {
	seconds := uint64(max(1, (l.CPU+time.Second-1)/time.Second))
	limits := []struct {
		name       string
		resource   int
		soft, hard uint64
	}{
		{"processor time", syscall.RLIMIT_CPU, seconds, seconds + 2},
		{"files", syscall.RLIMIT_NOFILE, 32, 32},
		{"file size", syscall.RLIMIT_FSIZE, 0, 0},
		{"core dumps", syscall.RLIMIT_CORE, 0, 0},
	}
	if space, ok := addressSpace(l.Memory); ok {
		limits = append(limits, struct {
			name       string
			resource   int
			soft, hard uint64
		}{"memory", syscall.RLIMIT_AS, space, space})
	}
	for _, limit := range limits {
		value := syscall.Rlimit{Cur: limit.soft, Max: limit.hard}
		if err := syscall.Setrlimit(limit.resource, &value); err != nil {
			return fmt.Errorf("limit %s: %w", limit.name, err)
		}
	}
	return nil
}
