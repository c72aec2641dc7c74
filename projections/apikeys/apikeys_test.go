package apikeys_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

type row = projections.Row

var (
	day0 = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	day1 = day0.AddDate(0, 0, 1)
	day9 = day0.AddDate(0, 0, 9)

	issued = apikey.Issued{
		KeyID: "key_1", OrganizationID: "org_1", OwnerType: apikey.OwnerUser, UserID: "user_1", IssuedBy: "user_1",
		Scopes: []access.Scope{access.ScopeReadFiles, access.ScopeWriteFiles}, Description: "Nightly", Live: true,
		SecretHash: "0123", Start: "pw_live_7Qx2", Last4: "0aZ9", ExpireAt: day9, PredecessorID: "key_0", OccurredAt: day0,
	}
	ofOrganization = apikey.Issued{
		KeyID: "key_2", OrganizationID: "org_1", OwnerType: apikey.OwnerOrganization, IssuedBy: "user_1",
		Start: "pw_test_aaaa", Last4: "bbbb", Scopes: []access.Scope{}, OccurredAt: day1,
	}
)

func key(changes row) row {
	r := row{
		"id": "key_1", "organization_id": "org_1", "owner_type": "user", "user_id": "user_1", "issued_by": "user_1",
		"description": "Nightly", "scopes": []string{"files:read", "files:write"}, "live": true,
		"start": "pw_live_7Qx2", "last4": "0aZ9", "expire_at": day9, "predecessor_id": "key_0",
		"created_at": day0, "updated_at": day0,
		"description_folded": "nightly", "characters_folded": "pw_live_7qx2 0az9",
	}
	for name, value := range changes {
		r[name] = value
	}
	return r
}

var organizationsKey = row{
	"id": "key_2", "organization_id": "org_1", "owner_type": "organization", "issued_by": "user_1", "scopes": []string{},
	"start": "pw_test_aaaa", "last4": "bbbb", "created_at": day1, "updated_at": day1,
	"characters_folded": "pw_test_aaaa bbbb",
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, apikeys.Definition(), apikey.Aggregate.Schemas, user.Aggregate.Schemas, organization.Aggregate.Schemas)
	readmodeltest.Follows(t, apikeys.Definition(), apikey.Aggregate.Schemas)
	const own, usersStream, organizationsStream = "apiKey-key_1", "user-user_1", "organization-org_1"
	ended := []row{key(row{"revoked_at": day1, "updated_at": day1}), organizationsKey}
	untouched := []row{key(nil), organizationsKey}
	for name, c := range map[string]struct {
		stream string
		given  []event.Event
		want   []row
	}{
		"issued": {own, nil, untouched},
		"description changed": {
			own,
			[]event.Event{apikey.DescriptionChanged{KeyID: "key_1", OccurredAt: day1}},
			[]row{key(row{"description": "", "description_folded": "", "updated_at": day1, "revision": 1}), organizationsKey},
		},
		"rotated": {
			own,
			[]event.Event{apikey.Rotated{KeyID: "key_1", SuccessorID: "key_3", ExpireAt: day1, OccurredAt: day1}},
			[]row{key(row{"successor_id": "key_3", "expire_at": day1, "updated_at": day1, "revision": 1}), organizationsKey},
		},
		"revoked": {
			own,
			[]event.Event{apikey.Revoked{KeyID: "key_1", OccurredAt: day1}},
			[]row{key(row{"revoked_at": day1, "updated_at": day1, "revision": 1}), organizationsKey},
		},
		"member removed": {
			organizationsStream,
			[]event.Event{organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}},
			ended,
		},
		"member removed elsewhere": {
			"organization-org_2",
			[]event.Event{organization.MemberRemoved{OrganizationID: "org_2", UserID: "user_1", OccurredAt: day1}},
			untouched,
		},
		"another member removed": {
			organizationsStream,
			[]event.Event{organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_2", OccurredAt: day1}},
			untouched,
		},
		"member suspended": {
			organizationsStream,
			[]event.Event{organization.MemberSuspended{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1}},
			[]row{key(row{"suspended": true}), organizationsKey},
		},
		"member suspended and reinstated": {
			organizationsStream,
			[]event.Event{
				organization.MemberSuspended{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day1},
				organization.MemberReinstated{OrganizationID: "org_1", UserID: "user_1", OccurredAt: day9},
			},
			untouched,
		},
		"another member suspended": {
			organizationsStream,
			[]event.Event{organization.MemberSuspended{OrganizationID: "org_1", UserID: "user_2", OccurredAt: day1}},
			untouched,
		},
		"user erased": {
			usersStream, []event.Event{user.Erased{UserID: "user_1", OccurredAt: day1}}, []row{organizationsKey},
		},
		"organization purged": {
			organizationsStream, []event.Event{organization.Purged{OrganizationID: "org_1", OccurredAt: day1}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, _ := newModel(t)
			m.Given("apiKey-key_1", issued)
			m.Given("apiKey-key_2", ofOrganization)
			if len(c.given) > 0 {
				m.Given(c.stream, c.given...)
			}
			m.Then("keys", c.want...)
		})
	}
}

func newModel(tb testing.TB) (*readmodeltest.Model, apikeys.Queries, *pgxpool.Pool) {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(tb, pool, apikeys.Definition()), apikeys.NewQueries(pool), pool
}

func TestGet(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, pool := newModel(t)
	m.Given("apiKey-key_1", issued)
	used := day1.Truncate(time.Minute)
	if _, err := pool.Exec(ctx, "INSERT INTO api_key_usage VALUES ('key_1', $1)", used); err != nil {
		t.Fatal(err)
	}
	want := apikeys.Key{
		ID: "key_1", OrganizationID: "org_1", OwnerType: apikey.OwnerUser, UserID: "user_1", IssuedBy: "user_1",
		Description: "Nightly", Scopes: []access.Scope{access.ScopeReadFiles, access.ScopeWriteFiles}, Live: true,
		Start: "pw_live_7Qx2", Last4: "0aZ9", Status: apikey.StatusActive, ExpireAt: day9, LastUsedAt: used,
		PredecessorID: "key_0", CreatedAt: day0, UpdatedAt: day0,
	}
	for _, scope := range []apikeys.Scope{{OrganizationID: "org_1"}, {OrganizationID: "org_1", UserID: "user_1"}} {
		got, err := q.Get(ctx, scope, "key_1", day1)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v\n%s", scope, err, diff)
		}
	}
	for _, scope := range []apikeys.Scope{{OrganizationID: "org_2"}, {OrganizationID: "org_1", UserID: "user_2"}, {}} {
		if _, err := q.Get(ctx, scope, "key_1", day1); !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("%+v: %v", scope, err)
		}
	}
	// At the very instant of its expiry it is expired.
	for at, want := range map[time.Time]apikey.Status{
		day9.Add(-time.Millisecond): apikey.StatusActive, day9: apikey.StatusExpired,
	} {
		if got, err := q.Get(ctx, apikeys.Scope{OrganizationID: "org_1"}, "key_1", at); err != nil || got.Status != want {
			t.Errorf("at %v: %s, %v", at, got.Status, err)
		}
	}
	m.Given("apiKey-key_1", apikey.Revoked{KeyID: "key_1", OccurredAt: day1})
	got, err := q.Get(ctx, apikeys.Scope{OrganizationID: "org_1"}, "key_1", day9)
	if err != nil || got.Status != apikey.StatusRevoked || !got.RevokedAt.Equal(day1) || got.Revision != 1 {
		t.Errorf("revoked: %+v, %v", got, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m, q, pool := newModel(t)
	for i := range 6 {
		e := issued
		e.KeyID = id.APIKey(fmt.Sprint("key_1", i))
		e.Description, e.OccurredAt = fmt.Sprintf("Key %d%%", 5-i), day0.Add(time.Duration(i/2)*time.Hour)
		if i%2 == 1 {
			e.UserID = "user_2"
		}
		if i == 2 {
			e.ExpireAt = time.Time{}
		}
		m.Given("apiKey-"+string(e.KeyID), e)
	}
	m.Given("apiKey-key_2", ofOrganization)
	m.Given("apiKey-key_14", apikey.Revoked{KeyID: "key_14", OccurredAt: day1})
	if _, err := pool.Exec(ctx, "INSERT INTO api_key_usage VALUES ('key_11', $1)", day1); err != nil {
		t.Fatal(err)
	}
	all, own := apikeys.Scope{OrganizationID: "org_1"}, apikeys.Scope{OrganizationID: "org_1", UserID: "user_1"}
	for what, c := range map[string]struct {
		scope apikeys.Scope
		r     list.Request
		want  []string
	}{
		"all, newest first":  {all, list.Request{}, []string{"key_2", "key_15", "key_14", "key_13", "key_12", "key_11", "key_10"}},
		"own":                {own, list.Request{}, []string{"key_14", "key_12", "key_10"}},
		"elsewhere":          {apikeys.Scope{OrganizationID: "org_2"}, list.Request{}, nil},
		"by description":     {own, list.Request{Sort: "description"}, []string{"key_14", "key_12", "key_10"}},
		"by expiry":          {own, list.Request{Sort: "expireAt:asc"}, []string{"key_10", "key_14", "key_12"}},
		"by use":             {all, list.Request{Sort: "lastUsedAt:desc", Limit: 1}, []string{"key_11"}},
		"by update":          {all, list.Request{Sort: "updatedAt:desc", Limit: 2}, []string{"key_2", "key_14"}},
		"active":             {own, list.Request{Filters: map[string][]string{"status": {"active"}}}, []string{"key_12", "key_10"}},
		"revoked":            {all, list.Request{Filters: map[string][]string{"status": {"revoked"}}}, []string{"key_14"}},
		"of organizations":   {all, list.Request{Filters: map[string][]string{"ownerType": {"organization"}}}, []string{"key_2"}},
		"of a user":          {all, list.Request{Filters: map[string][]string{"userId": {"user_2"}}}, []string{"key_15", "key_13", "key_11"}},
		"own, of another":    {own, list.Request{Filters: map[string][]string{"userId": {"user_2"}}}, nil},
		"searched":           {all, list.Request{Search: "key 3%"}, []string{"key_12"}},
		"searched by ending": {all, list.Request{Search: "BBB"}, []string{"key_2"}},
	} {
		page, err := q.List(ctx, c.scope, day1, c.r)
		var ids []string
		for _, k := range page.Items {
			ids = append(ids, string(k.ID))
		}
		if diff := cmp.Diff(c.want, ids); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	page, err := q.List(ctx, own, day9, list.Request{Filters: map[string][]string{"status": {"expired"}}})
	if err != nil || page.Total != 1 || page.Items[0].ID != "key_10" || page.Items[0].Status != apikey.StatusExpired {
		t.Errorf("expired later: %+v, %v", page, err)
	}
}

// A key after a command, which follows from the state, is the one that is read
// afterwards.
func TestTheStateGivesTheSameKey(t *testing.T) {
	t.Parallel()
	m, q, _ := newModel(t)
	s := apikey.State{}
	for i, e := range []event.Event{
		issued,
		apikey.DescriptionChanged{KeyID: "key_1", Description: "Daily", OccurredAt: day1},
		apikey.Rotated{KeyID: "key_1", SuccessorID: "key_2", ExpireAt: day1, OccurredAt: day1},
		apikey.Revoked{KeyID: "key_1", OccurredAt: day9},
	} {
		m.Given("apiKey-key_1", e)
		s = apikey.Apply(s, e)
		want := apikeys.Of(s, day9)
		want.Revision = event.Revision(i)
		got, err := q.Get(context.Background(), apikeys.Scope{OrganizationID: "org_1"}, "key_1", day9)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("after %T (-state +row): %v\n%s", e, err, diff)
		}
	}
}
