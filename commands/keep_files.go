package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// ExpireFile deletes a file that its organization has had for as long as it keeps
// files. It is for what acts by the clock. It fails with organization.ErrRetained when
// the organization keeps the file.
type ExpireFile struct{ FileID id.File }

func (x *executor) expireFile(ctx context.Context, req Request, c ExpireFile) (Result[file.State], error) {
	o, err := x.loadFile(ctx, c.FileID)
	if err != nil {
		return Result[file.State]{}, err
	}
	if err := mayWrite(req.Principal, o.State); err != nil {
		return Result[file.State]{}, err
	}
	// The organization may have decided otherwise a moment ago.
	home, err := load(ctx, x, ref(organization.Aggregate, o.State.OrganizationID), true)
	if err != nil {
		return Result[file.State]{}, err
	}
	if err := home.State.CheckRetention(req.Principal, o.State.CreatedAt, req.at()); err != nil {
		return Result[file.State]{}, err
	}
	return x.deleteFile(ctx, req, DeleteFile{FileID: c.FileID})
}

// HoldsObject asks whether an object belongs to a file that has its bytes still, of
// the file itself.
type HoldsObject struct {
	FileID id.File
	Object string
}

func (x *executor) holdsObject(ctx context.Context, req Request, c HoldsObject) (Result[bool], error) {
	if err := req.Principal.Require(access.WorkOnFiles); err != nil {
		return Result[bool]{}, err
	}
	o, err := x.loadFile(ctx, c.FileID)
	return Result[bool]{Value: o.State.Holds(c.Object)}, err
}
