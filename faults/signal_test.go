package faults

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// freeze stops the process where it is, until thaw.
func (p *process) freeze() { p.t.Helper(); p.signal(syscall.SIGSTOP) }

func (p *process) thaw() { p.t.Helper(); p.signal(syscall.SIGCONT) }

// signalTree sends a signal to a process and its children: each of Postgres' is in
// a process group of its own. It returns to how many it was sent.
func signalTree(t *testing.T, pid int, s syscall.Signal) (signalled int) {
	t.Helper()
	for _, child := range append([]int{pid}, childrenOf(t, pid)...) {
		if syscall.Kill(child, s) == nil { // It may have ended.
			signalled++
		}
	}
	return signalled
}

// childrenOf asks /proc, and skips the test where there is none.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		t.Skip("the children of a process are known only where there is /proc")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// The name, between parentheses, can hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}
