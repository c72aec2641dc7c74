package organizations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/list"
)

// Organization is an organization as its members see it. Empty texts are absent.
type Organization struct {
	ID          id.Organization
	Status      organization.Status
	Name        string
	Slug        string
	Email       personal.Text
	Website     string
	Description string
	LogoURL     string
	Country     string
	Timezone    string
	// PurgeAt is when a deleted organization may be purged, else zero.
	PurgeAt   time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	Revision  event.Revision
}

// Membership is an organization as one of its members has it in a list.
type Membership struct {
	OrganizationID id.Organization
	Name           string
	Slug           string
	LogoURL        string
	Status         organization.Status
	Role           access.Role
	JoinedAt       time.Time
}

// DB is a pool, a connection or a transaction.
type DB interface {
	list.DB
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Queries read the model. They are safe for concurrent use if DB is.
type Queries struct{ DB DB }

const selectOrganization = `
	SELECT o.id, o.status, o.name, o.slug, o.email, o.website, o.description, o.logo_url, o.country, o.timezone,
	       o.purge_at, o.created_at, o.updated_at, o.revision
	FROM organizations.organizations o `

// ByID finds an organization, also a deleted one; organization.ErrNotFound if
// there is none, or no more.
func (q Queries) ByID(ctx context.Context, organizationID id.Organization) (Organization, error) {
	return q.one(ctx, selectOrganization+"WHERE o.id = $1", string(organizationID))
}

// BySlug finds the organization in use to which a slug leads. If the slug is a
// former one, the organization's own is another.
func (q Queries) BySlug(ctx context.Context, slug string) (Organization, error) {
	return q.one(ctx, selectOrganization+`JOIN organizations.slugs s ON s.organization_id = o.id
		WHERE s.slug = $1 AND o.status = 'active'`, slug)
}

func (q Queries) one(ctx context.Context, sql, arg string) (Organization, error) {
	var o Organization
	var email string
	var purgeAt pgtype.Timestamptz
	err := q.DB.QueryRow(ctx, sql, arg).Scan(&o.ID, &o.Status, &o.Name, &o.Slug, &email, &o.Website, &o.Description,
		&o.LogoURL, &o.Country, &o.Timezone, &purgeAt, &o.CreatedAt, &o.UpdatedAt, &o.Revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return Organization{}, organization.ErrNotFound
	}
	if err != nil {
		return Organization{}, fmt.Errorf("read an organization: %w", err)
	}
	o.Email = personal.New(email)
	o.PurgeAt, o.CreatedAt, o.UpdatedAt = purgeAt.Time.UTC(), o.CreatedAt.UTC(), o.UpdatedAt.UTC()
	return o, nil
}

// OfUser lists the organizations of which somebody is a member, also those that
// are deleted and not yet purged.
//
// Sorts: joinedAt (descending unless asked), name, slug. Filters: id, role,
// status.
// Searched: name and slug.
func (q Queries) OfUser(ctx context.Context, userID id.User, r list.Request) (list.Page[Membership], error) {
	page, err := list.Source[Membership]{
		From: `FROM organizations.members m JOIN organizations.organizations o ON o.id = m.organization_id
			WHERE m.user_id = @user`,
		Args:    pgx.NamedArgs{"user": string(userID)},
		Columns: "o.id, o.name, o.slug, o.logo_url, o.status, m.role, m.joined_at",
		Fields: func(m *Membership) []any {
			return []any{&m.OrganizationID, &m.Name, &m.Slug, &m.LogoURL, &m.Status, &m.Role, &m.JoinedAt}
		},
		ID: "o.id",
		Sorts: map[string]list.Sort{
			"joinedAt": {Expression: "m.joined_at", Kind: list.Time},
			"name":     {Expression: "lower(o.name)", Kind: list.Text},
			"slug":     {Expression: "o.slug", Kind: list.Text},
		},
		DefaultSort: "joinedAt:desc",
		Filters: map[string]list.Filter{
			"id": {Expression: "o.id"},
			"role": {Expression: "m.role", Values: []string{
				string(access.Owner), string(access.Admin), string(access.Billing), string(access.Member), string(access.Viewer),
			}},
			"status": {Expression: "o.status", Values: []string{
				string(organization.StatusActive), string(organization.StatusDeleted),
			}},
		},
		Search: []string{"o.name", "o.slug"},
	}.Read(ctx, q.DB, r)
	for i := range page.Items {
		page.Items[i].JoinedAt = page.Items[i].JoinedAt.UTC()
	}
	return page, err
}
