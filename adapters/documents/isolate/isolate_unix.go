//go:build unix

package isolate

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// ownGroup puts a child into a process group of its own, which is killed as a whole.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// Apply sets the limits of this process.
func Apply(l Limits) error {
	seconds := uint64(max(1, (l.CPU+time.Second-1)/time.Second))
	files, size := uint64(max(0, l.Files)), uint64(max(0, l.FileBytes))
	limits := []struct {
		name       string
		resource   int
		soft, hard uint64
	}{
		{"processor time", syscall.RLIMIT_CPU, seconds, seconds + 2},
		{"files", syscall.RLIMIT_NOFILE, files, files},
		{"file size", syscall.RLIMIT_FSIZE, size, size},
		{"core dumps", syscall.RLIMIT_CORE, 0, 0},
	}
	if l.Tree > 0 && limitsData {
		// No single process gets far beyond what all may have; address space that is only reserved does not count.
		limits = append(limits, struct {
			name       string
			resource   int
			soft, hard uint64
		}{"data", syscall.RLIMIT_DATA, uint64(l.Tree), uint64(l.Tree)})
	}
	if space, ok := addressSpace(l.Memory); ok && l.Memory > 0 {
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

// killGroupOf ends the group of a program.
func killGroupOf(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// kill ends a process, and reports whether there was one.
func kill(pid int) bool { return syscall.Kill(pid, syscall.SIGKILL) == nil }
