package organizations

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// Organization is an organization as its members see it. Empty texts are absent.
type Organization struct {
	ID          id.Organization     `db:"id"`
	Status      organization.Status `db:"status"`
	Name        string              `db:"name"`
	Slug        string              `db:"slug"`
	Email       personal.Text       `db:"email"`
	Website     string              `db:"website"`
	Description string              `db:"description"`
	LogoURL     string              `db:"logo_url"`
	Country     string              `db:"country"`
	Timezone    string              `db:"timezone"`
	// FileRetention is after how many days files are deleted; zero for never.
	FileRetention int `db:"file_retention"`
	// PurgeAt is when a deleted organization may be purged, else zero.
	PurgeAt   time.Time      `db:"purge_at"`
	CreatedAt time.Time      `db:"created_at"`
	UpdatedAt time.Time      `db:"updated_at"`
	Revision  event.Revision `db:"revision"`
}

// Of returns an organization as the model shows it, but for the revision, which a
// state does not hold.
func Of(s organization.State) Organization {
	p := s.Profile
	return Organization{
		ID: s.ID, Status: s.Status, Name: p.Name, Slug: s.Slug,
		Email: p.Email, Website: p.Website, Description: p.Description, LogoURL: p.LogoURL,
		Country: p.Country, Timezone: p.Timezone, FileRetention: s.FileRetention,
		PurgeAt: s.PurgeAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// Membership is an organization as one of its members has it in a list.
type Membership struct {
	OrganizationID id.Organization     `db:"id"`
	Name           string              `db:"name"`
	Slug           string              `db:"slug"`
	LogoURL        string              `db:"logo_url"`
	Status         organization.Status `db:"status"`
	Role           access.Role         `db:"role"`
	JoinedAt       time.Time           `db:"joined_at"`
}

// MembershipScope says which memberships a caller may see: those of a user, or
// if an organization is named only the one there.
type MembershipScope struct {
	UserID         id.User
	OrganizationID id.Organization
}

// MembershipList declares the list of a user's organizations.
var MembershipList = list.Spec{
	Sorts: []list.Sort{
		{Name: "joinedAt", Expression: "m.joined_at", Kind: list.Time},
		{Name: "name", Expression: "lower(o.name)", Kind: list.Text},
		{Name: "slug", Expression: "o.slug", Kind: list.Text},
	},
	DefaultSort: "joinedAt:desc",
	Filters: []list.Filter{
		{
			Name: "role", Expression: "m.role", Values: list.Values(access.Roles()...),
			Doc: "Only organizations in which the caller has one of these roles.",
		},
		{
			Name: "status", Expression: "o.status", Values: list.Values(organization.StatusActive, organization.StatusDeleted),
			Doc: "Only organizations with one of these statuses.",
		},
	},
	Search: []string{"o.name", "o.slug"},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// ByID finds an organization, also a deleted one. It fails with
	// organization.ErrNotFound.
	ByID func(context.Context, id.Organization) (Organization, error)
	// BySlug finds the active organization to which a slug leads. If the slug is
	// a former one, the organization's own is another. It fails with
	// organization.ErrNotFound.
	BySlug func(ctx context.Context, slug string) (Organization, error)
	// OfUser lists, by MembershipList, the organizations of which a user is a
	// member, also those that are deleted and not yet purged.
	OfUser func(context.Context, MembershipScope, list.Request) (list.Page[Membership], error)
	// DueForPurge returns up to limit deleted organizations whose grace is over at
	// a time, in the order of PurgeAt and id, from the one after another on.
	DueForPurge func(ctx context.Context, now time.Time, after DuePurge, limit int) ([]DuePurge, error)
	// Retaining returns up to limit active organizations that keep files for a time, in
	// the order of their ids, from the one after another on.
	Retaining func(ctx context.Context, after Retention, limit int) ([]Retention, error)
}

// Retention is for how many days an organization keeps files.
type Retention struct {
	ID   id.Organization
	Days int
}

// DuePurge is an organization that is due to be purged.
type DuePurge struct {
	ID      id.Organization
	PurgeAt time.Time
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{ByID: r.byID, BySlug: r.bySlug, OfUser: r.ofUser, DueForPurge: r.dueForPurge, Retaining: r.retaining}
}

type reader struct{ db view.DB }

var (
	columns           = view.Of[Organization]("o", nil)
	membershipColumns = view.Of[Membership]("o", map[string]string{"role": "m.role", "joined_at": "m.joined_at"})
)

func (r reader) byID(ctx context.Context, name id.Organization) (Organization, error) {
	return columns.First(ctx, r.db, organization.ErrNotFound,
		"FROM organizations.organizations o WHERE o.id = @id", pgx.NamedArgs{"id": string(name)})
}

func (r reader) bySlug(ctx context.Context, slug string) (Organization, error) {
	return columns.First(ctx, r.db, organization.ErrNotFound,
		`FROM organizations.organizations o JOIN organizations.slugs s ON s.organization_id = o.id
		WHERE s.slug = @slug AND o.status = 'active'`, pgx.NamedArgs{"slug": slug})
}

func (r reader) ofUser(ctx context.Context, scope MembershipScope, request list.Request) (list.Page[Membership], error) {
	source := list.Source[Membership]{
		Spec: MembershipList, Columns: membershipColumns, ID: "o.id",
		From: `FROM organizations.members m JOIN organizations.organizations o ON o.id = m.organization_id
			WHERE m.user_id = @user`,
		Args: pgx.NamedArgs{"user": string(scope.UserID)},
	}
	if scope.OrganizationID != "" {
		source.From += " AND o.id = @organization"
		source.Args["organization"] = string(scope.OrganizationID)
	}
	return source.Read(ctx, r.db, request)
}

func (r reader) dueForPurge(ctx context.Context, now time.Time, after DuePurge, limit int) ([]DuePurge, error) {
	rows, err := r.db.Query(ctx, `SELECT id, purge_at FROM organizations.organizations
		WHERE status = 'deleted' AND purge_at <= @now AND (purge_at, id) > (@purgeAt, @id)
		ORDER BY purge_at, id LIMIT @limit`,
		pgx.NamedArgs{"now": now, "purgeAt": after.PurgeAt, "id": string(after.ID), "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("find organizations to purge: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DuePurge])
	if err != nil {
		return nil, fmt.Errorf("find organizations to purge: %w", err)
	}
	return due, nil
}

func (r reader) retaining(ctx context.Context, after Retention, limit int) ([]Retention, error) {
	rows, err := r.db.Query(ctx, `SELECT id, file_retention FROM organizations.organizations
		WHERE status = 'active' AND file_retention > 0 AND id > @after ORDER BY id LIMIT @limit`,
		pgx.NamedArgs{"after": string(after.ID), "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("find organizations that keep files for a time: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Retention])
	if err != nil {
		return nil, fmt.Errorf("find organizations that keep files for a time: %w", err)
	}
	return found, nil
}
