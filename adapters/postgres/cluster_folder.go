package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// folder is the place of a cluster. All but the data belongs to the user of this
// process, so that a server with fewer rights than ours cannot lead us astray.
type folder struct{ path string }

func (f folder) data() string      { return filepath.Join(f.path, "data") }
func (f folder) password() string  { return filepath.Join(f.path, "password") }
func (f folder) log() string       { return filepath.Join(f.path, "server.log") }
func (f folder) startLock() string { return filepath.Join(f.path, "start.lock") }
func (f folder) socket() string    { return filepath.Join(f.path, "socket") }
func (f folder) usersLock() string { return filepath.Join(f.path, "users.lock") }

// What an interrupted creation may leave.
func (f folder) newData() string     { return filepath.Join(f.path, "data.new") }
func (f folder) newPassword() string { return filepath.Join(f.path, "password.new") }

// folderMode lets the server's user pass to its data when that is another one.
func folderMode() fs.FileMode {
	if os.Geteuid() == 0 {
		return 0o711
	}
	return 0o700
}

// openFolder creates config.Dir when needed and makes sure that the server can
// work in it.
func openFolder(ctx context.Context, config ClusterConfig, user osUser, b binaries) (folder, error) {
	dir := config.Dir
	if err := os.MkdirAll(dir, folderMode()); err != nil {
		return folder{}, fmt.Errorf("create the folder: %w", err)
	}
	if err := (folder{path: dir}).check(); err != nil {
		return folder{}, err
	}
	f, err := realFolder(dir)
	if err != nil {
		return folder{}, err
	}
	enters, err := user.canEnter(ctx, f.path, b)
	// A folder of root's own, with nothing in it but the cluster, can be opened.
	if err == nil && !enters && user.other && os.Chmod(f.path, folderMode()) == nil {
		enters, err = user.canEnter(ctx, f.path, b)
	}
	if err != nil {
		return folder{}, fmt.Errorf("run PostgreSQL as user %s: %w", user.name, err)
	}
	if enters {
		return f, nil
	}
	if err := relocate(config, dir, user); err != nil {
		return folder{}, err
	}
	return realFolder(dir)
}

// realFolder follows the links in a path: Postgres names its folder so.
func realFolder(dir string) (folder, error) {
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return folder{}, fmt.Errorf("find the folder: %w", err)
	}
	return folder{path: path}, nil
}

// check refuses a folder that holds anything but a cluster, whole or begun.
func (f folder) check() error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return fmt.Errorf("read the folder: %w", err)
	}
	ours := map[string]bool{}
	for _, path := range []string{
		f.data(), f.password(), f.log(),
		f.startLock(), f.usersLock(), f.socket(), f.newData(), f.newPassword(),
	} {
		ours[filepath.Base(path)] = true
	}
	for _, entry := range entries {
		if !ours[entry.Name()] {
			return fmt.Errorf("the folder is not empty and no private cluster: it holds %q", entry.Name())
		}
	}
	return nil
}

// initialise creates the data if there are none, and returns the password. The
// data appear under their name only when they are complete.
func (f folder) initialise(ctx context.Context, config ClusterConfig, user osUser, b binaries) (string, error) {
	if _, err := os.Stat(f.data()); err == nil {
		password, err := os.ReadFile(f.password())
		if err != nil {
			return "", fmt.Errorf("read the password of the cluster: %w", err)
		}
		return string(bytes.TrimSpace(password)), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for the data: %w", err)
	}
	if err := os.RemoveAll(f.newData()); err != nil {
		return "", fmt.Errorf("remove what an interrupted start left: %w", err)
	}
	password := newPassword()
	if err := writePassword(f.password(), password); err != nil {
		return "", err
	}
	if err := writePassword(f.newPassword(), password); err != nil {
		return "", err
	}
	defer os.Remove(f.newPassword())
	if err := os.Mkdir(f.newData(), 0o700); err != nil {
		return "", fmt.Errorf("create the data folder: %w", err)
	}
	if err := errors.Join(user.own(f.newPassword()), user.own(f.newData())); err != nil {
		return "", err
	}
	config.Logger.Info("creating a PostgreSQL cluster", "dir", f.path, "version", b.version, "user", user.name)
	if err := f.initdb(ctx, config, user, b); err != nil {
		return "", errors.Join(err, os.RemoveAll(f.newData()))
	}
	if err := os.Rename(f.newData(), f.data()); err != nil {
		return "", fmt.Errorf("name the data folder: %w", err)
	}
	return password, nil
}

// initdb asks for the order of bytes, which is the same on every machine, and
// for Unicode's upper and lower case where the system has them without a country.
func (f folder) initdb(ctx context.Context, config ClusterConfig, user osUser, b binaries) error {
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "en_US.UTF-8"
	}
	args := []string{
		"--pgdata=" + f.newData(), "--username=" + clusterUser, "--pwfile=" + f.newPassword(),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
	}
	if config.Settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	run := func(args ...string) ([]byte, error) {
		return user.command(ctx, f.path, filepath.Join(b.dir, "initdb"), args...).CombinedOutput()
	}
	output, err := run(append(args, "--lc-ctype="+ctype)...)
	if err != nil && bytes.Contains(output, []byte("invalid locale name")) {
		output, err = run(args...)
	}
	if err != nil {
		return explain("creating the cluster failed", causeOf(ctx, err), string(output))
	}
	return nil
}

func newPassword() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails, by its documentation
	return hex.EncodeToString(secret)
}

func writePassword(path, password string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("replace a password file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the password of the cluster: %w", err)
	}
	_, err = file.WriteString(password + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the password of the cluster: %w", err)
	}
	return nil
}
