package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// osUser is the user of the operating system under which Postgres runs. other
// says that it is not the user of this process, which is then root.
type osUser struct {
	name     string
	uid, gid uint32
	other    bool
}

// serverUser returns the user for the cluster in dir: that of this process, and
// for root the owner of the data, or for a new cluster an unprivileged one.
func serverUser(dir string) (osUser, error) {
	euid := os.Geteuid()
	if euid != 0 {
		return osUser{name: strconv.Itoa(euid), uid: uint32(euid), gid: uint32(os.Getegid())}, nil //nolint:gosec // ids are 32 bits
	}
	info, err := os.Stat(folder{path: dir}.data())
	if err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return osUser{name: userName(stat.Uid), uid: stat.Uid, gid: stat.Gid, other: true}, nil
		}
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		entry, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(entry.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(entry.Gid, 10, 32)
		if uidErr != nil || gidErr != nil || uid == 0 {
			continue
		}
		return osUser{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
	}
	return osUser{}, errors.New("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody to run it as")
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if entry, err := user.LookupId(id); err == nil {
		return entry.Username
	}
	return id
}

// command prepares a program to run as the user, in a process group of its own
// that ends with ctx, and without our environment: PGPORT and its like would
// change what Postgres does.
func (u osUser) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // PostgreSQL's programs, where the operator has them
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if u.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// own hands a path to the user.
func (u osUser) own(path string) error {
	if !u.other {
		return nil
	}
	if err := os.Lchown(path, int(u.uid), int(u.gid)); err != nil {
		return fmt.Errorf("give the folder to user %s: %w", u.name, err)
	}
	return nil
}

// canEnter tells whether the user may enter dir, which depends on every folder
// above it. It is tried rather than computed: access lists count too.
func (u osUser) canEnter(ctx context.Context, dir string, b binaries) (bool, error) {
	if !u.other {
		return true, nil
	}
	err := u.command(ctx, dir, filepath.Join(b.dir, "postgres"), "--version").Run()
	if errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil {
		return false, causeOf(ctx, err)
	}
	return true, nil
}
