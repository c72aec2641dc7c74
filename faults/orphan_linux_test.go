package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// endWithUs lets the kernel kill a program when the tests end by whatever signal: no
// cleanup runs after kill -9. A private Postgres that the program started outlives it,
// as it must, and is ended by its own watchdog where the test asked for one.
func endWithUs(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// orphanVariable makes TestProcessesEndWithTheTests the one that is killed.
const orphanVariable = "FAULTS_ORPHAN"

// The processes under test end when the tests are killed.
func TestProcessesEndWithTheTests(t *testing.T) {
	t.Parallel()
	if os.Getenv(orphanVariable) != "" {
		p := &process{t: t, name: "orphan", program: "sleep", args: []string{"600"}, log: logFile(t, "orphan")}
		p.launch()
		fmt.Println(p.running.cmd.Process.Pid)
		<-p.running.ended
		return
	}
	tests := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	// The program is not built again: it is not needed.
	tests.Env = append(os.Environ(), orphanVariable+"=1", binaryVariable+"=sleep", "TMPDIR="+t.TempDir())
	endWithUs(tests)
	stdout, err := tests.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tests.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	said.Scan()
	pid, err := strconv.Atoi(said.Text())
	if err != nil {
		t.Errorf("the tests say %q", said.Text())
	} else if !lives(pid) {
		t.Error("the process does not run")
	}
	if err := tests.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = tests.Wait() // It was killed.
	if pid > 0 {
		eventually(t, "the process ends", func() bool { return !lives(pid) })
	}
}

// lives tells whether a process runs: not one that has ended and waits to be reaped.
func lives(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, found := strings.Cut(string(text), ") ")
	return found && !strings.HasPrefix(rest, "Z")
}
