package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/blob/folder"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
)

// Config says where objects are.
type Config struct {
	// URL names the bucket: file:///a/folder, s3://… or gs://…. Which services are
	// known is a matter of the build. When it is empty, objects are in Folder.
	URL string
	// Folder is the folder of objects that has no URL.
	Folder string
	// Keys derive the key of our own signed URLs.
	Keys Hasher
	// PublicURL returns the address below which this server serves our signed URLs,
	// such as https://app.example.com.
	PublicURL string
	// Keep is the space in bytes that uploads leave free on the disk of a folder;
	// DefaultKeep when zero, none when negative.
	Keep int64
}

// Hasher derives keyed hashes. It is implemented by keyring.Keyring.
type Hasher interface {
	// Hash returns a keyed hash in hexadecimal.
	Hash(purpose, value string) string
}

// DefaultKeep is what uploads leave free for others, such as the database.
const DefaultKeep = 256 << 20

// Store keeps objects. It is safe for concurrent use.
type Store struct {
	bucket *blob.Bucket
	// folder is nil for a bucket elsewhere, presign for a folder.
	folder  *folder.Bucket
	presign *presigner
	signer  signer
	keep    int64
}

// Open opens a store. The caller closes it.
func Open(ctx context.Context, c Config) (*Store, error) {
	s := &Store{signer: signer{keys: c.Keys, base: strings.TrimSuffix(c.PublicURL, "/")}, keep: c.Keep}
	if s.keep == 0 {
		s.keep = DefaultKeep
	}
	if err := CheckURL(c.URL); err != nil {
		return nil, err
	}
	scheme, dir := "", c.Folder
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil {
			return nil, errURL // What it holds may be secret.
		}
		scheme, dir = u.Scheme, filepath.FromSlash(u.Path)
	}
	var err error
	if scheme == "" || scheme == schemeFile {
		if s.bucket, err = folder.Open(dir); err != nil {
			return nil, err
		}
		s.bucket.As(&s.folder)
		return s, nil
	}
	if s.presign = presigners[scheme]; s.presign == nil {
		return nil, fmt.Errorf("the URL is of a kind (%s) that this build does not have: build with -tags cloud", scheme)
	}
	if s.bucket, err = blob.OpenBucket(ctx, c.URL); err != nil {
		return nil, fmt.Errorf("open the bucket: %w", err)
	}
	return s, nil
}

const schemeFile = "file"

var errURL = errors.New("the URL is not of the form file:///folder, s3://bucket or gs://bucket")

// CheckURL returns nil for the URL of a store. It opens nothing. Its errors do not
// quote the URL. Callers name the setting.
func CheckURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errURL
	case u.Scheme == schemeFile:
		if u.Host != "" || !filepath.IsAbs(u.Path) || u.RawQuery != "" {
			return errors.New("a URL with file must be the absolute path of a folder, as in file:///var/lib/perfectworks/objects")
		}
		return nil
	case u.Scheme != "s3" && u.Scheme != "gs":
		return errURL
	case u.Host == "":
		return errors.New("the URL names no bucket")
	}
	return nil
}

// Close closes the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Serves reports whether this server serves the signed URLs of the store.
func (s *Store) Serves() bool { return s.folder != nil }

// checkKey refuses a text that is no key of an object. Keys are chosen by the
// program, so this is a mistake in it.
func checkKey(object string) error {
	if !folder.ValidKey(object) {
		return errors.New("blob: this is not the key of an object")
	}
	return nil
}

// stated adds what was tried to an error of the bucket, and makes the failures of
// it that callers tell apart.
func stated(what string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return nil
	case gcerrors.NotFound:
		err = commands.ErrNoObject
	case gcerrors.ResourceExhausted:
		err = errors.Join(failure.ErrStorageFull, err)
	default:
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Open opens an object for reading, and returns its size in bytes. It fails with
// commands.ErrNoObject. The caller closes it.
func (s *Store) Open(ctx context.Context, object string) (io.ReadCloser, int64, error) {
	r, err := s.openObject(ctx, object)
	if err != nil {
		return nil, 0, err
	}
	return r, r.Size(), nil
}

func (s *Store) openObject(ctx context.Context, object string) (*blob.Reader, error) {
	if err := checkKey(object); err != nil {
		return nil, err
	}
	r, err := s.bucket.NewReader(ctx, object, nil)
	if err != nil {
		return nil, stated("open an object", err)
	}
	return r, nil
}

// Create returns a writer of an object. The object exists once Close has returned
// nil, whole and on disk; one that had the key before is replaced. To give up,
// end ctx before Close: then there is no object. The caller calls Close in every
// case.
func (s *Store) Create(ctx context.Context, object, contentType string) (io.WriteCloser, error) {
	if err := checkKey(object); err != nil {
		return nil, err
	}
	w, err := s.bucket.NewWriter(ctx, object, &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		return nil, stated("create an object", err)
	}
	return writer{w}, nil
}

// writer states the errors of a writer.
type writer struct{ w *blob.Writer }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	return n, stated("write an object", err)
}

// Close implements io.Closer.
func (w writer) Close() error { return stated("store an object", w.w.Close()) }

// Delete deletes an object for good. One that does not exist is no error.
func (s *Store) Delete(ctx context.Context, object string) error {
	if err := checkKey(object); err != nil {
		return err
	}
	err := s.bucket.Delete(ctx, object)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return stated("delete an object", err)
}

// Object is an entry of a list.
type Object struct {
	Key  string
	Size int64 // in bytes
	// ModifiedAt is when it was written last.
	ModifiedAt time.Time
}

// List yields the objects whose keys begin with a prefix, in the order of their
// keys. It ends after an error. Objects may be deleted meanwhile.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		objects := s.bucket.List(&blob.ListOptions{Prefix: prefix})
		for {
			o, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Object{}, stated("list objects", err))
				return
			}
			if !yield(Object{o.Key, o.Size, o.ModTime}, nil) {
				return
			}
		}
	}
}

// atOnce is how many objects are deleted at the same time.
const atOnce = 16

// DeleteAll deletes all objects whose keys begin with a prefix, and returns how
// many there were and how many bytes they had. It goes on after an error, and
// returns the errors together. What it has deleted stays deleted when it does not
// come to its end, so it can be repeated.
func (s *Store) DeleteAll(ctx context.Context, prefix string) (objects int, bytes int64, err error) {
	var (
		deleting errgroup.Group
		mu       sync.Mutex
		errs     []error
	)
	deleting.SetLimit(atOnce)
	for o, listErr := range s.List(ctx, prefix) {
		if listErr != nil {
			_ = deleting.Wait() // It has no errors of its own.
			return objects, bytes, errors.Join(append(errs, listErr)...)
		}
		deleting.Go(func() error {
			deleteErr := s.Delete(ctx, o.Key)
			mu.Lock()
			defer mu.Unlock()
			if deleteErr != nil {
				errs = append(errs, deleteErr)
				return nil
			}
			objects++
			bytes += o.Size
			return nil
		})
	}
	_ = deleting.Wait() // It has no errors of its own.
	return objects, bytes, errors.Join(errs...)
}

var _ commands.Objects = (*Store)(nil)
