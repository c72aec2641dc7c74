// Package isolate bounds what a process may take and reach that works on files from strangers: memory, processor time, open
// files, what it writes, the network and other files. Such a process lives in a process group of its own, and no longer
// than its parent.
package isolate

import (
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
	// Tree is how many bytes the process and all that it starts may have in memory together; 0 is no limit. It is watched, so
	// that the tree may have more for a moment. See [Program].
	Tree int64 `json:"tree,omitempty"`
	// CPU is the processor time, rounded up to seconds.
	CPU time.Duration `json:"cpu"`
	// Files is how many files may be open, FileBytes how long a file may become.
	Files     int   `json:"files"`
	FileBytes int64 `json:"fileBytes"`
}

// lifeline is the descriptor of a pipe that the parent holds open while it lives.
const lifeline = 3

// Child prepares a command as a child process: it has a group of its own, which is killed as a whole when the command's
// context ends, and a lifeline before the files in ExtraFiles, which are numbered from 4. Call the result once the command was
// started, or failed to, and the second result when it has ended. It fails in a process that it prepared itself.
func Child(cmd *exec.Cmd) (started, ended func(), err error) {
	if os.Getenv(childMark) != "" {
		return nil, nil, ErrChild
	}
	cmd.Env = append(cmd.Environ(), childMark+"=1")
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
