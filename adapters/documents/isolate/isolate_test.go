package isolate_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// TestMain lets the test binary be the program that runs others within limits, and a parent that dies.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case isolate.ExecCommand:
			os.Exit(isolate.Exec(os.Args[2:]))
		case "parent-that-dies":
			parentThatDies()
		}
	}
	os.Exit(m.Run())
}

var limits = isolate.Limits{CPU: 10 * time.Second, Files: 64, FileBytes: 1 << 20}

// program prepares a shell command within limits.
func program(tb testing.TB, ctx context.Context, l isolate.Limits, script string, extra ...*os.File) (cmd *exec.Cmd, start func() error) {
	tb.Helper()
	executable, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd = exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.ExtraFiles = extra
	started, ended, err := isolate.Program(cmd, executable, l)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(ended)
	return cmd, func() error {
		defer started()
		return cmd.Start()
	}
}

func TestProgramRuns(t *testing.T) {
	t.Parallel()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	cmd, start := program(t, t.Context(), limits, "cat; echo passed on >&3; ulimit -n; exit 7", to)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = strings.NewReader("input\n"), &out
	if err := start(); err != nil {
		t.Fatal(err)
	}
	to.Close()
	var passed bytes.Buffer
	if _, err := passed.ReadFrom(from); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("ended with %v", err)
	}
	if out.String() != "input\n64\n" || passed.String() != "passed on\n" {
		t.Errorf("wrote %q and %q", out.String(), passed.String())
	}
}

func TestLimitsHold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits isolate.Limits
		script string
	}{
		"processor time": {isolate.Limits{CPU: time.Second, Files: 64, FileBytes: 1 << 20}, "while :; do :; done"},
		"file size":      {isolate.Limits{CPU: 10 * time.Second, Files: 64, FileBytes: 1 << 10}, "cd " + t.TempDir() + " && head -c 100000 /dev/zero > file && test $(wc -c < file) = 100000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd, start := program(t, ctx, tt.limits, tt.script)
			if err := start(); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || ctx.Err() != nil {
				t.Errorf("ended with %v, %v", err, ctx.Err())
			}
		})
	}
}

// TestGroupEndsWithTheContext starts a program that has a child of its own; both end.
func TestGroupEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd, start := program(t, ctx, limits, "sleep 600 & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	grandchild := readNumber(t, out)
	cancel()
	_ = cmd.Wait() // killed
	waitGone(t, grandchild)
}

// TestGroupEndsWithItsParent kills the process that started a program: the program and its child end.
func TestGroupEndsWithItsParent(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), executable, "parent-that-dies")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	grandchild := readNumber(t, out)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed
	waitGone(t, grandchild)
}

// parentThatDies starts a program and waits to be killed.
func parentThatDies() {
	executable, err := os.Executable()
	if err != nil {
		os.Exit(1)
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", "sleep 600 & echo $!; wait")
	started, ended, err := isolate.Program(cmd, executable, limits)
	if err != nil {
		os.Exit(1)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		os.Exit(1)
	}
	started()
	_ = cmd.Wait() // this process is killed before
	ended()
	os.Exit(0)
}

func readNumber(t *testing.T, from interface{ Read([]byte) (int, error) }) int {
	t.Helper()
	buffer := make([]byte, 32)
	n, err := from.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(strings.TrimSpace(string(buffer[:n])))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// waitGone waits until a process has ended; nobody may be there to collect it, then it shows as a zombie.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for ticker := time.NewTicker(10 * time.Millisecond); ; <-ticker.C {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("the process goes on")
		}
	}
}
