package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// What a server keeps in its data folder. Each is there from the first start on,
// if it is embedded.
const (
	postgresFolder = "postgres"
	masterKeyFile  = "master.key"
	identityFolder = "identity"
	erasureJournal = "erasures.journal"
	objectsFolder  = "objects"
)

// DataFolder creates the data folder if it is missing, and returns its absolute
// path. Others may pass through it, as Postgres must when it runs as another
// user, but not look: what is secret in it is readable by its owner alone. A
// folder that another user could change is refused.
func (s Settings) DataFolder() (string, error) {
	dir, err := filepath.Abs(s.Data)
	if err != nil {
		return "", named(s.DataFrom, fmt.Errorf("find the data folder: %w", err))
	}
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // See above.
		return "", named(s.DataFrom, fmt.Errorf("make the data folder: %w", err))
	}
	if err := checkOwner(dir); err != nil {
		return "", named(s.DataFrom, err)
	}
	return dir, nil
}

// ErrNoDataFolder is the refusal of a folder that is not a data folder.
var ErrNoDataFolder = errors.New("this is not a data folder: start a server in it first, or name another one")

// ExistingDataFolder is DataFolder for what only reads: it creates nothing, and
// fails with ErrNoDataFolder for a folder in which no server has kept anything.
func (s Settings) ExistingDataFolder() (string, error) {
	dir, err := s.existingFolder()
	if err == nil && !has(dir, postgresFolder) && !has(dir, masterKeyFile) && !has(dir, identityFolder) {
		err = named(s.DataFrom, fmt.Errorf("no server has kept anything in %s: %w", dir, ErrNoDataFolder))
	}
	return dir, err
}

// toolsFolder is ExistingDataFolder for the tools of operators, which work on
// what a server has begun: the embedded parts that the settings ask for must be
// there. It is empty when the settings ask for none.
func (s Settings) toolsFolder() (string, error) {
	if s.DatabaseURL != "" && s.KMSURL != "" {
		return "", nil
	}
	dir, err := s.existingFolder()
	switch {
	case err != nil:
		return "", err
	case s.DatabaseURL == "" && !has(dir, postgresFolder):
		return "", named(s.DataFrom, fmt.Errorf("DATABASE_URL is not set, and no server has kept a database in %s: %w", dir, ErrNoDataFolder))
	case s.KMSURL == "" && !has(dir, masterKeyFile):
		return "", named(s.DataFrom, fmt.Errorf("KMS_URL is not set, and no server has kept a key in %s: %w", dir, ErrNoDataFolder))
	}
	return dir, nil
}

func has(dir, part string) bool {
	_, err := os.Lstat(filepath.Join(dir, part))
	return err == nil
}

// existingFolder is the path of the data folder, which must be a folder that
// nobody else can change.
func (s Settings) existingFolder() (string, error) {
	dir, err := filepath.Abs(s.Data)
	if err != nil {
		return "", named(s.DataFrom, fmt.Errorf("find the data folder: %w", err))
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", named(s.DataFrom, fmt.Errorf("%s does not exist: %w", dir, ErrNoDataFolder))
	case err != nil:
		return "", named(s.DataFrom, fmt.Errorf("look at the data folder: %w", err))
	case !info.IsDir():
		return "", named(s.DataFrom, fmt.Errorf("%s is a file: %w", dir, ErrNoDataFolder))
	}
	return dir, named(s.DataFrom, checkOwner(dir))
}

// checkOwner refuses a folder whose content another user could replace.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("the data folder %s belongs to the user with id %d, and this process runs as %d: run as that user, or change the owner",
			dir, stat.Uid, os.Geteuid())
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others can write to the data folder %s (mode %04o): chmod go-w it", dir, info.Mode().Perm())
	}
	return nil
}
