package folder

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"gocloud.dev/blob/driver"
)

// Writer writes an object. BeforeWrite of blob.WriterOptions gets it by As.
type Writer struct {
	ctx    context.Context // It decides what Close does.
	bucket *Bucket
	file   *os.File
	name   string
	key    string
	// failed is the first error of a write: what is there is not whole.
	failed error
}

// NewTypedWriter implements driver.Bucket.
func (b *Bucket) NewTypedWriter(ctx context.Context, key, _ string, opts *driver.WriterOptions) (driver.Writer, error) {
	switch {
	case !ValidKey(key):
		return nil, errKey
	case opts.IfNotExist || len(opts.Metadata) > 0:
		return nil, errUnsupported
	}
	name := path.Join(incoming, rand.Text())
	f, err := b.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	_ = lock(f) // A file system may have no locks: see Sweep.
	w := &Writer{ctx: ctx, bucket: b, file: f, name: name, key: key}
	if opts.BeforeWrite != nil {
		err := opts.BeforeWrite(func(i any) bool {
			p, ok := i.(**Writer)
			if ok {
				*p = w
			}
			return ok
		})
		if err != nil {
			return nil, errors.Join(err, w.abandon())
		}
	}
	return w, nil
}

// errReserve says that a disk has less space left than is kept for others.
var errReserve = errors.New("the disk is nearly full")

// Reserve takes the space for an object of a size in bytes before it is written,
// so that a full disk is noticed at once. It fails, too, if less than keep bytes
// would be left for the disk's other users, such as a database.
func (w *Writer) Reserve(size, keep int64) error {
	// Asked first: to find out that there is too little, a file system takes what
	// there is, and others would find the disk full for a moment.
	free, err := free(w.file)
	if err != nil {
		return fmt.Errorf("look at the space of the disk: %w", err)
	}
	if free-size < keep {
		return errReserve
	}
	if err := allocate(w.file, size); err != nil {
		return fmt.Errorf("reserve space for an object: %w", err)
	}
	return nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if w.failed == nil {
		w.failed = err
	}
	return n, err
}

// Close stores the object, unless the writer's context has ended or a write has
// failed: then it leaves nothing behind.
func (w *Writer) Close() error {
	if err := cmp.Or(w.ctx.Err(), w.failed); err != nil {
		return errors.Join(err, w.abandon())
	}
	if err := w.store(); err != nil {
		return errors.Join(err, w.abandon())
	}
	return nil
}

func (w *Writer) store() error {
	if err := w.file.Sync(); err != nil {
		return err
	}
	// The lock goes with the file: closed too early, a sweep might take it.
	if err := w.bucket.place(w.name, w.key); err != nil {
		return err
	}
	return w.file.Close()
}

func (w *Writer) abandon() error {
	err := w.bucket.root.Remove(w.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if closed := w.file.Close(); !errors.Is(closed, fs.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// Copy implements driver.Bucket. The copy shares the bytes of the original on
// disk, which is safe because no file is written to once it has its key.
func (b *Bucket) Copy(ctx context.Context, dstKey, srcKey string, opts *driver.CopyOptions) error {
	if opts.BeforeCopy != nil {
		if err := opts.BeforeCopy(func(any) bool { return false }); err != nil {
			return err
		}
	}
	if !ValidKey(dstKey) {
		return errKey
	}
	if _, err := b.stat(srcKey); err != nil {
		return err
	}
	// The copy is as old as it is, and not as its original was. Both share a time.
	now := time.Now()
	if err := b.root.Chtimes(srcKey, now, now); err != nil {
		return err
	}
	name := path.Join(incoming, rand.Text())
	err := b.root.Link(srcKey, name)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EMLINK) {
		return b.copyBytes(ctx, dstKey, srcKey)
	}
	if err != nil {
		return err
	}
	err = b.place(name, dstKey)
	// A rename onto the same file leaves both names.
	if removed := b.root.Remove(name); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// copyBytes copies an object on a file system without links.
func (b *Bucket) copyBytes(ctx context.Context, dstKey, srcKey string) error {
	from, err := b.root.Open(srcKey)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // It was only read.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to, err := b.NewTypedWriter(ctx, dstKey, "", &driver.WriterOptions{})
	if err != nil {
		return err
	}
	if _, err := io.Copy(to, from); err != nil {
		cancel()
		return errors.Join(err, to.Close())
	}
	return to.Close()
}
