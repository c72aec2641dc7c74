package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// spaceAt is how much of the file system that holds a path is free for this user, and
// how large it is, in bytes. The path need not exist yet.
func spaceAt(path string) (free, size uint64, err error) {
	var stat syscall.Statfs_t
	for {
		err = syscall.Statfs(path, &stat)
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			break
		}
		path = parent
	}
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the free space at %s: %w", path, err)
	}
	block := uint64(stat.Bsize) //nolint:gosec // A block has a size.
	return stat.Bavail * block, stat.Blocks * block, nil
}
