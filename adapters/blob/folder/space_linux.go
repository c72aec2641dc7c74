package folder

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves the space of a file. Where the file system cannot, it does
// nothing.
func allocate(f *os.File, size int64) error {
	if size <= 0 {
		return nil
	}
	// The length stays: what is written decides on it.
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// free is the space in bytes that is left on the disk of a file.
func free(f *os.File) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &stat); err != nil {
		return 0, err
	}
	bytes := stat.Bavail * uint64(max(stat.Bsize, 0))
	return int64(min(bytes, math.MaxInt64)), nil
}
