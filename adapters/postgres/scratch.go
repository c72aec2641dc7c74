package postgres

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	sharedMemory = "/dev/shm"
	// scratchRoom is what /dev/shm must have free: more than tests fill, and so
	// much that the machine has twice as much memory.
	scratchRoom = 4 << 30
)

// ScratchDir returns a path, at which nothing is yet, for data that may be lost.
// It is in $TMPDIR; without that in memory, where creating a cluster and its
// databases takes half the time, if there is plenty; else in /tmp.
func ScratchDir(prefix string) string {
	base := os.TempDir()
	var memory syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(sharedMemory, &memory) == nil &&
		memory.Bavail*uint64(memory.Bsize) >= scratchRoom { //nolint:gosec // sizes are positive; their types differ between systems
		base = sharedMemory
	}
	return filepath.Join(base, prefix+strings.ToLower(rand.Text()))
}
