package httpapi

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/directory"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/users"
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

// Users reads accounts.
type Users interface {
	ByID(ctx context.Context, name id.User) (users.Profile, error)
}

// Organizations reads organizations.
type Organizations interface {
	ByID(ctx context.Context, name id.Organization) (organizations.Organization, error)
	BySlug(ctx context.Context, slug string) (organizations.Organization, error)
	OfUser(ctx context.Context, user id.User, r list.Request) (list.Page[organizations.Membership], error)
}

// APIKeys reads API keys.
type APIKeys interface {
	Get(ctx context.Context, scope apikeys.Scope, name id.APIKey, now time.Time) (apikeys.Key, error)
	List(ctx context.Context, scope apikeys.Scope, now time.Time, r list.Request) (list.Page[apikeys.Key], error)
}
