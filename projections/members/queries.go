package members

import (
	"context"
	"errors"
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

// Member is a member of an organization, or an open invitation to it.
type Member struct {
	// ID is the id of the user or of the invitation.
	ID string `db:"id"`
	// UserID is empty for an invitation.
	UserID id.User     `db:"user_id"`
	Role   access.Role `db:"role"`
	Status Status      `db:"status"`
	// The names are empty for an invitation, and for somebody who was erased.
	FirstName personal.Text `db:"first_name"`
	LastName  personal.Text `db:"last_name"`
	AvatarURL personal.Text `db:"avatar_url"`
	Email     personal.Text `db:"email"`
	// JoinedAt is when the member joined, or was invited.
	JoinedAt time.Time `db:"joined_at"`
	// InvitedBy and ExpireAt are those of an invitation, else zero.
	InvitedBy id.User   `db:"invited_by"`
	ExpireAt  time.Time `db:"expire_at"`
	// Revision is that of the organization's stream.
	Revision event.Revision `db:"revision"`
}

// Invitation is an open invitation, as the person who was invited sees it.
type Invitation struct {
	ID               id.Invitation   `db:"id"`
	OrganizationID   id.Organization `db:"organization_id"`
	OrganizationName string          `db:"name"`
	OrganizationSlug string          `db:"slug"`
	LogoURL          string          `db:"logo_url"`
	Role             access.Role     `db:"role"`
	// InviterFirstName and InviterLastName are empty when a system user invited,
	// or somebody who was erased.
	InviterFirstName personal.Text `db:"inviter_first_name"`
	InviterLastName  personal.Text `db:"inviter_last_name"`
	InvitedAt        time.Time     `db:"invited_at"`
	ExpireAt         time.Time     `db:"expire_at"`
}

// name is what a member is sorted by.
const name = `lower(coalesce(p.first_name || ' ' || p.last_name, m.email))`

// List declares the list of members.
var List = list.Spec{
	Sorts: []list.Sort{
		{Name: "joinedAt", Expression: "m.joined_at", Kind: list.Time},
		{Name: "name", Expression: name, Kind: list.Text},
	},
	DefaultSort: "joinedAt:desc",
	Filters: []list.Filter{
		{
			Name: "role", Expression: "m.role", Values: list.Values(access.Roles()...),
			Doc: "Only members and invitations with one of these roles.",
		},
		{
			Name: "status", Expression: "m.status", Values: list.Values(StatusActive, StatusSuspended, StatusInvited),
			Doc: "Only members and invitations with one of these statuses.",
		},
	},
	Search: []string{"(p.first_name || ' ' || p.last_name)", "p.email", "m.email"},
}

// InvitationList declares the list of a person's own invitations.
var InvitationList = list.Spec{
	Sorts:       []list.Sort{{Name: "invitedAt", Expression: "i.invited_at", Kind: list.Time}},
	DefaultSort: "invitedAt:desc",
}

// Queries read the model, together with those of users and organizations. They are
// safe for concurrent use.
type Queries struct {
	// List lists the members of an organization, and the invitations that are open
	// at a time.
	List func(context.Context, id.Organization, time.Time, list.Request) (list.Page[Member], error)
	// Get finds a member or an open invitation by its id. It fails with
	// organization.ErrMemberNotFound.
	Get func(ctx context.Context, o id.Organization, name string, now time.Time) (Member, error)
	// OfAddress lists the invitations that are open at a time, by the keyed hash of
	// the address that was invited.
	OfAddress func(ctx context.Context, emailHash string, now time.Time, r list.Request) (list.Page[Invitation], error)
	// OrganizationOf returns the organization of an invitation, whatever became of
	// it; empty if there is none.
	OrganizationOf func(context.Context, id.Invitation) (id.Organization, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{List: r.list, Get: r.get, OfAddress: r.ofAddress, OrganizationOf: r.organizationOf}
}

type reader struct{ db view.DB }

var (
	columns = view.Of[Member]("m", map[string]string{
		"first_name": "coalesce(p.first_name, '')", "last_name": "coalesce(p.last_name, '')",
		"avatar_url": "coalesce(p.avatar_url, '')", "email": "coalesce(p.email, m.email)",
		"revision": "coalesce(s.revision, 0)",
	})
	invitationColumns = view.Of[Invitation]("i", map[string]string{
		"name": "o.name", "slug": "o.slug", "logo_url": "o.logo_url",
		"inviter_first_name": "coalesce(p.first_name, '')", "inviter_last_name": "coalesce(p.last_name, '')",
	})
)

// listed is those in the list of an organization at a time.
const listed = `FROM members.members m
	LEFT JOIN users.profiles p ON p.id = m.user_id
	LEFT JOIN members.streams s ON s.organization_id = m.organization_id
	WHERE m.organization_id = @organization AND (m.expire_at IS NULL OR m.expire_at > @now)`

func (r reader) list(ctx context.Context, o id.Organization, now time.Time, request list.Request) (list.Page[Member], error) {
	return list.Source[Member]{
		Spec: List, Columns: columns, From: listed, ID: "m.id",
		Args: pgx.NamedArgs{"organization": string(o), "now": now},
	}.Read(ctx, r.db, request)
}

func (r reader) get(ctx context.Context, o id.Organization, name string, now time.Time) (Member, error) {
	return columns.First(ctx, r.db, organization.ErrMemberNotFound, listed+" AND m.id = @id",
		pgx.NamedArgs{"organization": string(o), "now": now, "id": name})
}

func (r reader) ofAddress(ctx context.Context, emailHash string, now time.Time, request list.Request) (list.Page[Invitation], error) {
	return list.Source[Invitation]{
		Spec: InvitationList, Columns: invitationColumns, ID: "i.id",
		From: `FROM members.invitations i
			JOIN organizations.organizations o ON o.id = i.organization_id AND o.status = 'active'
			LEFT JOIN users.profiles p ON p.id = i.invited_by
			WHERE i.email_hash = @address AND NOT i.ended AND i.expire_at > @now`,
		Args: pgx.NamedArgs{"address": emailHash, "now": now},
	}.Read(ctx, r.db, request)
}

func (r reader) organizationOf(ctx context.Context, invitation id.Invitation) (id.Organization, error) {
	rows, err := r.db.Query(ctx, "SELECT organization_id FROM members.invitations WHERE id = @id", pgx.NamedArgs{"id": string(invitation)})
	if err != nil {
		return "", fmt.Errorf("find the organization of an invitation: %w", err)
	}
	o, err := pgx.CollectOneRow(rows, pgx.RowTo[string])
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the organization of an invitation: %w", err)
	}
	return id.Organization(o), nil
}
