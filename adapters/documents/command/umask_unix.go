//go:build unix

package command

import (
	"os"
	"syscall"
)

// umask gives which permissions new files of this process do not get. It can only be read by setting it.
func umask() os.FileMode {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return os.FileMode(mask) //nolint:gosec // nine bits
}
