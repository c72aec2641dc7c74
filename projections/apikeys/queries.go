package apikeys

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// Key is an API key without the key itself.
type Key struct {
	ID             id.APIKey        `db:"id"`
	OrganizationID id.Organization  `db:"organization_id"`
	OwnerType      apikey.OwnerType `db:"owner_type"`
	// UserID is the owner of a user's key, else empty.
	UserID      id.User        `db:"user_id"`
	IssuedBy    id.User        `db:"issued_by"`
	Description string         `db:"description"`
	Scopes      []access.Scope `db:"scopes"`
	Live        bool           `db:"live"`
	Start       string         `db:"start"`
	Last4       string         `db:"last4"`
	// Status is as of the time of the query. A key that ended with its owner's
	// membership or account is revoked.
	Status apikey.Status `db:"status"`
	// ExpireAt is zero for a key that never expires, RevokedAt for one that was
	// not revoked, LastUsedAt, which is coarse, for one that was never used.
	ExpireAt   time.Time `db:"expire_at"`
	RevokedAt  time.Time `db:"revoked_at"`
	LastUsedAt time.Time `db:"last_used_at"`
	// PredecessorID and SuccessorID are the neighbours in a rotation, or empty.
	PredecessorID id.APIKey      `db:"predecessor_id"`
	SuccessorID   id.APIKey      `db:"successor_id"`
	CreatedAt     time.Time      `db:"created_at"`
	UpdatedAt     time.Time      `db:"updated_at"`
	Revision      event.Revision `db:"revision"`
}

// Of returns a key as the model shows it at a time, but for the revision, which a
// state does not hold, and LastUsedAt, which is not in the log.
func Of(s apikey.State, now time.Time) Key {
	return Key{
		ID: s.ID, OrganizationID: s.OrganizationID, OwnerType: s.OwnerType, UserID: s.UserID, IssuedBy: s.IssuedBy,
		Description: s.Description, Scopes: s.Scopes, Live: s.Live, Start: s.Start, Last4: s.Last4,
		Status: s.Status(now), ExpireAt: s.ExpireAt, RevokedAt: s.RevokedAt,
		PredecessorID: s.PredecessorID, SuccessorID: s.SuccessorID,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// Scope says which keys a caller may see: those of an organization, or if a
// user is named only that user's own there.
type Scope struct {
	OrganizationID id.Organization
	UserID         id.User
}

// status is that of apikey.State.Status.
const status = `CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expire_at <= @now THEN 'expired'
	WHEN k.suspended THEN 'suspended' ELSE 'active' END`

// List declares the list of keys.
var List = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "k.created_at", Kind: list.Time},
		{Name: "updatedAt", Expression: "k.updated_at", Kind: list.Time},
		{Name: "description", Expression: "left(lower(k.description), 100)", Kind: list.Text},
		// Keys that never expire come last.
		{Name: "expireAt", Expression: "coalesce(k.expire_at, '9999-12-31T23:59:59Z')", Kind: list.Time},
		// Keys that were never used come first.
		{Name: "lastUsedAt", Expression: "coalesce(u.last_used_at, '0001-01-01T00:00:00Z')", Kind: list.Time},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{
		{
			Name: "status", Expression: status,
			Values: list.Values(apikey.StatusActive, apikey.StatusExpired, apikey.StatusRevoked, apikey.StatusSuspended),
			Doc:    "Only keys with one of these statuses.",
		},
		{
			Name: "ownerType", Expression: "k.owner_type", Values: list.Values(apikey.OwnerUser, apikey.OwnerOrganization),
			Doc: "Only keys with one of these types of owner.",
		},
		{Name: "userId", Expression: "k.user_id", Doc: "Only keys of these users."},
	},
	Folded: []string{"k.description_folded", "k.characters_folded"},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Get finds a key within a scope, as it is at a time. It fails with
	// apikey.ErrNotFound.
	Get func(context.Context, Scope, id.APIKey, time.Time) (Key, error)
	// List lists the keys within a scope, as they are at a time.
	List func(context.Context, Scope, time.Time, list.Request) (list.Page[Key], error)
	// OwnedBy returns all keys that were ever issued to a person, in one
	// organization, or in all if that is empty.
	OwnedBy func(context.Context, id.User, id.Organization) ([]Owned, error)
	// InOrganization returns all keys of an organization, those of its members
	// included.
	InOrganization func(context.Context, id.Organization) ([]id.APIKey, error)
	// LeftBy returns the keys of an organization that a person issued, and that
	// work at a time.
	LeftBy func(context.Context, id.User, id.Organization, time.Time) ([]Key, error)
}

// Owned is a key of a person.
type Owned struct {
	ID id.APIKey
	// Ended tells whether the key was revoked, or ended with its owner's
	// membership or account.
	Ended bool
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{Get: r.get, List: r.list, OwnedBy: r.ownedBy, LeftBy: r.leftBy, InOrganization: r.inOrganization}
}

type reader struct{ db view.DB }

var columns = view.Of[Key]("k", map[string]string{"status": status, "last_used_at": "u.last_used_at"})

// within returns the rows of a scope as they are at a time.
func within(s Scope, now time.Time) (from string, args pgx.NamedArgs) {
	from = `FROM apikeys.keys k LEFT JOIN api_key_usage u ON u.key_id = k.id WHERE k.organization_id = @organization`
	args = pgx.NamedArgs{"organization": string(s.OrganizationID), "now": now}
	if s.UserID != "" {
		from += " AND k.user_id = @user"
		args["user"] = string(s.UserID)
	}
	return from, args
}

func (r reader) get(ctx context.Context, scope Scope, name id.APIKey, now time.Time) (Key, error) {
	from, args := within(scope, now)
	args["id"] = string(name)
	return columns.First(ctx, r.db, apikey.ErrNotFound, from+" AND k.id = @id", args)
}

func (r reader) list(ctx context.Context, scope Scope, now time.Time, request list.Request) (list.Page[Key], error) {
	from, args := within(scope, now)
	return list.Source[Key]{Spec: List, Columns: columns, From: from, Args: args, ID: "k.id"}.Read(ctx, r.db, request)
}

func (r reader) leftBy(ctx context.Context, issuer id.User, organization id.Organization, now time.Time) ([]Key, error) {
	from, args := within(Scope{OrganizationID: organization}, now)
	args["issuer"] = string(issuer)
	rows, err := r.db.Query(ctx, "SELECT "+columns.SQL()+" "+from+`
		AND k.owner_type = 'organization' AND k.issued_by = @issuer AND k.revoked_at IS NULL AND (k.expire_at IS NULL OR k.expire_at > @now)
		ORDER BY k.created_at, k.id`, args)
	if err != nil {
		return nil, fmt.Errorf("find the API keys that a person issued: %w", err)
	}
	keys, err := pgx.CollectRows(rows, columns.Scan)
	if err != nil {
		return nil, fmt.Errorf("find the API keys that a person issued: %w", err)
	}
	return keys, nil
}

func (r reader) ownedBy(ctx context.Context, owner id.User, organization id.Organization) ([]Owned, error) {
	rows, err := r.db.Query(ctx, `SELECT id, revoked_at IS NOT NULL FROM apikeys.keys
		WHERE user_id = @owner AND owner_type = 'user' AND (@organization = '' OR organization_id = @organization)
		ORDER BY id`, pgx.NamedArgs{"owner": string(owner), "organization": string(organization)})
	if err != nil {
		return nil, fmt.Errorf("find the API keys of a person: %w", err)
	}
	owned, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Owned])
	if err != nil {
		return nil, fmt.Errorf("find the API keys of a person: %w", err)
	}
	return owned, nil
}

func (r reader) inOrganization(ctx context.Context, organization id.Organization) ([]id.APIKey, error) {
	rows, err := r.db.Query(ctx, "SELECT id FROM apikeys.keys WHERE organization_id = @organization ORDER BY id",
		pgx.NamedArgs{"organization": string(organization)})
	if err != nil {
		return nil, fmt.Errorf("find the API keys of an organization: %w", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[id.APIKey])
	if err != nil {
		return nil, fmt.Errorf("find the API keys of an organization: %w", err)
	}
	return keys, nil
}
