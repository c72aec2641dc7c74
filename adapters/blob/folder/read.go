package folder

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"gocloud.dev/blob/driver"
)

// reader reads a part of an object.
type reader struct {
	io.Reader
	io.Closer
	attributes driver.ReaderAttributes
}

// Attributes implements driver.Reader.
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attributes }

// As implements driver.Reader.
func (r *reader) As(any) bool { return false }

// NewRangeReader implements driver.Bucket.
func (b *Bucket) NewRangeReader(_ context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	if _, err := b.stat(key); err != nil {
		return nil, err
	}
	f, err := b.root.Open(key)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && opts.BeforeRead != nil {
		err = opts.BeforeRead(func(any) bool { return false })
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := &reader{Reader: f, Closer: f, attributes: driver.ReaderAttributes{
		ContentType: unknownType, ModTime: info.ModTime(), Size: info.Size(),
	}}
	if length >= 0 {
		r.Reader = io.LimitReader(f, length)
	}
	return r, nil
}

const defaultPage = 1000

// ListPaged implements driver.Bucket. Only part of a folder is in memory.
func (b *Bucket) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if opts.Delimiter != "" {
		return nil, errUnsupported
	}
	if opts.BeforeList != nil {
		if err := opts.BeforeList(func(any) bool { return false }); err != nil {
			return nil, err
		}
	}
	l := lister{bucket: b, prefix: opts.Prefix, after: string(opts.PageToken), size: cmp.Or(opts.PageSize, defaultPage)}
	dir := "."
	if i := strings.LastIndexByte(opts.Prefix, '/'); i > 0 {
		if dir = opts.Prefix[:i]; !ValidKey(dir) {
			return nil, errKey
		}
	}
	err := l.list(ctx, dir)
	if errors.Is(err, errFull) {
		l.page.NextPageToken = []byte(l.page.Objects[len(l.page.Objects)-1].Key)
		err = nil
	}
	return &l.page, err
}

// errFull ends a list whose page is full.
var errFull = errors.New("the page is full")

// lister makes one page of a list.
type lister struct {
	bucket        *Bucket
	prefix, after string
	size          int
	page          driver.ListPage
}

// list adds the objects of a folder and of those in it, in the order of their
// keys.
func (l *lister) list(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(l.bucket.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil // It may have been removed while it was looked at.
	}
	if err != nil {
		return err
	}
	// In keys a slash follows the names of folders.
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(sorted(a), sorted(b)) })
	for _, entry := range entries {
		if !validName(entry.Name()) {
			continue
		}
		if err := l.add(ctx, path.Join(dir, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

func sorted(entry fs.DirEntry) string {
	if entry.IsDir() {
		return entry.Name() + "/"
	}
	return entry.Name()
}

func (l *lister) add(ctx context.Context, key string, entry fs.DirEntry) error {
	if entry.IsDir() {
		within := key + "/"
		fits := strings.HasPrefix(within, l.prefix) || strings.HasPrefix(l.prefix, within)
		done := within < l.after && !strings.HasPrefix(l.after, within)
		if !fits || done {
			return nil
		}
		return l.list(ctx, key)
	}
	if !strings.HasPrefix(key, l.prefix) || key <= l.after || !entry.Type().IsRegular() {
		return nil
	}
	if len(l.page.Objects) == l.size {
		return errFull
	}
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	l.page.Objects = append(l.page.Objects, &driver.ListObject{Key: key, ModTime: info.ModTime(), Size: info.Size()})
	return nil
}
