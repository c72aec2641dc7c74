package app

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	// leastSpace is below what a server should not run on, and noSpace below what it
	// cannot, in bytes.
	leastSpace = 2 << 30
	noSpace    = 128 << 20
	// leastFiles is how many files a process should be able to open: each request,
	// subscription and connection is one.
	leastFiles = 4096
)

func (f *findings) program(settings Settings) {
	f.add("program", Healthy, "version %s, %s, %s/%s, %d processors", settings.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
}

// machine checks folders, files and limits of this machine.
func (f *findings) machine(settings Settings) {
	data, err := filepath.Abs(settings.Data)
	if f.failed("data folder", err) {
		return
	}
	f.folder("data folder", data)
	f.space("free space", data)
	f.space("space for work", os.TempDir())
	if u, err := url.Parse(settings.BlobURL); err == nil && u.Scheme == "file" {
		f.folder("folder of files", u.Path)
		f.space("space for files", u.Path)
	}
	f.secretFile("key file", settings.KMSURL == "", filepath.Join(data, masterKeyFile))
	f.secretFile("statement key", true, orIn(settings.StatementKey, data, statementKeyFile))
	f.secretFile("checkpoint key", true, orIn(settings.CheckpointKey, data, checkpointKeyFile))
	journal := orIn(settings.ErasureJournal, data, erasureJournal)
	f.secretFile("file of the journal", true, journal)
	f.folder("folder of the journal", filepath.Dir(journal))
	f.openFiles()
}

// orIn is a path, or if it is empty that of a file in the data folder.
func orIn(path, data, name string) string {
	if path == "" {
		return filepath.Join(data, name)
	}
	return path
}

// folder checks that this user can write to a folder, and others cannot.
func (f *findings) folder(check, path string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.add(check, Healthy, "%s does not exist yet", path)
	case err != nil:
		f.add(check, Broken, "%v", err)
	case !info.IsDir():
		f.add(check, Broken, "%s is no folder", path)
	case check == "data folder" && checkOwner(path) != nil:
		f.add(check, Broken, "%v", checkOwner(path))
	case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		f.add(check, Broken, "others can write to %s (mode %04o): chmod o-w it", path, info.Mode().Perm())
	case syscall.Access(path, writable) != nil:
		f.add(check, Broken, "this user cannot write to %s", path)
	default:
		f.add(check, Healthy, "%s, mode %04o", path, info.Mode().Perm())
	}
}

// writable asks access(2) for entering and writing.
const writable = 0x1 | 0x2

// secretFile checks that a file that is used can be read by this user alone.
func (f *findings) secretFile(check string, used bool, path string) {
	if !used {
		return
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // The start creates it, or says what is missing.
	case err != nil:
		f.add(check, Broken, "%v", err)
		return
	}
	owner := os.Geteuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	file, err := os.Open(path)
	if err == nil {
		err = file.Close()
	}
	switch {
	case err != nil:
		f.add(check, Broken, "%v", err)
	case info.Mode().Perm()&0o077 != 0 && owner == os.Geteuid():
		f.add(check, Broken, "others may read %s (mode %04o): chmod 600 it", path, info.Mode().Perm())
	case owner != os.Geteuid() && owner != 0:
		f.add(check, Broken, "%s belongs to the user with id %d, who could replace it", path, owner)
	default:
		f.add(check, Healthy, "%s, mode %04o", path, info.Mode().Perm())
	}
}

func (f *findings) space(check, path string) {
	free, size, err := spaceAt(path)
	if f.failed(check, err) {
		return
	}
	health := doubted(free < leastSpace)
	if free < noSpace {
		health = Broken
	}
	f.add(check, health, "%.1f GiB of %.1f GiB at %s", gib(free), gib(size), path)
}

func gib(bytes uint64) float64 { return float64(bytes) / (1 << 30) }

func (f *findings) openFiles() {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); f.failed("open files", err) {
		return
	}
	f.add("open files", doubted(limit.Cur < leastFiles), "at most %d; a busy server needs %d", limit.Cur, leastFiles)
}
