package isolate_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
		case "parent-that-dies":
			parentThatDies(os.Args[2])
		case "sealed":
			sealed(os.Args[2], os.Args[3])
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
	started, ended, err := isolate.Program(cmd, executable, isolate.Confined{Limits: l, OtherUser: true})
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

// TestGroupEndsWithItsParent kills the process that started a program: the program and its child end, and its folder goes.
func TestGroupEndsWithItsParent(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(os.TempDir(), "perfectworks-isolate-test-"+rand.Text())
	parent := exec.CommandContext(t.Context(), executable, "parent-that-dies", folder)
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
	for ticker := time.NewTicker(10 * time.Millisecond); t.Context().Err() == nil; <-ticker.C {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	t.Error("the folder of the program is there still")
}

// parentThatDies starts a program and waits to be killed.
func parentThatDies(folder string) {
	executable, err := os.Executable()
	if err != nil {
		os.Exit(1)
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", "sleep 600 & echo $!; wait")
	started, ended, err := isolate.Program(cmd, executable, isolate.Confined{Limits: limits, Folder: folder})
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

// waitGone waits until a process has ended. It may remain as a zombie if no parent collects it.
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

// TestNoNetwork has a program try to reach a server on this machine.
func TestNoNetwork(t *testing.T) {
	t.Parallel()
	if !isolate.Available().Network {
		t.Skip("this system cannot keep programs from the network")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is needed, which can open connections")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reached := make(chan struct{})
	go func() {
		if _, err := listener.Accept(); err == nil {
			close(reached)
		}
	}()
	port := listener.Addr().(*net.TCPAddr).Port
	script := fmt.Sprintf("%s -c 'exec 3<>/dev/tcp/127.0.0.1/%d && echo tcp; exec 4<>/dev/udp/127.0.0.1/9 && echo udp'; true", bash, port)
	cmd, start := program(t, t.Context(), limits, script)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reached:
		t.Error("the server was reached")
	default:
	}
	if out.Len() > 0 {
		t.Errorf("these could be opened: %s", out.String())
	}
}

// TestNeverRoot checks the user that a program runs as.
func TestNeverRoot(t *testing.T) {
	t.Parallel()
	cmd, start := program(t, t.Context(), limits, "id -u; id -G")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(out.String()) {
		if id == "0" && runtime.GOOS == "linux" {
			t.Errorf("the program has the ids %q", out.String())
		}
	}
}

// TestMemoryOfTheTree starts programs none of which has too much, but all together do.
func TestMemoryOfTheTree(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells the memory of other processes")
	}
	l := limits
	l.Tree = 200 << 20
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd, start := program(t, ctx, l, "for i in 1 2 3 4; do { head -c 80000000 /dev/zero; sleep 600; } | tail >/dev/null & done; wait")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || ctx.Err() != nil || !strings.Contains(said.String(), "200 MiB") {
		t.Errorf("ended with %v and %q", err, said.String())
	}
}

// TestFolderGoes checks that the folder of a program is removed at its end and when the context ends. A process that left
// the group ends as well.
func TestFolderGoes(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"at the end":       "echo x > \"$0/file\"",
		"with the context": "echo x > \"$0/file\"; setsid sleep 600 & echo started; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(os.TempDir(), "perfectworks-isolate-test-"+rand.Text())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script, folder)
			started, ended, err := isolate.Program(cmd, executable, isolate.Confined{Limits: limits, Folder: folder})
			if err != nil {
				t.Fatal(err)
			}
			defer ended()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			started()
			if name == "with the context" {
				if _, err := out.Read(make([]byte, 16)); err != nil {
					t.Fatal(err)
				}
				cancel()
			}
			if err := cmd.Wait(); err != nil && name == "at the end" {
				t.Fatal(err)
			}
			if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder is there still: %v", err)
			}
		})
	}
}

// TestSeal has a process that is sealed try what it may no longer do.
func TestSeal(t *testing.T) {
	t.Parallel()
	available := isolate.Available()
	if available.Landlock == 0 || !available.Seccomp {
		t.Skipf("the kernel lacks Landlock or seccomp: %+v", available)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder, elsewhere := t.TempDir(), t.TempDir()
	for _, path := range []string{folder, elsewhere} {
		if err := os.WriteFile(filepath.Join(path, "file"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), executable, "sealed", folder, elsewhere).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "read in the folder" {
		t.Errorf("ended with %v, and could: %s", err, out)
	}
}

// sealed seals this process and tells what it can do.
func sealed(folder, elsewhere string) {
	if err := isolate.Seal(folder, filepath.Join(folder, "missing")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for name, attempt := range map[string]func() error{
		"read in the folder":  func() error { _, err := os.ReadFile(filepath.Join(folder, "file")); return err },
		"read elsewhere":      func() error { _, err := os.ReadFile(filepath.Join(elsewhere, "file")); return err },
		"list elsewhere":      func() error { _, err := os.ReadDir("/etc"); return err },
		"write in the folder": func() error { return os.WriteFile(filepath.Join(folder, "new"), nil, 0o600) },
		"remove":              func() error { return os.Remove(filepath.Join(folder, "file")) },
		"write elsewhere":     func() error { return os.WriteFile(filepath.Join(elsewhere, "new"), nil, 0o600) },
		"dial":                func() error { _, err := net.Dial("udp", "127.0.0.1:9"); return err },
		"listen":              func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"dial a Unix socket":  func() error { _, err := net.Listen("unix", filepath.Join(folder, "socket")); return err },
		"run a program":       func() error { return exec.Command("/bin/true").Run() },
	} {
		if attempt() == nil {
			fmt.Println(name)
		}
	}
	os.Exit(0)
}
