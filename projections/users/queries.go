package users

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/view"
)

// Profile is a person with an account.
type Profile struct {
	ID            id.User       `db:"id"`
	Status        user.Status   `db:"status"`
	SubjectHash   string        `db:"subject_hash"`
	Email         personal.Text `db:"email"`
	EmailVerified bool          `db:"email_verified"`
	FirstName     personal.Text `db:"first_name"`
	LastName      personal.Text `db:"last_name"`
	// Locale is a BCP 47 tag or empty.
	Locale    string        `db:"locale"`
	AvatarURL personal.Text `db:"avatar_url"`
	// ActiveOrganizationID is where the person acts; it is empty for nowhere.
	ActiveOrganizationID id.Organization `db:"active_organization_id"`
	// PurgeAt is when a deactivated account may be erased, else zero.
	PurgeAt   time.Time      `db:"purge_at"`
	CreatedAt time.Time      `db:"created_at"`
	UpdatedAt time.Time      `db:"updated_at"`
	Revision  event.Revision `db:"revision"`
}

// Of returns the profile of a user as the model shows it, but for the revision,
// which a state does not hold.
func Of(s user.State) Profile {
	return Profile{
		ID: s.ID, Status: s.Status, SubjectHash: s.SubjectHash,
		Email: s.Email, EmailVerified: s.EmailVerified, FirstName: s.FirstName, LastName: s.LastName,
		Locale: s.Locale, AvatarURL: s.AvatarURL, ActiveOrganizationID: s.ActiveOrganizationID,
		PurgeAt: s.PurgeAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// ByID finds a user. It fails with user.ErrNotFound.
	ByID func(context.Context, id.User) (Profile, error)
	// BySubject finds a user by the keyed hash of issuer and subject. It fails
	// with user.ErrNotFound.
	BySubject func(ctx context.Context, subjectHash string) (Profile, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{ByID: r.byID, BySubject: r.bySubject}
}

type reader struct{ db view.DB }

var columns = view.Of[Profile]("p", nil)

func (r reader) byID(ctx context.Context, name id.User) (Profile, error) {
	return columns.First(ctx, r.db, user.ErrNotFound,
		"FROM users.profiles p WHERE p.id = @id", pgx.NamedArgs{"id": string(name)})
}

func (r reader) bySubject(ctx context.Context, subjectHash string) (Profile, error) {
	return columns.First(ctx, r.db, user.ErrNotFound,
		"FROM users.profiles p WHERE p.subject_hash = @subject ORDER BY p.created_at DESC, p.id LIMIT 1",
		pgx.NamedArgs{"subject": subjectHash})
}
