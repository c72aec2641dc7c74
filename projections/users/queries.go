package users

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

// Profile is a person with an account.
type Profile struct {
	ID            id.User
	Status        user.Status
	SubjectHash   string
	Email         personal.Text
	EmailVerified bool
	FirstName     personal.Text
	LastName      personal.Text
	// Locale is a BCP 47 tag or empty.
	Locale    string
	AvatarURL personal.Text
	// ActiveOrganizationID is where the person acts; empty says nowhere.
	ActiveOrganizationID id.Organization
	// PurgeAt is when a deactivated account may be erased, else zero.
	PurgeAt   time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	Revision  event.Revision
}

// DB is a pool, a connection or a transaction.
type DB interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Queries read the model. They are safe for concurrent use if DB is.
type Queries struct{ DB DB }

const selectProfile = `
	SELECT id, status, subject_hash, email, email_verified, first_name, last_name, locale, avatar_url,
	       active_organization_id, purge_at, created_at, updated_at, revision
	FROM users.profiles `

// ByID finds a user; user.ErrNotFound if there is none, or no more.
func (q Queries) ByID(ctx context.Context, userID id.User) (Profile, error) {
	return q.one(ctx, selectProfile+"WHERE id = $1", string(userID))
}

// BySubject finds a user by the keyed hash of issuer and subject.
func (q Queries) BySubject(ctx context.Context, subjectHash string) (Profile, error) {
	return q.one(ctx, selectProfile+"WHERE subject_hash = $1 ORDER BY created_at DESC, id LIMIT 1", subjectHash)
}

func (q Queries) one(ctx context.Context, sql, arg string) (Profile, error) {
	var p Profile
	var email, firstName, lastName, avatarURL string
	var purgeAt pgtype.Timestamptz
	err := q.DB.QueryRow(ctx, sql, arg).Scan(&p.ID, &p.Status, &p.SubjectHash, &email, &p.EmailVerified,
		&firstName, &lastName, &p.Locale, &avatarURL, &p.ActiveOrganizationID, &purgeAt, &p.CreatedAt, &p.UpdatedAt, &p.Revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return Profile{}, user.ErrNotFound
	}
	if err != nil {
		return Profile{}, fmt.Errorf("read a user: %w", err)
	}
	p.Email, p.FirstName, p.LastName = personal.New(email), personal.New(firstName), personal.New(lastName)
	p.AvatarURL = personal.New(avatarURL)
	p.PurgeAt, p.CreatedAt, p.UpdatedAt = purgeAt.Time.UTC(), p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	return p, nil
}
