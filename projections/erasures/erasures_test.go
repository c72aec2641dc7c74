package erasures_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

var day0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

func registered(name id.User, email string, verified bool, at time.Time) user.Registered {
	return user.Registered{UserID: name, SubjectHash: "s-" + string(name), EmailHash: email, EmailVerified: verified, OccurredAt: at}
}

func invited(name id.Invitation, o id.Organization, email string, at time.Time) organization.MemberInvited {
	return organization.MemberInvited{OrganizationID: o, InvitationID: name, EmailHash: email, Role: access.Member, OccurredAt: at}
}

func joined(o id.Organization, person id.User, by id.Invitation) organization.MemberJoined {
	return organization.MemberJoined{OrganizationID: o, UserID: person, InvitationID: by, Role: access.Member, OccurredAt: day(9)}
}

func TestReducersRefuseOtherEvents(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, erasures.Definition(), user.Aggregate.Schemas, organization.Aggregate.Schemas, erasure.Aggregate.Schemas)
}

// The invitations of a person are those by which they joined, and those to an
// address while it was theirs and nobody else's.
func TestTraces(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	m := readmodeltest.New(t, pool, erasures.Definition())
	q, ctx := erasures.NewQueries(pool), context.Background()
	m.Given("user-a", registered("user_a", "e1", true, day(2)),
		user.EmailChanged{UserID: "user_a", EmailHash: "e2", FormerEmailHash: "e1", OccurredAt: day(5)})
	m.Given("user-b", registered("user_b", "e1", true, day(6)))
	m.Given("user-c", registered("user_c", "e3", false, day(1)))
	m.Given("organization-1",
		invited("inv_before", "org_1", "e1", day(1)), // a registered later
		invited("inv_held", "org_1", "e1", day(3)),
		invited("inv_after", "org_1", "e1", day(7)), // the address is b's by now
		invited("inv_second", "org_1", "e2", day(8)),
		invited("inv_unverified", "org_1", "e3", day(8)),
		joined("org_1", "user_a", ""))
	m.Given("organization-2",
		invited("inv_joined", "org_2", "e9", day(8)), joined("org_2", "user_a", "inv_joined"),
		invited("inv_others", "org_2", "e2", day(8)), joined("org_2", "user_b", "inv_others"))
	check := func(name string, want, got any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	type invitations = []erasures.Invitation
	mine, err := q.InvitationsOf(ctx, "user_a")
	check("a", invitations{{"inv_before", "org_1"}, {"inv_held", "org_1"}, {"inv_joined", "org_2"}, {"inv_second", "org_1"}}, mine, err)
	theirs, err := q.InvitationsOf(ctx, "user_b")
	check("b", invitations{{"inv_after", "org_1"}, {"inv_before", "org_1"}, {"inv_others", "org_2"}}, theirs, err)
	none, err := q.InvitationsOf(ctx, "user_c")
	check("an unverified address", 0, len(none), err)
	all, err := q.InvitationsTo(ctx, "org_2")
	check("of an organization", invitations{{"inv_joined", "org_2"}, {"inv_others", "org_2"}}, all, err)
	places, err := q.OrganizationsOf(ctx, "user_a")
	check("organizations", []id.Organization{"org_1", "org_2"}, places, err)
	identity, err := q.IdentityOf(ctx, "user_a")
	check("identity", "s-user_a", identity, err)

	// Nothing of it is left once the erasure is complete.
	m.Given("erasure-user_a",
		erasure.Begun{SubjectID: "user_a", Kind: erasure.KindUser, Keys: []string{"user_a", "inv_joined"}, OccurredAt: day(10)},
		erasure.Completed{
			SubjectID: "user_a", Kind: erasure.KindUser, Keys: []string{"user_a", "inv_before", "inv_held", "inv_joined", "inv_second"},
			OccurredAt: day(11),
		})
	mine, err = q.InvitationsOf(ctx, "user_a")
	check("a, erased", 0, len(mine), err)
	places, err = q.OrganizationsOf(ctx, "user_a")
	check("organizations of a, erased", 0, len(places), err)
	identity, err = q.IdentityOf(ctx, "user_a")
	check("identity of a, erased", "", identity, err)
	list, err := q.List(ctx)
	check("the list", []erasures.Erasure{{ID: "user_a", Kind: erasure.KindUser, Keys: 5, BegunAt: day(10), CompletedAt: day(11)}}, list, err)
	theirs, err = q.InvitationsOf(ctx, "user_b")
	check("b still", invitations{{"inv_after", "org_1"}, {"inv_others", "org_2"}}, theirs, err)
	m.Given("erasure-org_2", erasure.Begun{SubjectID: "org_2", Kind: erasure.KindOrganization, OccurredAt: day(12)},
		erasure.Completed{SubjectID: "org_2", Kind: erasure.KindOrganization, Keys: []string{"org_2"}, OccurredAt: day(12)})
	all, err = q.InvitationsTo(ctx, "org_2")
	check("of an organization, erased", 0, len(all), err)
}

// Invitations are found when they are over, in the order of their ends, until their
// addresses are forgotten.
func TestOver(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	m := readmodeltest.New(t, pool, erasures.Definition())
	q := erasures.NewQueries(pool)
	invite := func(name id.Invitation, expire time.Time) organization.MemberInvited {
		i := invited(name, "org_1", "e", day0)
		i.ExpireAt = expire
		return i
	}
	m.Given("organization-1",
		invite("inv_expired", day(7)), invite("inv_accepted", day(7)), invite("inv_revoked", day(7)),
		invite("inv_resent", day(7)), invite("inv_forgotten", day(7)),
		organization.MemberJoined{OrganizationID: "org_1", UserID: "user_1", InvitationID: "inv_accepted", OccurredAt: day(1)},
		organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_revoked", OccurredAt: day(2)},
		organization.InvitationResent{OrganizationID: "org_1", InvitationID: "inv_resent", ExpireAt: day(9), OccurredAt: day(2)},
		organization.InvitationForgotten{OrganizationID: "org_1", InvitationID: "inv_forgotten", OccurredAt: day(40)})
	over := func(at time.Time, after erasures.OverInvitation, limit int) (names []id.Invitation, last erasures.OverInvitation) {
		t.Helper()
		all, err := q.Over(context.Background(), at, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			names, last = append(names, i.ID), i
		}
		return names, last
	}
	first, last := over(day(8), erasures.OverInvitation{}, 2)
	rest, _ := over(day(8), last, 2)
	early, _ := over(day(2).Add(-time.Millisecond), erasures.OverInvitation{}, 9)
	late, _ := over(day(9), erasures.OverInvitation{}, 9)
	for _, c := range []struct{ want, got []id.Invitation }{
		{[]id.Invitation{"inv_accepted", "inv_revoked"}, first},
		{[]id.Invitation{"inv_expired"}, rest},
		{[]id.Invitation{"inv_accepted"}, early},
		{[]id.Invitation{"inv_accepted", "inv_revoked", "inv_expired", "inv_resent"}, late},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	m := readmodeltest.New(t, pool, erasures.Definition())
	q := erasures.NewQueries(pool)
	for i, name := range []id.User{"user_1", "user_2", "user_3", "user_4", "user_5"} {
		m.Given("user-"+string(name), registered(name, "e", true, day0),
			user.Deactivated{UserID: name, PurgeAt: day(i), OccurredAt: day0})
	}
	m.Given("user-user_1", user.Restored{UserID: "user_1", OccurredAt: day0})
	m.Given("user-user_2", user.Erased{UserID: "user_2", OccurredAt: day0})
	due := func(at time.Time, after id.User, limit int) []id.User {
		t.Helper()
		got, err := q.Due(context.Background(), at, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, c := range []struct{ want, got []id.User }{
		{[]id.User{"user_3"}, due(day(2), "", 9)}, // at the very instant
		{[]id.User{}, due(day(2).Add(-time.Millisecond), "", 9)},
		{[]id.User{"user_3", "user_4"}, due(day(9), "", 2)},
		{[]id.User{"user_5"}, due(day(9), "user_4", 2)},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}
