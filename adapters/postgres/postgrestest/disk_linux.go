package postgrestest

import (
	"fmt"
	"syscall"
)

func mountTmpfs(dir string, size int64) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=0711", size))
}

// unmount takes the disk away even if the server still has files open on it.
func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
