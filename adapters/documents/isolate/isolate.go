// Package isolate bounds what a process may take that works on files nobody vouches for: memory, processor time, open
// files, and what it writes. Such a process lives in a process group of its own and not longer than its parent.
package isolate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Limits are the limits of one process. They are inherited and cannot be raised again.
type Limits struct {
	// Memory is how many bytes of address space the process may have beside what it has at its start; 0 is no limit, for
	// programs that reserve far more than they use.
	Memory int64 `json:"memory,omitempty"`
	// CPU is the processor time, rounded up to seconds.
	CPU time.Duration `json:"cpu"`
	// Files is how many files may be open, FileBytes how long a file may become.
	Files     int   `json:"files"`
	FileBytes int64 `json:"fileBytes"`
}

// lifeline is the descriptor of a pipe that the parent holds open while it lives.
const lifeline = 3

// ExecCommand is the hidden subcommand by which this program runs another one within limits; see [Exec].
const ExecCommand = "documents-exec"

// Child prepares a command as a child process: a group of its own, killed as a whole when the command's context ends,
// and a lifeline before the files in ExtraFiles, which are numbered from 4. Call the result once the command was
// started, or failed to, and the second result when it has ended.
func Child(cmd *exec.Cmd) (started, ended func(), err error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe for the child process: %w", err)
	}
	cmd.ExtraFiles = append([]*os.File{theirs}, cmd.ExtraFiles...)
	ownGroup(cmd)
	return func() { theirs.Close() }, func() { ours.Close() }, nil
}

// EndWithParent calls end when the parent has died. It is for a process that [Child] prepared, to be called once and
// in a goroutine.
func EndWithParent(end func()) {
	pipe := os.NewFile(lifeline, "lifeline")
	if pipe == nil {
		return
	}
	if _, err := pipe.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		end()
	}
}

// execution is the only argument of [ExecCommand].
type execution struct {
	Limits Limits   `json:"limits"`
	Path   string   `json:"path"`
	Args   []string `json:"args"`
	// Files is how many files of ExtraFiles are passed on.
	Files int `json:"files,omitempty"`
}

// Program changes a command to run its program within limits, by way of executable, which must call [Exec], and
// prepares it as [Child] does; the command must have a context. The program finds the command's ExtraFiles where it would without this.
func Program(cmd *exec.Cmd, executable string, limits Limits) (started, ended func(), err error) {
	argument, err := json.Marshal(execution{Limits: limits, Path: cmd.Path, Args: cmd.Args[1:], Files: len(cmd.ExtraFiles)})
	if err != nil {
		return nil, nil, fmt.Errorf("write the command: %w", err)
	}
	cmd.Path, cmd.Err = executable, nil
	cmd.Args = []string{executable, ExecCommand, string(argument)}
	return Child(cmd)
}

// Exec is the main function of [ExecCommand]: it limits itself, runs the program as its child, and ends with it. Its
// result is the program's exit code.
func Exec(args []string) int {
	var e execution
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &e) != nil {
		return 2
	}
	if err := Apply(e.Limits); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go EndWithParent(killGroup)
	cmd := exec.Command(e.Path, e.Args...) //nolint:gosec,noctx // the engine names the program; it ends with the group
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	for i := range e.Files {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(lifeline+1+uintptr(i), "passed on"))
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
