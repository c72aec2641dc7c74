package commands

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
)

// ClaimUpload makes what was uploaded a file of the organization. It fails with
// file.ErrUploadNotFound, file.ErrClaimed and file.ErrUploadMismatched.
type ClaimUpload struct {
	Filename  string
	ObjectKey string
}

// ErrInspectionBusy says that there was no time to look at a document.
var ErrInspectionBusy = failure.New(failure.Unavailable, "INSPECTION_BUSY",
	"too many documents are being worked on to look at this one: try again")

func (x *executor) claimUpload(ctx context.Context, req Request, c ClaimUpload) (Result[file.State], error) {
	if err := req.Principal.Require(access.WriteOwnFiles); err != nil {
		return Result[file.State]{}, err
	}
	if err := file.CheckName(c.Filename); err != nil {
		return Result[file.State]{}, err
	}
	u, known := x.openUploadKey(c.ObjectKey)
	if !known || u.organization != req.Principal.OrganizationID || u.over(req.at()) {
		return Result[file.State]{}, file.ErrUploadNotFound
	}
	if req.Retry {
		earlier, err := x.ownClaim(ctx, req, u.file)
		if err != nil || earlier != nil {
			return resultOfClaim(earlier, err)
		}
	}
	if present, err := x.loadFile(ctx, u.file); err != nil || present.State.ID != "" {
		return Result[file.State]{}, cmp.Or(err, error(file.ErrClaimed))
	}
	// Each attempt has a copy of its own: a later one cannot change the one that
	// became the file.
	object, err := x.copyKey(req, u)
	if err != nil {
		return Result[file.State]{}, err
	}
	kept := false
	defer func() {
		if !kept {
			x.discard(ctx, object)
		}
	}()
	content, problem, err := x.copyUpload(ctx, c.ObjectKey, object, u)
	if err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.changeFile(ctx, req, u.file, func(s file.State) ([]event.Event, error) {
		return s.Register(file.Registration{
			ID: u.file, OrganizationID: u.organization, UserID: req.Principal.UserID,
			Filename: c.Filename, Content: content, Problem: problem,
		}, req.at())
	})
	// When it is not known what happened, the object may be the file's: a sweep
	// decides later.
	kept = o.State.Content.Object == object || err != nil && !failure.Refused(err)
	if err != nil {
		return Result[file.State]{}, err
	}
	x.discard(ctx, c.ObjectKey)
	return resultOf(o, nil)
}

// ownClaim is the file that an earlier attempt of the same request made of the
// upload; nil if there is none.
func (x *executor) ownClaim(ctx context.Context, req Request, name id.File) (*outcome[file.State], error) {
	of := ref(file.Aggregate, name)
	_, written, err := x.streams.Find(ctx, of.stream, event.NoStream, event.DeriveID(req.ID, of.stream, 0))
	if err != nil || !written {
		return nil, err
	}
	o, err := x.loadFile(ctx, name)
	return &o, err
}

func resultOfClaim(o *outcome[file.State], err error) (Result[file.State], error) {
	if err != nil {
		return Result[file.State]{}, err
	}
	return resultOf(*o, nil)
}

// copyKey is a key that no other attempt has.
func (x *executor) copyKey(req Request, u upload) (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(req.Entropy("copy"), b[:]); err != nil {
		return "", fmt.Errorf("read randomness for a key: %w", err)
	}
	return FileKey(u.organization, u.file, hex.EncodeToString(b[:])+"."+string(u.format)), nil
}

// copyUpload copies the upload, and looks at the copy.
func (x *executor) copyUpload(ctx context.Context, uploaded, object string, u upload) (file.Content, file.Reason, error) {
	sum, head, size, err := x.files.Objects.Claim(ctx, uploaded, u.size, object)
	switch {
	case errors.Is(err, ErrNoObject):
		return file.Content{}, "", file.ErrUploadNotFound
	case err != nil:
		return file.Content{}, "", err
	case size != u.size:
		return file.Content{}, "", mismatched(fmt.Sprintf("%d bytes were announced, and %d were uploaded", u.size, size))
	case !looksLike(u.format, head):
		return file.Content{}, "", mismatched("what was uploaded is no " + u.format.MIME())
	}
	seen, err := x.files.Documents.Inspect(ctx, object, u.format)
	if err != nil {
		return file.Content{}, "", err
	}
	return file.Content{
		Object: object, Format: u.format, Size: size, SHA256: sum, Pages: seen.Pages, Characters: seen.Characters,
	}, seen.Problem, nil
}

func mismatched(message string) error {
	f := *file.ErrUploadMismatched
	f.Message = message
	return &f
}

// discard deletes an object that nothing refers to. What cannot be deleted now is
// found by a sweep.
func (x *executor) discard(ctx context.Context, object string) {
	_ = x.files.Objects.Delete(context.WithoutCancel(ctx), object)
}

// looksLike tells whether the first bytes are those of a format. A PDF's header may
// come after other bytes: PDF 1.7, appendix H.3, note 13.
func looksLike(format file.Format, head []byte) bool {
	if format == file.PDF {
		return bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-"))
	}
	for _, mark := range [][]byte{{0xef, 0xbb, 0xbf}, {0xff, 0xfe}, {0xfe, 0xff}} {
		head = bytes.TrimPrefix(head, mark)
	}
	text := bytes.TrimSpace(bytes.ReplaceAll(head, []byte{0}, nil))
	return bytes.HasPrefix(text, []byte("<")) && !bytes.Contains(head[:min(len(head), 16)], []byte("%PDF-"))
}
