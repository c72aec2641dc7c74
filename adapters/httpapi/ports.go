package httpapi

import (
	"context"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/directory"
)

// Directory knows, without I/O, where people act.
type Directory interface {
	User(name id.User) (directory.User, bool)
	Membership(user id.User, organization id.Organization) (directory.Membership, bool)
	// Applied is the position up to which the directory knows the log, and
	// WaitFor waits until it has reached one.
	Applied() event.Position
	WaitFor(ctx context.Context, position event.Position) error
}
