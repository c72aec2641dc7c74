package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxSocketPath is the length of the longest path of a socket that all systems
// take, in bytes: that of BSD and macOS, without the byte that ends it.
const maxSocketPath = 103

// longestSocketName is the name of a socket with the longest port.
const longestSocketName = "/.s.PGSQL.65535"

// fitsSocket tells whether the path of a socket in the folder is one that system,
// server and client understand. A comma separates folders for the latter two.
func (f folder) fitsSocket() bool {
	return len(f.socket())+len(longestSocketName) <= maxSocketPath && !strings.ContainsAny(f.socket(), ",\"")
}

// createSocketFolder makes the folder that only the server's user, and root, can
// enter.
func (f folder) createSocketFolder(user osUser) error {
	if !f.fitsSocket() {
		return nil
	}
	err := os.Mkdir(f.socket(), 0o700)
	if err == nil {
		err = user.own(f.socket())
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create the folder of the socket: %w", err)
	}
	info, err := os.Lstat(f.socket())
	if err != nil {
		return fmt.Errorf("look at the folder of the socket: %w", err)
	}
	owner, known := ownerOf(info)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || known && owner != user.uid {
		return fmt.Errorf("%s is not a folder of user %s with mode 0700: remove it", f.socket(), user.name)
	}
	return nil
}

// checkOwners refuses a folder that another user could have prepared or can
// change: a server started in it would be theirs. Root may start the cluster of
// an ordinary user, as that user.
func checkOwners(dir string, user osUser) error {
	f := folder{path: dir}
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the folder: %w", err)
	}
	if owner, known := ownerOf(info); known && int(owner) != os.Geteuid() && (owner != user.uid || !exists(f.data())) {
		return fmt.Errorf("the folder belongs to user %s, not to the one of this process", userName(owner))
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others can write to the folder (mode %04o)", info.Mode().Perm())
	}
	info, err = os.Stat(f.data())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the data: %w", err)
	}
	if owner, known := ownerOf(info); known && owner != user.uid && int(owner) != os.Geteuid() {
		return fmt.Errorf("the data belong to user %s, but the server would run as %s", userName(owner), user.name)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ownerOf is the id of the user to whom a file belongs.
func ownerOf(info fs.FileInfo) (uid uint32, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}
