package members_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/members"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/users"
)

const stream = "organization-org_1"

type row = projections.Row

var (
	day0 = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day7 = day0.AddDate(0, 0, 7)
	day8 = day0.AddDate(0, 0, 8)

	registered = organization.Registered{OrganizationID: "org_1", Name: "Acme", Slug: "acme", OccurredAt: day0}
	joined     = organization.MemberJoined{OrganizationID: "org_1", UserID: "user_1", Role: "owner", OccurredAt: day0}
	invited    = organization.MemberInvited{
		OrganizationID: "org_1", InvitationID: "inv_1", Email: personal.New("grace@example.com"), EmailHash: "hash-g",
		Role: "member", InvitedBy: "user_1", TokenHash: "t", ExpireAt: day7, OccurredAt: day0,
	}
	owner = row{"organization_id": "org_1", "id": "user_1", "user_id": "user_1", "role": "owner", "status": "active", "joined_at": day0}
)

func with(r row, changes row) row {
	out := row{}
	for _, part := range []row{r, changes} {
		for name, value := range part {
			out[name] = value
		}
	}
	return out
}

func newModel(tb testing.TB) (*readmodeltest.Model, members.Queries, *pgxpool.Pool) {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(tb, pool, members.Definition()), members.NewQueries(pool), pool
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, members.Definition(), organization.Aggregate.Schemas)
	readmodeltest.Follows(t, members.Definition(), organization.Aggregate.Schemas)
	open := row{
		"organization_id": "org_1", "id": "inv_1", "role": "member", "status": "invited", "joined_at": day0,
		"email": "grace@example.com", "invited_by": "user_1", "expire_at": day7,
	}
	known := row{
		"id": "inv_1", "organization_id": "org_1", "email_hash": "hash-g", "role": "member", "invited_by": "user_1",
		"invited_at": day0, "expire_at": day7,
	}
	over := with(known, row{"ended": true})
	second := row{"organization_id": "org_1", "id": "user_2", "user_id": "user_2", "role": "member", "status": "active", "joined_at": day1}
	accepted := organization.MemberJoined{OrganizationID: "org_1", UserID: "user_2", Role: "member", InvitationID: "inv_1", OccurredAt: day1}
	suspended := organization.MemberSuspended{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}
	for name, c := range map[string]struct {
		given                []event.Event
		members, invitations []row
		revision             int
	}{
		"joined":  {nil, []row{owner}, nil, 1},
		"invited": {[]event.Event{invited}, []row{open, owner}, []row{known}, 2},
		"resent": {
			[]event.Event{invited, organization.InvitationResent{
				OrganizationID: "org_1", InvitationID: "inv_1", Issue: 2, ResentBy: "user_3", ExpireAt: day8, OccurredAt: day1,
			}},
			[]row{with(open, row{"invited_by": "user_3", "expire_at": day8}), owner},
			[]row{with(known, row{"invited_by": "user_3", "expire_at": day8})},
			3,
		},
		"revoked": {
			[]event.Event{invited, organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1}},
			[]row{owner},
			[]row{over},
			3,
		},
		"accepted": {[]event.Event{invited, accepted}, []row{owner, second}, []row{over}, 3},
		"role changed": {
			[]event.Event{organization.MemberRoleChanged{OrganizationID: "org_1", UserID: "user_1", Role: "admin", OccurredAt: day1}},
			[]row{with(owner, row{"role": "admin"})},
			nil,
			2,
		},
		"suspended": {[]event.Event{suspended}, []row{with(owner, row{"status": "suspended"})}, nil, 2},
		"reinstated": {
			[]event.Event{suspended, organization.MemberReinstated{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}},
			[]row{owner},
			nil,
			3,
		},
		"removed": {[]event.Event{organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}}, nil, nil, 2},
		"of another kind": {
			[]event.Event{organization.ProfileUpdated{OrganizationID: "org_1", Name: "B", OccurredAt: day1}}, []row{owner}, nil, 2,
		},
		"purged": {[]event.Event{invited, organization.Purged{OrganizationID: "org_1", OccurredAt: day1}}, nil, nil, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, _ := newModel(t)
			m.Given(stream, registered, joined)
			if len(c.given) > 0 {
				m.Given(stream, c.given...)
			}
			m.Then("members", c.members...)
			m.Then("invitations", c.invitations...)
			if c.revision < 0 {
				m.Then("streams")
			} else {
				m.Then("streams", row{"organization_id": "org_1", "revision": c.revision})
			}
		})
	}
}

// Erasing an invitation clears the address of somebody who may have no account.
func TestErasure(t *testing.T) {
	t.Parallel()
	m, _, _ := newModel(t)
	m.CheckErasure(organization.Aggregate.Schemas)
}

func TestQueries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, pool := newModel(t)
	people := readmodeltest.New(t, pool, users.Definition())
	organized := readmodeltest.New(t, pool, organizations.Definition())
	people.Given("user-user_1", user.Registered{
		UserID: "user_1", FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), Email: personal.New("ada@example.com"), OccurredAt: day0,
	})
	people.Given("user-user_2", user.Registered{
		UserID: "user_2", FirstName: personal.New("Émile"), LastName: personal.New("B_rel"), Email: personal.New("emile@example.com"), OccurredAt: day0,
	})
	organized.Given(stream, registered)
	viewer := organization.MemberJoined{OrganizationID: "org_1", UserID: "user_2", Role: "viewer", OccurredAt: day1}
	erased := organization.MemberJoined{OrganizationID: "org_1", UserID: "user_3", Role: "viewer", OccurredAt: day1.Add(time.Hour)}
	m.Given(stream, registered, joined, invited, viewer, erased,
		organization.MemberSuspended{OrganizationID: "org_1", UserID: "user_2", OccurredAt: day1})
	m.Given("organization-org_2", organization.Registered{OrganizationID: "org_2", OccurredAt: day0},
		organization.MemberJoined{OrganizationID: "org_2", UserID: "user_1", Role: "owner", OccurredAt: day0})

	for what, c := range map[string]struct {
		now  time.Time
		r    list.Request
		want []string
	}{
		"all":                         {day1, list.Request{}, []string{"user_3", "user_2", "user_1", "inv_1"}},
		"once the invitation is over": {day7, list.Request{}, []string{"user_3", "user_2", "user_1"}},
		"a moment before":             {day7.Add(-time.Millisecond), list.Request{Sort: "joinedAt"}, []string{"inv_1", "user_1", "user_2", "user_3"}},
		"by name":                     {day1, list.Request{Sort: "name"}, []string{"user_3", "user_1", "inv_1", "user_2"}},
		"by role":                     {day1, list.Request{Filters: map[string][]string{"role": {"viewer", "member"}}}, []string{"user_3", "user_2", "inv_1"}},
		"invited":                     {day1, list.Request{Filters: map[string][]string{"status": {"invited"}}}, []string{"inv_1"}},
		"suspended":                   {day1, list.Request{Filters: map[string][]string{"status": {"suspended"}}}, []string{"user_2"}},
		"search in a whole name":      {day1, list.Request{Search: "A LOVE"}, []string{"user_1"}},
		"search, other letters":       {day1, list.Request{Search: "éMILE"}, []string{"user_2"}},
		"search in an address":        {day1, list.Request{Search: "emile@"}, []string{"user_2"}},
		"search in an invited one":    {day1, list.Request{Search: "grace"}, []string{"inv_1"}},
		"search without a joker":      {day1, list.Request{Search: "b_r"}, []string{"user_2"}},
	} {
		page, err := q.List(ctx, "org_1", c.now, c.r)
		var ids []string
		for _, m := range page.Items {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" || err != nil || page.Total != len(c.want) {
			t.Errorf("%s: %v, %d in all\n%s", what, err, page.Total, diff)
		}
	}

	got, err := q.Get(ctx, "org_1", "user_1", day1)
	if diff := cmp.Diff(members.Member{
		ID: "user_1", UserID: "user_1", Role: "owner", Status: "active", FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"),
		Email: personal.New("ada@example.com"), JoinedAt: day0, Revision: 5,
	}, got); diff != "" || err != nil {
		t.Errorf("a member: %v\n%s", err, diff)
	}
	got, err = q.Get(ctx, "org_1", "inv_1", day1)
	if diff := cmp.Diff(members.Member{
		ID: "inv_1", Role: "member", Status: "invited", Email: personal.New("grace@example.com"), InvitedBy: "user_1",
		JoinedAt: day0, ExpireAt: day7, Revision: 5,
	}, got); diff != "" || err != nil {
		t.Errorf("an invitation: %v\n%s", err, diff)
	}
	for _, c := range []struct {
		name string
		now  time.Time
	}{{"user_9", day1}, {"inv_1", day7}} {
		if got, err := q.Get(ctx, "org_1", c.name, c.now); !errors.Is(err, organization.ErrMemberNotFound) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := q.Get(ctx, "org_2", "user_2", day1); !errors.Is(err, organization.ErrMemberNotFound) {
		t.Errorf("a member of another organization: %v", err)
	}

	own, err := q.OfAddress(ctx, "hash-g", day1, list.Request{})
	if diff := cmp.Diff([]members.Invitation{{
		ID: "inv_1", OrganizationID: "org_1", OrganizationName: "Acme", OrganizationSlug: "acme", Role: "member",
		InviterFirstName: personal.New("Ada"), InviterLastName: personal.New("Lovelace"), InvitedAt: day0, ExpireAt: day7,
	}}, own.Items); diff != "" || err != nil {
		t.Errorf("own invitations: %v\n%s", err, diff)
	}
	for what, c := range map[string]struct {
		hash string
		now  time.Time
	}{"another's": {"hash-x", day1}, "over": {"hash-g", day7}} {
		if own, err := q.OfAddress(ctx, c.hash, c.now, list.Request{}); err != nil || own.Total != 0 {
			t.Errorf("%s: %+v, %v", what, own, err)
		}
	}
	if o, err := q.OrganizationOf(ctx, "inv_9"); o != "" || err != nil {
		t.Errorf("of no invitation: %s, %v", o, err)
	}
	// Neither a deleted organization nor a revoked invitation is shown.
	organized.Given(stream, organization.Deleted{OrganizationID: "org_1", OccurredAt: day1})
	if own, err := q.OfAddress(ctx, "hash-g", day1, list.Request{}); err != nil || own.Total != 0 {
		t.Errorf("of a deleted organization: %+v, %v", own, err)
	}
	organized.Given(stream, organization.Restored{OrganizationID: "org_1", OccurredAt: day1})
	m.Given(stream, organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1})
	if own, err := q.OfAddress(ctx, "hash-g", day1, list.Request{}); err != nil || own.Total != 0 {
		t.Errorf("revoked: %+v, %v", own, err)
	}
	if o, err := q.OrganizationOf(ctx, "inv_1"); o != "org_1" || err != nil {
		t.Errorf("of a revoked invitation: %s, %v", o, err)
	}
}
