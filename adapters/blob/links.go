package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gocloud.dev/blob"

	"github.com/perfectworks/backend/commands"
)

// UploadURL returns a URL by which an object can be uploaded with a single PUT
// until the upload expires, and the headers that the PUT must have, exactly. A PUT
// may be repeated: the last one that was answered with success counts. A URL can be
// issued again for the same object.
func (s *Store) UploadURL(ctx context.Context, u commands.Upload) (string, map[string]string, error) {
	if err := checkKey(u.Object); err != nil {
		return "", nil, err
	}
	headers := map[string]string{"Content-Type": u.ContentType, "Content-Length": strconv.FormatInt(u.Size, 10)}
	if s.presign == nil {
		return s.signer.sign(Link{
			Method: http.MethodPut, Object: u.Object, ContentType: u.ContentType, Size: u.Size,
			Principal: u.Principal, Organization: u.Organization, ExpireAt: u.Expires,
		}), headers, nil
	}
	options := &blob.SignedURLOptions{Method: http.MethodPut, BeforeSign: func(as func(any) bool) error {
		return s.presign.upload(as, u.ContentType, u.Size)
	}}
	if s.presign.signsType {
		options.ContentType = u.ContentType
	}
	signed, err := s.bucketURL(ctx, u.Object, options, u.Expires)
	return signed, headers, err
}

// DownloadURL returns a URL by which anybody who has it can download an object
// until it expires. The answer has a content type, and is to be stored under a file
// name, not shown.
func (s *Store) DownloadURL(ctx context.Context, object, filename, contentType string, expires time.Time) (string, error) {
	if err := checkKey(object); err != nil {
		return "", err
	}
	if s.presign == nil {
		return s.signer.sign(Link{
			Method: http.MethodGet, Object: object, ContentType: contentType, Filename: filename, ExpireAt: expires,
		}), nil
	}
	return s.bucketURL(ctx, object, &blob.SignedURLOptions{Method: http.MethodGet, BeforeSign: func(as func(any) bool) error {
		return s.presign.download(as, contentType, Attachment(filename))
	}}, expires)
}

// bucketURL has the bucket sign a URL.
func (s *Store) bucketURL(ctx context.Context, object string, options *blob.SignedURLOptions, expireAt time.Time) (string, error) {
	if options.Expiry = time.Until(expireAt).Truncate(time.Second); options.Expiry < time.Second {
		return "", errors.New("blob: the signed URL would have expired already")
	}
	signed, err := s.bucket.SignedURL(ctx, object, options)
	if err != nil {
		return "", fmt.Errorf("sign a URL of the bucket: %w", err)
	}
	return signed, nil
}

// Verify returns what one of our signed URLs allows, of which the method and the
// query of a request are given. It fails with ErrLinkInvalid and ErrLinkExpired.
func (s *Store) Verify(method, rawQuery string, now time.Time) (Link, error) {
	if !s.Serves() {
		return Link{}, ErrLinkInvalid
	}
	return s.signer.verify(method, rawQuery, now)
}
