package apikeys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/list"
)

// Key is an API key without the key itself.
type Key struct {
	ID             id.APIKey
	OrganizationID id.Organization
	OwnerType      apikey.OwnerType
	// UserID is the owner of a user's key, else empty.
	UserID      id.User
	IssuedBy    id.User
	Description string
	Scopes      []access.Scope
	Live        bool
	Start       string
	Last4       string
	// Status is as of the time of the query. A key that came to its end with its
	// owner counts as revoked.
	Status apikey.Status
	// ExpireAt is zero for a key that never expires, RevokedAt for one that was
	// not revoked, LastUsedAt, which is coarse, for one that was never used.
	ExpireAt   time.Time
	RevokedAt  time.Time
	LastUsedAt time.Time
	// PredecessorID and SuccessorID are the neighbours in a rotation, or empty.
	PredecessorID id.APIKey
	SuccessorID   id.APIKey
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Revision      event.Revision
}

// Scope says which keys a caller may see: those of an organization, or if a
// user is named only that user's own there.
type Scope struct {
	OrganizationID id.Organization
	UserID         id.User
}

// DB is a pool, a connection or a transaction.
type DB interface {
	list.DB
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Queries read the model. They are safe for concurrent use if DB is.
type Queries struct{ DB DB }

const columns = `k.id, k.organization_id, k.owner_type, k.user_id, k.issued_by, k.description, k.scopes, k.live,
	k.start, k.last4, k.expire_at, k.revoked_at, u.last_used_at, k.predecessor_id, k.successor_id,
	k.created_at, k.updated_at, k.revision, ` + status

// status is that of apikey.State.Status.
const status = `CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expire_at <= @now THEN 'expired' ELSE 'active' END`

const from = `FROM apikeys.keys k LEFT JOIN api_key_usage u ON u.key_id = k.id
	WHERE k.organization_id = @organization`

// stored is a key with its columns that may be null.
type stored struct {
	Key
	expireAt, revokedAt, lastUsedAt pgtype.Timestamptz
}

func (s *stored) fields() []any {
	return []any{
		&s.ID, &s.OrganizationID, &s.OwnerType, &s.UserID, &s.IssuedBy, &s.Description, &s.Scopes, &s.Live,
		&s.Start, &s.Last4, &s.expireAt, &s.revokedAt, &s.lastUsedAt, &s.PredecessorID, &s.SuccessorID,
		&s.CreatedAt, &s.UpdatedAt, &s.Revision, &s.Status,
	}
}

func (s *stored) key() Key {
	k := s.Key
	k.ExpireAt, k.RevokedAt, k.LastUsedAt = s.expireAt.Time.UTC(), s.revokedAt.Time.UTC(), s.lastUsedAt.Time.UTC()
	k.CreatedAt, k.UpdatedAt = k.CreatedAt.UTC(), k.UpdatedAt.UTC()
	return k
}

func (s Scope) narrow() (sql string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{"organization": string(s.OrganizationID)}
	if s.UserID == "" {
		return from, args
	}
	args["user"] = string(s.UserID)
	return from + " AND k.user_id = @user", args
}

// Get finds a key within a scope, as it is at a time; apikey.ErrNotFound if
// there is none.
func (q Queries) Get(ctx context.Context, scope Scope, keyID id.APIKey, now time.Time) (Key, error) {
	sql, args := scope.narrow()
	args["id"], args["now"] = string(keyID), now
	var s stored
	err := q.DB.QueryRow(ctx, "SELECT "+columns+" "+sql+" AND k.id = @id", args).Scan(s.fields()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Key{}, apikey.ErrNotFound
	}
	if err != nil {
		return Key{}, fmt.Errorf("read an API key: %w", err)
	}
	return s.key(), nil
}

// List lists the keys within a scope, as they are at a time.
//
// Sorts: createdAt (descending unless asked), updatedAt, description, expireAt
// (those that never expire come last), lastUsedAt (never used: first). Filters:
// status, ownerType, userId. Searched: description and the characters by which
// a key is known.
func (q Queries) List(ctx context.Context, scope Scope, now time.Time, r list.Request) (list.Page[Key], error) {
	sql, args := scope.narrow()
	args["now"] = now
	found, err := list.Source[stored]{
		From: sql, Args: args, Columns: columns, Fields: (*stored).fields, ID: "k.id",
		Sorts: map[string]list.Sort{
			"createdAt":   {Expression: "k.created_at", Kind: list.Time},
			"updatedAt":   {Expression: "k.updated_at", Kind: list.Time},
			"description": {Expression: "lower(k.description)", Kind: list.Text},
			"expireAt":    {Expression: "coalesce(k.expire_at, '9999-12-31T23:59:59Z')", Kind: list.Time},
			"lastUsedAt":  {Expression: "coalesce(u.last_used_at, '0001-01-01T00:00:00Z')", Kind: list.Time},
		},
		DefaultSort: "createdAt:desc",
		Filters: map[string]list.Filter{
			"status": {Expression: status, Values: []string{
				string(apikey.StatusActive), string(apikey.StatusExpired), string(apikey.StatusRevoked),
			}},
			"ownerType": {Expression: "k.owner_type", Values: []string{
				string(apikey.OwnerUser), string(apikey.OwnerOrganization),
			}},
			"userId": {Expression: "k.user_id"},
		},
		Search: []string{"k.description", "k.start", "k.last4"},
	}.Read(ctx, q.DB, r)
	if err != nil {
		return list.Page[Key]{}, err
	}
	page := list.Page[Key]{
		Items: make([]Key, len(found.Items)), Page: found.Page, Limit: found.Limit,
		Total: found.Total, TotalPages: found.TotalPages, NextCursor: found.NextCursor,
	}
	for i := range found.Items {
		page.Items[i] = found.Items[i].key()
	}
	return page, nil
}
