package erasures

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/view"
)

// Erasure is an erasure in the list.
type Erasure struct {
	ID   erasure.ID   `db:"id"`
	Kind erasure.Kind `db:"kind"`
	// Keys is how many encryption keys were, or are to be, destroyed.
	Keys    int       `db:"keys"`
	BegunAt time.Time `db:"begun_at"`
	// CompletedAt is zero while the erasure is under way.
	CompletedAt time.Time `db:"completed_at"`
}

// Invitation is an invitation with data about somebody.
type Invitation struct {
	ID             id.Invitation
	OrganizationID id.Organization
}

// OverInvitation is an invitation that ended, whose address can still be read.
type OverInvitation struct {
	Invitation

	OverAt time.Time
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// List returns all erasures, the latest first.
	List func(context.Context) ([]Erasure, error)
	// InvitationsOf returns the invitations that went to a person: those by which
	// they joined, and those to an address while it was theirs.
	InvitationsOf func(context.Context, id.User) ([]Invitation, error)
	// InvitationsTo returns the invitations that an organization ever made.
	InvitationsTo func(context.Context, id.Organization) ([]Invitation, error)
	// OrganizationsOf returns the organizations in which a person is, or was, a
	// member.
	OrganizationsOf func(context.Context, id.User) ([]id.Organization, error)
	// IdentityOf returns the keyed hash of a person's identity; empty for one who
	// is not known, or was erased.
	IdentityOf func(context.Context, id.User) (string, error)
	// Over returns up to limit invitations that ended at or before a time, the
	// earliest first, from after one on.
	Over func(ctx context.Context, at time.Time, after OverInvitation, limit int) ([]OverInvitation, error)
	// Due returns up to limit deactivated people whose grace is over at a time, in
	// the order of their ids, from after one on.
	Due func(ctx context.Context, at time.Time, after id.User, limit int) ([]id.User, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{
		List: r.list, InvitationsOf: r.invitationsOf, InvitationsTo: r.invitationsTo,
		OrganizationsOf: r.organizationsOf, IdentityOf: r.identityOf, Due: r.due, Over: r.over,
	}
}

type reader struct{ db view.DB }

var columns = view.Of[Erasure]("e", nil)

func (r reader) list(ctx context.Context) ([]Erasure, error) {
	return collect(ctx, r.db, columns.Scan, "SELECT "+columns.SQL()+" FROM erasures.erasures e ORDER BY e.begun_at DESC, e.id", nil)
}

// An address may have been somebody else's at the time of an invitation: then the
// invitation is about them.
func (r reader) invitationsOf(ctx context.Context, person id.User) ([]Invitation, error) {
	return collect(ctx, r.db, pgx.RowToStructByPos[Invitation], `
		SELECT i.id, i.organization_id FROM erasures.invitations i
		WHERE left(i.accepted_by, 64) = @user AND i.accepted_by <> ''
		UNION
		SELECT i.id, i.organization_id FROM erasures.addresses a
		JOIN erasures.invitations i ON left(i.email_hash, 64) = left(a.email_hash, 64) AND i.email_hash = a.email_hash
		WHERE a.user_id = @user AND i.accepted_by = '' AND (a.until IS NULL OR i.invited_at < a.until)
			AND NOT EXISTS (
				SELECT FROM erasures.addresses b
				WHERE left(b.email_hash, 64) = left(a.email_hash, 64) AND b.email_hash = a.email_hash AND b.user_id <> a.user_id
					AND b.since <= i.invited_at AND (b.until IS NULL OR i.invited_at < b.until))
		ORDER BY 1`, pgx.NamedArgs{"user": string(person)})
}

func (r reader) invitationsTo(ctx context.Context, organization id.Organization) ([]Invitation, error) {
	return collect(ctx, r.db, pgx.RowToStructByPos[Invitation],
		"SELECT id, organization_id FROM erasures.invitations WHERE organization_id = @organization ORDER BY id",
		pgx.NamedArgs{"organization": string(organization)})
}

func (r reader) organizationsOf(ctx context.Context, person id.User) ([]id.Organization, error) {
	return collect(ctx, r.db, pgx.RowTo[id.Organization],
		"SELECT organization_id FROM erasures.memberships WHERE user_id = @user ORDER BY organization_id",
		pgx.NamedArgs{"user": string(person)})
}

func (r reader) identityOf(ctx context.Context, person id.User) (string, error) {
	found, err := collect(ctx, r.db, pgx.RowTo[string],
		"SELECT subject_hash FROM erasures.identities WHERE user_id = @user", pgx.NamedArgs{"user": string(person)})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

func (r reader) due(ctx context.Context, at time.Time, after id.User, limit int) ([]id.User, error) {
	return collect(ctx, r.db, pgx.RowTo[id.User],
		"SELECT user_id FROM erasures.due WHERE purge_at <= @at AND user_id > @after ORDER BY user_id LIMIT @limit",
		pgx.NamedArgs{"at": at, "after": string(after), "limit": limit})
}

func (r reader) over(ctx context.Context, at time.Time, after OverInvitation, limit int) ([]OverInvitation, error) {
	return collect(ctx, r.db, func(row pgx.CollectableRow) (i OverInvitation, err error) {
		err = row.Scan(&i.ID, &i.OrganizationID, &i.OverAt)
		return i, err
	}, `
		SELECT id, organization_id, over_at FROM erasures.invitations
		WHERE over_at <= @at AND (over_at, id) > (@over, @id) ORDER BY over_at, id LIMIT @limit`,
		pgx.NamedArgs{"at": at, "over": after.OverAt, "id": string(after.ID), "limit": limit})
}

func collect[T any](ctx context.Context, db view.DB, scan pgx.RowToFunc[T], sql string, args pgx.NamedArgs) ([]T, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	all, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	return all, nil
}
