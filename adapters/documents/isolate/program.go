package isolate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"
)

// ExecCommand is the command by which this program runs another one within limits; see [Exec] and [Main].
const ExecCommand = "documents-exec"

// Confined is how a program is run.
type Confined struct {
	Limits Limits `json:"limits"`
	// OtherUser lets a program that root starts run as a user that owns nothing else. Such a program finds only files that
	// everybody may read.
	OtherUser bool `json:"otherUser,omitempty"`
	// Folder, if not empty, is the path of a folder that is created for the program and removed after it, whatever ends it.
	Folder string `json:"folder,omitempty"`
}

// execution is the only argument of [ExecCommand].
type execution struct {
	Confined
	Path string   `json:"path"`
	Args []string `json:"args"`
	// Files is how many files of ExtraFiles are passed on.
	Files int `json:"files,omitempty"`
}

// Program changes a command to run its program confined, by way of executable, which must link this package, and prepares it as
// [Child] does; the command must have a context. The program runs without network. When the context ends or the parent dies, all processes that it started end too. The program finds the
// command's ExtraFiles where it would without this.
func Program(cmd *exec.Cmd, executable string, confined Confined) (started, ended func(), err error) {
	argument, err := json.Marshal(execution{Confined: confined, Path: cmd.Path, Args: cmd.Args[1:], Files: len(cmd.ExtraFiles)})
	if err != nil {
		return nil, nil, fmt.Errorf("write the command: %w", err)
	}
	cmd.Path, cmd.Err = executable, nil
	cmd.Args = []string{executable, ExecCommand, string(argument)}
	started, ended, err = Child(cmd)
	if err != nil {
		return nil, nil, err
	}
	// The end of the lifeline lets it remove what it has created; after WaitDelay it is killed all the same.
	cmd.Cancel = func() error {
		ended()
		return nil
	}
	return started, ended, nil
}

// tooMuchMemory is the exit code for a tree of processes that went beyond its limit.
const tooMuchMemory = 137

// Exec is the main function of [ExecCommand]: it limits itself, runs the program as its child, and ends with it. Its
// result is the program's exit code.
func Exec(args []string) int {
	// The program is killed when the thread ends that starts it.
	runtime.LockOSThread()
	var e execution
	if len(args) != 1 || json.Unmarshal([]byte(args[0]), &e) != nil {
		return 2
	}
	code, err := e.run()
	if e.Folder != "" {
		err = errors.Join(err, os.RemoveAll(e.Folder))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func (e execution) run() (int, error) {
	if err := Apply(e.Limits); err != nil {
		return 2, err
	}
	adopt()
	user := programUser(e.OtherUser)
	if e.Folder != "" {
		if err := errors.Join(os.Mkdir(e.Folder, 0o700), user.own(e.Folder)); err != nil {
			return 2, fmt.Errorf("create a folder for the program: %w", err)
		}
	}
	cmd := exec.Command(e.Path, e.Args...) //nolint:gosec,noctx // the engine names the program; it ends with this process
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	for i := range e.Files {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(lifeline+1+uintptr(i), "passed on"))
	}
	parentGone := make(chan struct{})
	go EndWithParent(func() { close(parentGone) })
	if err := startConfined(cmd, user); err != nil {
		return 1, err
	}
	for _, file := range cmd.ExtraFiles {
		file.Close()
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	defer killTree(cmd)
	watch := time.NewTicker(memoryInterval)
	defer watch.Stop()
	for {
		select {
		case err := <-done:
			var exit *exec.ExitError
			switch {
			case err == nil:
				return 0, nil
			case errors.As(err, &exit) && exit.ExitCode() > 0:
				return exit.ExitCode(), nil
			}
			return 1, err
		case <-parentGone:
			return 1, nil
		case <-watch.C:
			if e.Limits.Tree > 0 && treeMemory() > e.Limits.Tree {
				return tooMuchMemory, fmt.Errorf("the program takes more than the allowed %d MiB of memory", e.Limits.Tree>>20)
			}
		}
	}
}

// memoryInterval is how often the memory of a tree of processes is looked at.
const memoryInterval = 50 * time.Millisecond

// killTree ends all processes that the program started, also those that left its group.
func killTree(cmd *exec.Cmd) {
	killGroupOf(cmd)
	for range 100 { // what dies may start something still
		left := descendants()
		left = slices.DeleteFunc(left, func(pid int) bool { return !kill(pid) })
		if len(left) == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
