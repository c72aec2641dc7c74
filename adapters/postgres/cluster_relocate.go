package postgres

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const defaultRelocateTo = "/var/lib/perfectworks"

// relocate makes dir, which is empty, a symbolic link to a new folder that every
// user can pass to. The new folder is named after dir; when one of that name is
// left from a dir that was deleted since, the next free name is taken.
func relocate(config ClusterConfig, dir string, user osUser) error {
	if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("user %s cannot enter the folder that it links to", user.name)
	}
	if _, err := os.Stat(folder{path: dir}.data()); err == nil {
		return fmt.Errorf("the cluster belongs to user %s, who cannot enter the folder: allow it, or move the folder", user.name)
	}
	base := config.relocateTo
	if base == "" {
		base = defaultRelocateTo
	}
	if err := os.MkdirAll(base, 0o755); err != nil { //nolint:gosec // others must pass through
		return fmt.Errorf("user %s cannot enter the folder; create another: %w", user.name, err)
	}
	target, err := newTarget(base, dir)
	if err != nil {
		return fmt.Errorf("user %s cannot enter the folder; create another: %w", user.name, err)
	}
	err = os.Remove(dir)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Symlink(target, dir)
	}
	if err != nil {
		removeErr := os.Remove(target)
		if info, statErr := os.Lstat(dir); statErr == nil && info.Mode()&fs.ModeSymlink != 0 {
			return removeErr // another process was faster, and its folder is as good
		}
		return errors.Join(fmt.Errorf("user %s cannot enter the folder; link it to %s: %w", user.name, target, err), removeErr)
	}
	config.Logger.Info("the PostgreSQL cluster lives elsewhere: its user cannot enter the folder",
		"dir", dir, "user", user.name, "target", target)
	return nil
}

func newTarget(base, dir string) (string, error) {
	name := fmt.Sprintf("postgres-%x", sha256.Sum256([]byte(dir)))[:25]
	for n := 1; ; n++ {
		target := filepath.Join(base, name)
		if n > 1 {
			target = fmt.Sprintf("%s-%d", target, n)
		}
		err := os.Mkdir(target, folderMode())
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		return target, err
	}
}
