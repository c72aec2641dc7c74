package organizations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

const stream = "organization-org_1"

type row = projections.Row

var (
	day0 = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day9 = day0.AddDate(0, 0, 9)

	registered = organization.Registered{
		OrganizationID: "org_1", Name: "Acme", Slug: "acme", Email: personal.New("office@acme.example"),
		Website: "https://acme.example", Description: "Everything.", LogoURL: "https://acme.example/l.png",
		Country: "NL", Timezone: "Europe/Amsterdam", OccurredAt: day0,
	}
	joined = organization.MemberJoined{OrganizationID: "org_1", UserID: "user_1", Role: "owner", OccurredAt: day0}
	moved  = organization.SlugChanged{
		OrganizationID: "org_1", Slug: "acme-2", FormerSlug: "acme", FormerHeldUntil: day9, OccurredAt: day1,
	}
)

// acme is the row of registered, changed.
func acme(changes row) []row {
	r := row{
		"id": "org_1", "status": "active", "name": "Acme", "slug": "acme", "email": "office@acme.example",
		"website": "https://acme.example", "description": "Everything.", "logo_url": "https://acme.example/l.png",
		"country": "NL", "timezone": "Europe/Amsterdam", "file_retention": 0, "created_at": day0, "updated_at": day0, "revision": 1,
	}
	for name, value := range changes {
		r[name] = value
	}
	return []row{r}
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, organizations.Definition(), organization.Aggregate.Schemas)
	readmodeltest.Follows(t, organizations.Definition(), organization.Aggregate.Schemas)
	owner := row{"organization_id": "org_1", "user_id": "user_1", "role": "owner", "joined_at": day0}
	leads := func(slugs ...string) (rows []row) {
		for _, s := range slugs {
			rows = append(rows, row{"slug": s, "organization_id": "org_1"})
		}
		return rows
	}
	deleted := organization.Deleted{OrganizationID: "org_1", PurgeAt: day9, OccurredAt: day1}
	for name, c := range map[string]struct {
		given          []event.Event
		organizations  []row
		members, slugs []row
	}{
		"registered": {nil, acme(nil), []row{owner}, leads("acme")},
		"profile updated": {
			[]event.Event{organization.ProfileUpdated{OrganizationID: "org_1", Name: "Acme BV", Country: "BE", OccurredAt: day1}},
			acme(row{
				"name": "Acme BV", "email": "", "website": "", "description": "", "logo_url": "", "country": "BE", "timezone": "",
				"updated_at": day1, "revision": 2,
			}),
			[]row{owner},
			leads("acme"),
		},
		"file retention changed": {
			[]event.Event{organization.FileRetentionChanged{OrganizationID: "org_1", Days: 30, OccurredAt: day1}},
			acme(row{"file_retention": 30, "updated_at": day1, "revision": 2}),
			[]row{owner},
			leads("acme"),
		},
		"slug changed": {
			[]event.Event{moved},
			acme(row{"slug": "acme-2", "updated_at": day1, "revision": 2}),
			[]row{owner},
			leads("acme", "acme-2"),
		},
		"slug claim lapsed": {
			[]event.Event{organization.SlugClaimLapsed{OrganizationID: "org_1", Slug: "x", OccurredAt: day1}},
			acme(row{"revision": 2}),
			[]row{owner},
			leads("acme"),
		},
		"member joined": {
			[]event.Event{organization.MemberJoined{OrganizationID: "org_1", UserID: "user_2", Role: "viewer", OccurredAt: day1}},
			acme(row{"revision": 2}),
			[]row{owner, {"organization_id": "org_1", "user_id": "user_2", "role": "viewer", "joined_at": day1}},
			leads("acme"),
		},
		"member's role changed": {
			[]event.Event{organization.MemberRoleChanged{OrganizationID: "org_1", UserID: "user_1", Role: "admin", OccurredAt: day1}},
			acme(row{"revision": 2}),
			[]row{{"organization_id": "org_1", "user_id": "user_1", "role": "admin", "joined_at": day0}},
			leads("acme"),
		},
		"member removed": {
			[]event.Event{organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}},
			acme(row{"revision": 2}), nil, leads("acme"),
		},
		"deleted": {
			[]event.Event{deleted},
			acme(row{"status": "deleted", "purge_at": day9, "updated_at": day1, "revision": 2}),
			[]row{owner},
			leads("acme"),
		},
		"restored": {
			[]event.Event{deleted, organization.Restored{OrganizationID: "org_1", OccurredAt: day9}},
			acme(row{"updated_at": day9, "revision": 3}),
			[]row{owner},
			leads("acme"),
		},
		"purged": {
			[]event.Event{moved, deleted, organization.Purged{OrganizationID: "org_1", OccurredAt: day9}}, nil, nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _ := newModel(t)
			m.Given(stream, registered, joined)
			if len(c.given) > 0 {
				m.Given(stream, c.given...)
			}
			m.Then("organizations", c.organizations...)
			m.Then("members", c.members...)
			m.Then("slugs", c.slugs...)
		})
	}
}

func newModel(t *testing.T) (*readmodeltest.Model, organizations.Queries) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(t, pool, organizations.Definition()), organizations.NewQueries(pool)
}

func TestByIDAndSlug(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q := newModel(t)
	m.Given(stream, registered, joined, moved)
	want := organizations.Organization{
		ID: "org_1", Status: organization.StatusActive, Name: "Acme", Slug: "acme-2", Email: personal.New("office@acme.example"),
		Website: "https://acme.example", Description: "Everything.", LogoURL: "https://acme.example/l.png",
		Country: "NL", Timezone: "Europe/Amsterdam", CreatedAt: day0, UpdatedAt: day1, Revision: 2,
	}
	for what, find := range map[string]func() (organizations.Organization, error){
		"id":          func() (organizations.Organization, error) { return q.ByID(ctx, "org_1") },
		"slug":        func() (organizations.Organization, error) { return q.BySlug(ctx, "acme-2") },
		"former slug": func() (organizations.Organization, error) { return q.BySlug(ctx, "acme") },
	} {
		got, err := find()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("by %s: %v\n%s", what, err, diff)
		}
	}
	// Another organization takes the former slug.
	m.Given("organization-org_2", organization.Registered{OrganizationID: "org_2", Name: "Other", Slug: "acme", OccurredAt: day9})
	if o, err := q.BySlug(ctx, "acme"); err != nil || o.ID != "org_2" {
		t.Errorf("the slug leads to %s, %v", o.ID, err)
	}
	// Slugs of a deleted organization lead nowhere; the organization is there.
	m.Given(stream, organization.Deleted{OrganizationID: "org_1", PurgeAt: day9, OccurredAt: day9})
	if _, err := q.BySlug(ctx, "acme-2"); !errors.Is(err, organization.ErrNotFound) {
		t.Errorf("by the slug of a deleted organization: %v", err)
	}
	if o, err := q.ByID(ctx, "org_1"); err != nil || o.Status != organization.StatusDeleted || !o.PurgeAt.Equal(day9) {
		t.Errorf("a deleted organization: %+v, %v", o, err)
	}
	if _, err := q.ByID(ctx, "org_3"); !errors.Is(err, organization.ErrNotFound) {
		t.Errorf("by an unknown id: %v", err)
	}
}

func TestOfUser(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q := newModel(t)
	m.Given(stream, registered, joined)
	m.Given("organization-org_2",
		organization.Registered{OrganizationID: "org_2", Name: "beta_1", Slug: "beta", OccurredAt: day1},
		organization.MemberJoined{OrganizationID: "org_2", UserID: "user_2", Role: "owner", OccurredAt: day1},
		organization.MemberJoined{OrganizationID: "org_2", UserID: "user_1", Role: "viewer", OccurredAt: day1},
		organization.Deleted{OrganizationID: "org_2", PurgeAt: day9, OccurredAt: day9})
	m.Given("organization-org_3",
		organization.Registered{OrganizationID: "org_3", Name: "Strange", Slug: "strange", OccurredAt: day1},
		organization.MemberJoined{OrganizationID: "org_3", UserID: "user_2", Role: "owner", OccurredAt: day1})

	page, err := q.OfUser(ctx, organizations.MembershipScope{UserID: "user_1"}, list.Request{})
	want := list.Page[organizations.Membership]{
		Items: []organizations.Membership{
			{OrganizationID: "org_2", Name: "beta_1", Slug: "beta", Status: "deleted", Role: "viewer", JoinedAt: day1},
			{OrganizationID: "org_1", Name: "Acme", Slug: "acme", LogoURL: "https://acme.example/l.png", Status: "active", Role: "owner", JoinedAt: day0},
		},
		Page: 1, Limit: 10, Total: 2, TotalPages: 1,
	}
	if diff := cmp.Diff(want, page); diff != "" || err != nil {
		t.Errorf("all: %v\n%s", err, diff)
	}
	for what, c := range map[string]struct {
		r    list.Request
		want []string
	}{
		"by name":           {list.Request{Sort: "name"}, []string{"org_1", "org_2"}},
		"by slug backwards": {list.Request{Sort: "slug:desc"}, []string{"org_2", "org_1"}},
		"searched":          {list.Request{Search: "ACM"}, []string{"org_1"}},
		"searched for _":    {list.Request{Search: "a_"}, []string{"org_2"}},
		"by role":           {list.Request{Filters: map[string][]string{"role": {"owner"}}}, []string{"org_1"}},
		"by roles":          {list.Request{Filters: map[string][]string{"role": {"owner", "viewer"}}, Sort: "name"}, []string{"org_1", "org_2"}},
		"by status":         {list.Request{Filters: map[string][]string{"status": {"deleted"}}}, []string{"org_2"}},
		"by role and text":  {list.Request{Filters: map[string][]string{"role": {"owner"}}, Search: "beta"}, nil},
	} {
		page, err := q.OfUser(ctx, organizations.MembershipScope{UserID: "user_1"}, c.r)
		var ids []string
		for _, m := range page.Items {
			ids = append(ids, string(m.OrganizationID))
		}
		if diff := cmp.Diff(c.want, ids); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	_, err = q.OfUser(ctx, organizations.MembershipScope{UserID: "user_1"}, list.Request{Filters: map[string][]string{"role": {"king"}}})
	if f := failure.Of(err); f == nil || f.Kind != failure.Invalid || f.Details[0].Field != "role[0]" {
		t.Errorf("an unknown role: %v", err)
	}
}

// An organization after a command, which follows from the state, is the one that
// is read afterwards.
func TestTheStateGivesTheSameOrganization(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	s := organization.State{}
	for i, e := range []event.Event{
		registered, joined, moved,
		organization.ProfileUpdated{
			OrganizationID: "org_1", Name: "Acme 2", Email: personal.New("a@acme.example"), Website: "https://acme.example/2",
			Country: "DE", Timezone: "Europe/Berlin", OccurredAt: day1,
		},
		organization.FileRetentionChanged{OrganizationID: "org_1", Days: 30, OccurredAt: day1},
		organization.Deleted{OrganizationID: "org_1", PurgeAt: day9, OccurredAt: day1},
		organization.Restored{OrganizationID: "org_1", OccurredAt: day9},
	} {
		m.Given(stream, e)
		s = organization.Apply(s, e)
		want := organizations.Of(s)
		want.Revision = event.Revision(i)
		got, err := q.ByID(context.Background(), "org_1")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
	}
}

// Events of members and invitations move the revision, which If-Match is compared
// with, and change nothing else of the organization.
func TestMembersMoveTheRevision(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	m.Given(stream, registered)
	before, err := q.ByID(context.Background(), "org_1")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []event.Event{
		joined,
		organization.MemberInvited{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1},
		organization.InvitationResent{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1},
		organization.InvitationRevoked{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1},
		organization.InvitationForgotten{OrganizationID: "org_1", InvitationID: "inv_1", OccurredAt: day1},
		organization.OwnershipTransferred{OrganizationID: "org_1", OccurredAt: day1},
	} {
		m.Given(stream, e)
		before.Revision = event.Revision(i + 1)
		got, err := q.ByID(context.Background(), "org_1")
		if diff := cmp.Diff(before, got); diff != "" || err != nil {
			t.Errorf("after %T: %v\n%s", e, err, diff)
		}
	}
}

func TestOrganizationsThatKeepFilesForATime(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	for _, o := range []struct {
		name id.Organization
		days []int
	}{{"org_a", []int{30}}, {"org_b", nil}, {"org_c", []int{30, 0}}, {"org_d", []int{7}}, {"org_e", []int{1}}} {
		m.Given(organization.Aggregate.Stream(o.name), organization.Registered{OrganizationID: o.name, Name: "A", Slug: string(o.name), OccurredAt: day0})
		for _, days := range o.days {
			m.Given(organization.Aggregate.Stream(o.name), organization.FileRetentionChanged{OrganizationID: o.name, Days: days, OccurredAt: day1})
		}
	}
	m.Given(organization.Aggregate.Stream("org_e"), organization.Deleted{OrganizationID: "org_e", PurgeAt: day9, OccurredAt: day1})
	var got []organizations.Retention
	var after organizations.Retention
	for {
		page, err := q.Retaining(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got, after = append(got, page...), page[0]
	}
	want := []organizations.Retention{{ID: "org_a", Days: 30}, {ID: "org_d", Days: 7}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDueForPurge(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	for _, o := range []struct {
		name string
		at   time.Time
	}{{"org_b", day1}, {"org_a", day9}, {"org_c", day1}, {"org_d", day1.AddDate(1, 0, 0)}} {
		m.Given(organization.Aggregate.Stream(id.Organization(o.name)),
			organization.Registered{OrganizationID: id.Organization(o.name), Name: o.name, Slug: o.name, OccurredAt: day1},
			organization.Deleted{OrganizationID: id.Organization(o.name), PurgeAt: o.at, OccurredAt: day1})
	}
	m.Given(organization.Aggregate.Stream("org_e"), organization.Registered{OrganizationID: "org_e", Slug: "e", OccurredAt: day1})
	var got []string
	after := organizations.DuePurge{}
	for range 4 {
		page, err := q.DueForPurge(context.Background(), day9, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page {
			got, after = append(got, string(o.ID)), o
		}
	}
	if diff := cmp.Diff([]string{"org_b", "org_c", "org_a"}, got); diff != "" {
		t.Error(diff)
	}
}
