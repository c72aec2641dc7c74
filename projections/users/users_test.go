package users_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/users"
)

const stream = "user-user_1"

var (
	day0 = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day9 = day0.AddDate(0, 0, 9)

	registered = user.Registered{
		UserID: "user_1", SubjectHash: "s1", EmailHash: "e1", Email: personal.New("ada@example.org"), EmailVerified: true,
		FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), Locale: "en-GB", OccurredAt: day0,
	}
)

// profile is the row of registered, changed.
func profile(changes projections.Row) projections.Row {
	row := projections.Row{
		"id": "user_1", "status": "active", "subject_hash": "s1", "email": "ada@example.org", "email_verified": true,
		"first_name": "Ada", "last_name": "Lovelace", "locale": "en-GB", "created_at": day0, "updated_at": day0,
	}
	for name, value := range changes {
		row[name] = value
	}
	return row
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, users.Definition(), user.Aggregate.Schemas, organization.Aggregate.Schemas)
	readmodeltest.Follows(t, users.Definition(), user.Aggregate.Schemas)
	switched := user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: day1}
	type row = projections.Row
	for name, c := range map[string]struct {
		given []event.Event
		want  []row
	}{
		"registered": {nil, []row{profile(nil)}},
		"profile updated": {
			[]event.Event{user.ProfileUpdated{
				UserID: "user_1", FirstName: personal.New("Augusta"), LastName: personal.New("King"),
				AvatarURL: personal.New("https://example.org/a.png"), OccurredAt: day1,
			}},
			[]row{profile(row{
				"first_name": "Augusta", "last_name": "King", "locale": "", "avatar_url": "https://example.org/a.png",
				"updated_at": day1, "revision": 1,
			})},
		},
		"switched": {
			[]event.Event{switched},
			[]row{profile(row{"active_organization_id": "org_1", "updated_at": day1, "revision": 1})},
		},
		"switched to none": {
			[]event.Event{switched, user.ActiveOrganizationSwitched{UserID: "user_1", OccurredAt: day9}},
			[]row{profile(row{"updated_at": day9, "revision": 2})},
		},
		"deactivated": {
			[]event.Event{user.Deactivated{UserID: "user_1", PurgeAt: day9, OccurredAt: day1}},
			[]row{profile(row{"status": "deactivated", "purge_at": day9, "updated_at": day1, "revision": 1})},
		},
		"restored": {
			[]event.Event{
				user.Deactivated{UserID: "user_1", PurgeAt: day9, OccurredAt: day1},
				user.Restored{UserID: "user_1", OccurredAt: day1},
			},
			[]row{profile(row{"updated_at": day1, "revision": 2})},
		},
		"erased": {
			[]event.Event{user.Erased{UserID: "user_1", OccurredAt: day1}}, nil,
		},
		"claim lapsed": {
			[]event.Event{user.EmailClaimLapsed{UserID: "user_1", EmailHash: "e2", OccurredAt: day1}},
			[]row{profile(row{"revision": 1})},
		},
		"email changed": {
			[]event.Event{user.EmailChanged{
				UserID: "user_1", EmailHash: "e2", Email: personal.New("augusta@example.org"), FormerEmailHash: "e1",
				EmailIssuedAt: day0, OccurredAt: day1,
			}},
			[]row{profile(row{"email": "augusta@example.org", "updated_at": day1, "revision": 1})},
		},
		"read after erasure": { // The key is gone: what was personal reads as empty.
			[]event.Event{user.ProfileUpdated{
				UserID: "user_1", FirstName: personal.Erased(), LastName: personal.Erased(), AvatarURL: personal.Erased(), OccurredAt: day1,
			}},
			[]row{profile(row{"first_name": "", "last_name": "", "locale": "", "updated_at": day1, "revision": 1})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel(t)
			m.Given(stream, registered)
			if len(c.given) > 0 {
				m.Given(stream, c.given...)
			}
			m.Then("profiles", c.want...)
		})
	}
	t.Run("removed from the organization", func(t *testing.T) {
		t.Parallel()
		m := newModel(t)
		m.Given(stream, registered, switched)
		m.Given("organization-org_2", organization.MemberRemoved{OrganizationID: "org_2", UserID: "user_1"})
		m.Then("profiles", profile(row{"active_organization_id": "org_1", "updated_at": day1, "revision": 1}))
		m.Given("organization-org_1", organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_1"})
		m.Then("profiles", profile(row{"updated_at": day1, "revision": 1}))
	})
}

func newModel(t *testing.T) *readmodeltest.Model {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, users.Definition())
}

func TestQueries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	m := readmodeltest.New(t, pool, users.Definition())
	q := users.NewQueries(pool)
	m.Given("user-user_2", user.Registered{
		UserID: "user_2", SubjectHash: "s2", Email: personal.New("b@example.org"), FirstName: personal.New("B"),
		LastName: personal.New("B"), OccurredAt: day0,
	})
	m.Given(stream, registered,
		user.ProfileUpdated{
			UserID: "user_1", FirstName: personal.New("Ada"), LastName: personal.New("King"), Locale: "nl",
			AvatarURL: personal.New("https://example.org/a.png"), OccurredAt: day1,
		},
		user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: day1},
		user.Deactivated{UserID: "user_1", PurgeAt: day9, OccurredAt: day1})
	want := users.Profile{
		ID: "user_1", Status: user.StatusDeactivated, SubjectHash: "s1",
		Email: personal.New("ada@example.org"), EmailVerified: true,
		FirstName: personal.New("Ada"), LastName: personal.New("King"), Locale: "nl",
		AvatarURL: personal.New("https://example.org/a.png"), ActiveOrganizationID: "org_1",
		PurgeAt: day9, CreatedAt: day0, UpdatedAt: day1, Revision: 3,
	}
	byID, err := q.ByID(ctx, "user_1")
	if diff := cmp.Diff(want, byID); diff != "" || err != nil {
		t.Errorf("by id: %v\n%s", err, diff)
	}
	bySubject, err := q.BySubject(ctx, "s1")
	if diff := cmp.Diff(want, bySubject); diff != "" || err != nil {
		t.Errorf("by subject: %v\n%s", err, diff)
	}
	if p, err := q.ByID(ctx, "user_2"); err != nil || !p.PurgeAt.IsZero() {
		t.Errorf("user 2: %+v, %v", p, err)
	}
	m.Given(stream, user.Erased{UserID: "user_1", OccurredAt: day9})
	for _, err := range []error{second(q.ByID(ctx, "user_1")), second(q.BySubject(ctx, "s1")), second(q.ByID(ctx, ""))} {
		if !errors.Is(err, user.ErrNotFound) {
			t.Errorf("got %v, want that there is no such user", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The profile after a command, which follows from the state, is the one that is
// read afterwards.
func TestTheStateGivesTheSameProfile(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	m := readmodeltest.New(t, pool, users.Definition())
	q, s := users.NewQueries(pool), user.State{}
	for i, e := range []event.Event{
		registered,
		user.ProfileUpdated{
			UserID: "user_1", FirstName: personal.New("A"), LastName: personal.New("K"), Locale: "nl",
			AvatarURL: personal.New("https://example.org/a.png"), OccurredAt: day1,
		},
		user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: day1},
		user.EmailClaimLapsed{UserID: "user_1", EmailHash: "e2", OccurredAt: day9},
		user.Deactivated{UserID: "user_1", PurgeAt: day9, OccurredAt: day1},
		user.Restored{UserID: "user_1", OccurredAt: day9},
	} {
		m.Given(stream, e)
		s = user.Apply(s, e)
		want := users.Of(s)
		want.Revision = event.Revision(i)
		got, err := q.ByID(context.Background(), "user_1")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
	}
}
