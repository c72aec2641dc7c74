// Package folder keeps the objects of a bucket as files in a folder. It is a
// driver of gocloud.dev/blob.
//
// The package fileblob of gocloud.dev does not do here. It syncs neither files
// nor folders, so what it has acknowledged may be lost with the power; it lists
// its own temporary files as objects; and it keeps attributes in second files,
// which a crash parts from the first. This driver has one promise more and one
// feature less: what a writer's Close has acknowledged is on disk under its key,
// whole, and nothing else ever is; attributes such as the content type are not
// kept.
//
// A key is a path of names, each of letters, digits, dots, dashes and underscores
// that does not begin with a dot. Several processes may use one folder.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
)

// incoming is the folder of what is being written. It is no key: those do not
// begin with a dot.
const incoming = ".incoming"

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Bucket is the driver. Methods of *blob.Bucket reach it by As.
type Bucket struct{ root *os.Root }

var _ driver.Bucket = (*Bucket)(nil)

// Open returns the bucket of a folder, which it creates if it is missing. The
// caller closes it.
func Open(dir string) (*blob.Bucket, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("create the folder of objects: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of objects: %w", err)
	}
	if err := root.Mkdir(incoming, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(fmt.Errorf("create the folder of incoming objects: %w", err), root.Close())
	}
	return blob.NewBucket(&Bucket{root}), nil
}

// Close implements driver.Bucket.
func (b *Bucket) Close() error { return b.root.Close() }

// errKey is the refusal of a key that is none.
var errKey = errors.New("this is not a key of an object")

// errUnsupported is the refusal of what this driver does not do.
var errUnsupported = errors.New("objects in a folder do not have this feature")

// ValidKey reports whether a text is a key of an object.
func ValidKey(key string) bool {
	if len(key) > maxKey {
		return false
	}
	for name := range strings.SplitSeq(key, "/") {
		if !validName(name) {
			return false
		}
	}
	return true
}

// maxKey and maxName bound a key and a name in it, in bytes. File systems allow
// names of 255.
const (
	maxKey  = 512
	maxName = 200
)

func validName(name string) bool {
	if name == "" || name[0] == '.' || len(name) > maxName {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}

// ErrorCode implements driver.Bucket.
func (b *Bucket) ErrorCode(err error) gcerrors.ErrorCode {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return gcerrors.NotFound
	case errors.Is(err, errKey):
		return gcerrors.InvalidArgument
	case errors.Is(err, errUnsupported):
		return gcerrors.Unimplemented
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, errReserve):
		return gcerrors.ResourceExhausted
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return gcerrors.PermissionDenied
	case errors.Is(err, context.Canceled):
		return gcerrors.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return gcerrors.DeadlineExceeded
	}
	return gcerrors.Unknown
}

// As implements driver.Bucket: it gives the *Bucket.
func (b *Bucket) As(i any) bool {
	p, ok := i.(**Bucket)
	if ok {
		*p = b
	}
	return ok
}

// ErrorAs implements driver.Bucket.
func (b *Bucket) ErrorAs(err error, i any) bool {
	p, ok := i.(**fs.PathError)
	return ok && errors.As(err, p)
}

// stat looks at the file of an object.
func (b *Bucket) stat(key string) (fs.FileInfo, error) {
	if !ValidKey(key) {
		return nil, errKey
	}
	info, err := b.root.Lstat(key)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	return info, err
}

// Attributes implements driver.Bucket.
func (b *Bucket) Attributes(_ context.Context, key string) (*driver.Attributes, error) {
	info, err := b.stat(key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{ContentType: unknownType, ModTime: info.ModTime(), Size: info.Size()}, nil
}

// unknownType is the content type of all objects: it is not kept.
const unknownType = "application/octet-stream"

// Delete implements driver.Bucket. What it has deleted stays deleted, and the
// folders that it leaves empty go with it.
func (b *Bucket) Delete(_ context.Context, key string, opts *driver.DeleteOptions) error {
	if opts.BeforeDelete != nil {
		if err := opts.BeforeDelete(func(any) bool { return false }); err != nil {
			return err
		}
	}
	if _, err := b.stat(key); err != nil {
		return err
	}
	if err := b.root.Remove(key); err != nil {
		return err
	}
	dir := path.Dir(key)
	for dir != "." && b.root.Remove(dir) == nil {
		dir = path.Dir(dir)
	}
	err := b.syncFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Another has removed it meanwhile, and synced the one above.
	}
	return err
}

// SignedURL implements driver.Bucket: a folder has no server that could take one.
func (b *Bucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errUnsupported
}

// syncFolder makes what was created, renamed or removed in a folder outlast the
// loss of power.
func (b *Bucket) syncFolder(dir string) error {
	f, err := b.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// place moves a file of incoming under a key, for good.
func (b *Bucket) place(temporary, key string) error {
	dir := path.Dir(key)
	for tries := 0; ; tries++ {
		err := b.root.MkdirAll(dir, folderMode)
		if err == nil {
			err = b.root.Rename(temporary, key)
		}
		if err == nil {
			break
		}
		// A folder may have been removed in between, because it was empty.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) || tries == maxTries {
			return err
		}
	}
	// Also those above: they may be new, or another's that are not synced yet. One that
	// is gone was removed with the object in it.
	for ; ; dir = path.Dir(dir) {
		err := b.syncFolder(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || dir == "." {
			return err
		}
	}
}

// maxTries bounds how often a folder is created that others remove.
const maxTries = 100

// Sweep removes what writers have left behind that were ended by a crash, and
// reports how many files there were. Those at work are not disturbed. A file is
// looked at once it is older than minAge.
func (b *Bucket) Sweep(minAge time.Duration) (int, error) {
	entries, err := fs.ReadDir(b.root.FS(), incoming)
	if err != nil {
		return 0, fmt.Errorf("list incoming objects: %w", err)
	}
	swept := 0
	for _, entry := range entries {
		info, infoErr := entry.Info()
		if infoErr != nil || time.Since(info.ModTime()) < minAge {
			continue
		}
		name := path.Join(incoming, entry.Name())
		if b.inUse(name, time.Since(info.ModTime())) {
			continue
		}
		switch removeErr := b.root.Remove(name); {
		case removeErr == nil:
			swept++
		case !errors.Is(removeErr, fs.ErrNotExist):
			err = errors.Join(err, fmt.Errorf("remove an incoming object: %w", removeErr))
		}
	}
	return swept, err
}

// unlockedAge is from when on an incoming file is taken for abandoned on a file
// system without locks.
const unlockedAge = 24 * time.Hour

// inUse reports whether a writer has a file open: it holds its lock.
func (b *Bucket) inUse(name string, age time.Duration) bool {
	f, err := b.root.Open(name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer func() { _ = f.Close() }() // It was only looked at.
	switch err := lock(f); {
	case err == nil:
		return false
	case errors.Is(err, syscall.EWOULDBLOCK):
		return true
	}
	return age < unlockedAge
}

// lock takes the lock of a file, until it is closed.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
