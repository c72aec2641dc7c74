package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"gocloud.dev/blob"

	"github.com/perfectworks/backend/adapters/blob/folder"
)

// pieceSize is how much of a stream is in memory at a time, in bytes.
const pieceSize = 256 << 10

var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// ErrShort says that fewer bytes came than were announced.
var ErrShort = errors.New("the body ended before its announced length")

// Receive stores what a client uploads, exactly as many bytes as the link says. When
// it returns nil, the object is on disk. Otherwise it does not exist, or is what it
// was before. The errors of reading are returned as they are.
func (s *Store) Receive(ctx context.Context, l Link, body io.Reader) error {
	if err := checkKey(l.Object); err != nil {
		return err
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	w, err := s.bucket.NewWriter(ctx, l.Object, &blob.WriterOptions{
		ContentType: l.ContentType,
		BeforeWrite: func(as func(any) bool) error {
			var file *folder.Writer
			if as(&file) {
				return file.Reserve(l.Size, s.keep)
			}
			return nil
		},
	})
	if err != nil {
		return stated("begin an upload", err)
	}
	if err := receive(w, body, l.Size); err != nil {
		giveUp()
		_ = w.Close() // It says that it was given up.
		return err
	}
	return stated("store an upload", w.Close())
}

func receive(w io.Writer, body io.Reader, size int64) error {
	piece := pieces.Get().(*[pieceSize]byte) //nolint:forcetypeassert // See its New.
	defer pieces.Put(piece)
	for size > 0 {
		n, err := io.ReadAtLeast(body, piece[:min(size, pieceSize)], 1)
		if _, writeErr := w.Write(piece[:n]); writeErr != nil {
			return stated("write an upload", writeErr)
		}
		size -= int64(n)
		switch {
		case err == nil || size == 0:
		case errors.Is(err, io.EOF):
			return ErrShort
		default:
			return err
		}
	}
	return nil
}

// Content is an object that is being read, from any place in it.
type Content struct {
	io.ReadSeekCloser
	Size       int64 // in bytes
	ModifiedAt time.Time
}

// Content opens an object for reading from any place. It fails with
// commands.ErrNoObject. The caller closes it.
func (s *Store) Content(ctx context.Context, object string) (Content, error) {
	r, err := s.openObject(ctx, object)
	if err != nil {
		return Content{}, err
	}
	return Content{ReadSeekCloser: r, Size: r.Size(), ModifiedAt: r.ModTime()}, nil
}

// sweepAge is from when on a temporary file may be a crash's.
const sweepAge = time.Hour

// CollectUnclaimed deletes the uploads below a prefix that were last written before
// a time, and what crashes have left behind. It returns how many objects there were.
func (s *Store) CollectUnclaimed(ctx context.Context, prefix string, before time.Time) (int, error) {
	return s.Collect(ctx, prefix, before, func(context.Context, string) (bool, error) { return false, nil })
}

// Collect deletes the objects below a prefix that were last written before a time
// and that keep does not want, and what crashes have left behind. It goes on after an
// error. It returns how many objects it has deleted.
func (s *Store) Collect(ctx context.Context, prefix string, before time.Time, keep func(ctx context.Context, object string) (bool, error)) (int, error) {
	collected := 0
	var errs error
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return collected, errors.Join(errs, err)
		}
		if !o.ModifiedAt.Before(before) {
			continue
		}
		wanted, err := keep(ctx, o.Key)
		if err == nil && !wanted {
			if err = s.Delete(ctx, o.Key); err == nil {
				collected++
			}
		}
		errs = errors.Join(errs, err)
	}
	if s.folder != nil {
		if _, err := s.folder.Sweep(sweepAge); err != nil {
			errs = errors.Join(errs, fmt.Errorf("sweep incoming objects: %w", err))
		}
	}
	return collected, errs
}
