package commands

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/perfectworks/backend/domain/id"
)

// Objects keeps the bytes of files. It is safe for concurrent use.
//
// Objects have keys, which UploadKey and FileKey make. When the store has no space
// left, what writes fails with failure.ErrStorageFull.
type Objects interface {
	// UploadURL returns a URL by which an object can be uploaded with a single PUT, and
	// the headers that the PUT must have, exactly. A URL can be issued again for the
	// same object.
	UploadURL(context.Context, Upload) (url string, headers map[string]string, err error)
	// DownloadURL returns a URL by which anybody who has it can download an object, to
	// be stored under a name, until it expires.
	DownloadURL(ctx context.Context, object, filename, contentType string, expires time.Time) (string, error)
	// Claim copies what was uploaded to a key that never had an upload URL, and reads
	// the copy. It returns the copy's SHA-256 in lower-case hexadecimal, its first bytes
	// and its size. A copy whose size is not the given one is deleted again; of it only
	// the size is returned. Claim fails with ErrNoObject when nothing was uploaded. It
	// can be repeated.
	Claim(ctx context.Context, uploaded string, size int64, object string) (sha256 string, head []byte, copied int64, err error)
	// Open opens an object for reading, and returns its size in bytes. It fails with
	// ErrNoObject. The caller closes the reader.
	Open(ctx context.Context, object string) (io.ReadCloser, int64, error)
	// Create returns a writer of an object, which exists once Close has returned nil. To
	// give up, the caller ends ctx before Close. The caller calls Close in every case.
	Create(ctx context.Context, object, contentType string) (io.WriteCloser, error)
	// Delete deletes an object for good. One that does not exist is no error.
	Delete(ctx context.Context, object string) error
}

// Upload is what a signed URL allows to be uploaded.
type Upload struct {
	Object      string
	ContentType string
	// Size is in bytes.
	Size int64
	// Principal is the id of whom the URL is issued to, and Organization where they act.
	Principal    string
	Organization id.Organization
	// Expires is the first instant at which the URL does not work.
	Expires time.Time
}

// ErrNoObject says that there is no object of a key.
var ErrNoObject = errors.New("there is no such object")

// UploadsPrefix begins the keys of uploads, and FilesPrefix those of what files
// consist of.
const (
	UploadsPrefix = "uploads/"
	FilesPrefix   = "files/"
)

// UploadKey is the key of an upload to an organization. The name has letters, digits,
// dots, dashes and underscores only, and does not begin with a dot.
func UploadKey(organization id.Organization, name string) string {
	return UploadsPrefix + string(organization) + "/" + name
}

// FileKey is the key of an object of a file. It never has an upload URL. The name is
// of the form that UploadKey demands.
func FileKey(organization id.Organization, file id.File, name string) string {
	return FilesPrefix + string(organization) + "/" + string(file) + "/" + name
}

// ObjectPrefixes are those of all keys of an organization's objects.
func ObjectPrefixes(organization id.Organization) []string {
	return []string{UploadsPrefix + string(organization) + "/", FilesPrefix + string(organization) + "/"}
}
