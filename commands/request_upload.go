package commands

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// RequestUpload asks for a URL by which the bytes of one file can be uploaded. It
// writes nothing: all that was promised is in the key of the object, sealed.
type RequestUpload struct {
	Filename    string
	ContentType string
	// Size is in bytes.
	Size int64
	// ObjectKey is that of an upload for which another URL is wanted; empty for a
	// new one. Type and size must be the same.
	ObjectKey string
}

// IssuedUpload is where the bytes go.
type IssuedUpload struct {
	URL string
	// Headers must be sent with the bytes.
	Headers   map[string]string
	ObjectKey string
	ExpiresAt time.Time
}

const (
	// uploadURLLife is how long an upload may begin.
	uploadURLLife = time.Hour
	// uploadLife is how long an upload can be claimed.
	uploadLife = 24 * time.Hour
)

// Refusals of an upload.
var (
	ErrFileTooLarge = failure.New(failure.TooLarge, "FILE_TOO_LARGE",
		"the file is larger than a file may be")
	ErrFileType = failure.New(failure.UnsupportedMedia, "FILE_TYPE_UNSUPPORTED",
		"files are accepted as application/pdf or text/html")
)

func (x *executor) requestUpload(ctx context.Context, req Request, c RequestUpload) (Result[IssuedUpload], error) {
	if err := req.Principal.Require(access.WriteOwnFiles); err != nil {
		return Result[IssuedUpload]{}, err
	}
	format, err := x.checkUpload(c)
	if err != nil {
		return Result[IssuedUpload]{}, err
	}
	organization := req.Principal.OrganizationID
	u := upload{organization: organization, size: c.Size, format: format}
	if c.ObjectKey == "" {
		if u.file, err = id.New[id.File](req.IDs()); err != nil {
			return Result[IssuedUpload]{}, err
		}
	} else if u, err = x.renewed(ctx, req, c, u); err != nil {
		return Result[IssuedUpload]{}, err
	}
	issued := IssuedUpload{ObjectKey: x.uploadKey(u), ExpiresAt: req.at().Add(uploadURLLife)}
	issued.URL, issued.Headers, err = x.files.Objects.UploadURL(ctx, Upload{
		Object: issued.ObjectKey, ContentType: format.MIME(), Size: c.Size,
		Principal: req.Principal.ID(), Organization: organization, Expires: issued.ExpiresAt,
	})
	if err != nil {
		return Result[IssuedUpload]{}, err
	}
	return Result[IssuedUpload]{Value: issued}, nil
}

func (x *executor) checkUpload(c RequestUpload) (file.Format, error) {
	var wrong failure.Fields
	if err := file.CheckName(c.Filename); err != nil {
		for _, d := range failure.Of(err).Details {
			wrong.Add(d.Field, d.Code, d.Message)
		}
	}
	if c.Size < 1 {
		wrong.Add("sizeBytes", input.CodeRange, "must be the size of the file in bytes, at least 1")
	}
	if err := wrong.Err(); err != nil {
		return "", err
	}
	mime, _, _ := strings.Cut(c.ContentType, ";")
	format, known := file.FormatOf(strings.ToLower(strings.TrimSpace(mime)))
	if !known {
		return "", ErrFileType
	}
	if c.Size > x.files.MaxSize {
		too := *ErrFileTooLarge
		too.Message = "a file may have at most " + strconv.FormatInt(x.files.MaxSize, 10) + " bytes"
		return "", &too
	}
	return format, nil
}

// renewed is the upload that another URL is wanted for, which is as it was.
func (x *executor) renewed(ctx context.Context, req Request, c RequestUpload, wanted upload) (upload, error) {
	u, known := x.openUploadKey(c.ObjectKey)
	if !known || u.organization != wanted.organization || u.over(req.at()) {
		return upload{}, file.ErrUploadNotFound
	}
	if u.size != wanted.size || u.format != wanted.format {
		return upload{}, file.ErrUploadMismatched
	}
	claimed, err := x.loadFile(ctx, u.file)
	if err != nil {
		return upload{}, err
	}
	if claimed.State.ID != "" {
		return upload{}, file.ErrClaimed
	}
	return u, nil
}

// upload is what the key of an uploaded object tells. The id of the file is there
// from the beginning on, so that an upload becomes one file at most.
type upload struct {
	organization id.Organization
	file         id.File
	size         int64
	format       file.Format
}

// over tells whether the upload is too old to be claimed.
func (u upload) over(at time.Time) bool {
	raw, _ := id.UUID(u.file)
	ms := int64(raw[0])<<40 | int64(raw[1])<<32 | int64(raw[2])<<24 | int64(raw[3])<<16 | int64(raw[4])<<8 | int64(raw[5])
	return !at.Before(time.UnixMilli(ms).Add(uploadLife))
}

// uploadKey is the key of the object. The seal at its end keeps it from being made
// up.
func (x *executor) uploadKey(u upload) string {
	name := strings.TrimPrefix(string(u.file), u.file.Prefix()+"_") + "." + strconv.FormatInt(u.size, 10) + "." + string(u.format)
	return UploadKey(u.organization, name+"."+x.files.Seal("upload/"+string(u.organization)+"/"+name))
}

var errUploadKey = errors.New("this is no key of an upload")

// openUploadKey reads a key that uploadKey made.
func (x *executor) openUploadKey(key string) (upload, bool) {
	u, err := parseUploadKey(key)
	// The key is compared as a whole: there is one spelling.
	return u, err == nil && x.uploadKey(u) == key
}

func parseUploadKey(key string) (upload, error) {
	parts := strings.Split(strings.TrimPrefix(key, UploadsPrefix), "/")
	if len(key) > 512 || len(parts) != 2 {
		return upload{}, errUploadKey
	}
	fields := strings.Split(parts[1], ".")
	if len(fields) != 4 {
		return upload{}, errUploadKey
	}
	u := upload{organization: id.Organization(parts[0]), file: id.File("file_" + fields[0]), format: file.Format(fields[2])}
	var err error
	if u.size, err = strconv.ParseInt(fields[1], 10, 64); err != nil || u.size < 1 || !id.Valid(u.file) || !id.Valid(u.organization) {
		return upload{}, errUploadKey
	}
	return u, nil
}
