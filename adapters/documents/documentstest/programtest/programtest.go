// Package programtest finds the programs that tests ask for an opinion, such as browsers and other readers of PDF.
//
// A program that is missing is installed by apt-get where that is no intrusion: in CI, and when run by root. Elsewhere
// tests that need it are skipped.
package programtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Find gives the path of the first of some programs that is there, all of them in the same Debian package. Without any
// the test is skipped; in CI it fails.
func Find(tb testing.TB, debianPackage string, names ...string) string {
	tb.Helper()
	path, err := LookUp(debianPackage, names...)
	if err != nil {
		Missing(tb, err)
	}
	return path
}

// Missing ends a test for want of a program: it is skipped, in CI it fails.
func Missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatal(err)
	}
	tb.Skip(err)
}

// LookUp is [Find] without a test.
func LookUp(debianPackage string, names ...string) (string, error) {
	if path, ok := inPath(names); ok {
		return path, nil
	}
	if os.Getenv("CI") == "" || os.Getuid() != 0 {
		return "", fmt.Errorf("%s is not installed", names[0])
	}
	unlock, err := lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if path, ok := inPath(names); ok { // installed by another test in the meantime
		return path, nil
	}
	err = errors.Join(run("apt-get", "update", "-qq"), run("apt-get", "install", "-qq", "--no-install-recommends", debianPackage))
	if path, ok := inPath(names); ok {
		return path, nil
	}
	return "", errors.Join(fmt.Errorf("%s cannot be installed", names[0]), err)
}

func inPath(names []string) (string, bool) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// lock keeps other processes from installing at the same time.
func lock() (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(os.TempDir(), "perfectworks-programs.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock installing: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock installing: %w", err), file.Close())
	}
	return func() { file.Close() }, nil
}

func run(name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
