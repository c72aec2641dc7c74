package commands

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// UpdateFile changes the name of a file, and whether it may be used. Nil stays.
type UpdateFile struct {
	FileID   id.File
	Filename *string
	Active   *bool
}

// DeleteFile hides a file, and cancels the work on it. Its bytes are deleted after
// the grace.
type DeleteFile struct {
	FileID id.File
	// WithDerived says that the files that were made of it go as well.
	WithDerived bool
}

// LinkFile asks for a URL by which anybody who has it can download the file.
type LinkFile struct {
	FileID id.File
	// Life is how long the URL works; DefaultLinkLife when nil.
	Life *time.Duration
}

// Lives of a download URL.
const (
	DefaultLinkLife = time.Hour
	MaxLinkLife     = 24 * time.Hour
)

// FileLink is a download URL.
type FileLink struct {
	URL       string
	ExpiresAt time.Time
}

func (x *executor) updateFile(ctx context.Context, req Request, c UpdateFile) (Result[file.State], error) {
	return resultOf(x.changeFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		if err := mayWrite(req.Principal, s); err != nil {
			return nil, err
		}
		return s.Update(file.Change{Filename: c.Filename, Active: c.Active}, req.at())
	}))
}

func (x *executor) deleteFile(ctx context.Context, req Request, c DeleteFile) (Result[file.State], error) {
	before, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	if err := mayWrite(req.Principal, before.State); err != nil {
		return Result[file.State]{}, err
	}
	// What is being made ends first: a worker must not deliver, and charge for, what
	// was deleted.
	if s := before.State; s.Status == file.Processing && s.ParentID != "" && s.Content.Object == "" {
		if err := x.endOperation(ctx, req, s.ParentID, s.OriginJob, cancelled); err != nil {
			return Result[file.State]{}, err
		}
	}
	o, err := x.changeFile(ctx, req, c.FileID, func(s file.State) ([]event.Event, error) {
		if err := mayWrite(req.Principal, s); err != nil {
			return nil, err
		}
		return s.Delete(c.WithDerived, x.files.Grace, req.at())
	})
	if err != nil {
		return Result[file.State]{}, err
	}
	for _, operation := range o.State.Operations {
		switch {
		case operation.Phase == file.Cancelled && operation.EndedAt.Equal(o.State.DeletedAt):
			position, err := x.finish(ctx, req, o.State, operation)
			if err != nil {
				return Result[file.State]{}, err
			}
			o.Position = latest(o.Position, position)
			_ = x.files.Queue.Stop(ctx, operation.Work.JobID, o.Position) // The worker cannot end it in any case.
		case c.WithDerived && operation.Phase == file.Completed && operation.DerivedID != "":
			derived, err := settle(ctx, x, req, ref(file.Aggregate, operation.DerivedID), o.State.OrganizationID, func(s file.State) ([]event.Event, error) {
				if !s.Exists() {
					return nil, nil
				}
				return s.Delete(false, x.files.Grace, req.at())
			})
			if err != nil {
				return Result[file.State]{}, err
			}
			o.Position = latest(o.Position, derived.Position)
		}
	}
	return resultOf(o, nil)
}

func (x *executor) linkFile(ctx context.Context, req Request, c LinkFile) (Result[FileLink], error) {
	life := DefaultLinkLife
	if c.Life != nil {
		life = *c.Life
	}
	var wrong failure.Fields
	if life < time.Second || life > MaxLinkLife {
		wrong.Add("expiresIn", input.CodeRange, "must be between 1 and 86400 seconds")
	}
	if err := wrong.Err(); err != nil {
		return Result[FileLink]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[FileLink]{}, err
	}
	if err := mayRead(req.Principal, o.State); err != nil {
		return Result[FileLink]{}, err
	}
	if err := o.State.Readable(); err != nil {
		return Result[FileLink]{}, err
	}
	link := FileLink{ExpiresAt: req.at().Add(life)}
	link.URL, err = x.files.Objects.DownloadURL(ctx, o.State.Content.Object, o.State.Filename.Reveal(),
		o.State.Format.MIME(), link.ExpiresAt)
	return Result[FileLink]{Value: link}, err
}

// PurgeFile deletes the bytes of a deleted file once its grace is over. It is for
// what acts by the clock.
type PurgeFile struct{ FileID id.File }

// ReadFile asks whether the content of a file may be used, of the file itself. It
// fails as LinkFile does.
type ReadFile struct{ FileID id.File }

func (x *executor) readFile(ctx context.Context, req Request, c ReadFile) (Result[file.State], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[file.State]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	if err == nil {
		err = o.State.Readable()
	}
	if err != nil {
		return Result[file.State]{}, err
	}
	deleted, err := x.deleted(ctx, o.State.OrganizationID)
	if err == nil && deleted {
		err = file.ErrNotFound
	}
	return resultOf(o, err)
}
