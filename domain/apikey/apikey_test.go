package apikey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

type (
	given    = []event.Event
	then     = []event.Event
	decision = func(apikey.State) ([]event.Event, error)
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)
)

func moment(t time.Time) *time.Time { return &t }

func issued(t *testing.T, change func(*apikey.Issued)) apikey.Issued {
	t.Helper()
	secret := mint(t, 1, true)
	e := apikey.Issued{
		KeyID: "key_1", OrganizationID: "org_1", OwnerType: apikey.OwnerUser, UserID: "user_1", IssuedBy: "user_1",
		Scopes: access.ScopesOf(access.KindUserKey), Description: "laptop",
		Live: true, SecretHash: secret.HexHash(), Start: secret.Start(), Last4: secret.Last4(), OccurredAt: start,
	}
	if change != nil {
		change(&e)
	}
	return e
}

func TestIssue(t *testing.T) {
	t.Parallel()
	issue := func(change func(*apikey.Issuance)) decision {
		i := apikey.Issuance{
			ID: "key_1", OrganizationID: "org_1", OwnerType: apikey.OwnerUser, IssuedBy: "user_1",
			Description: " laptop ", Secret: mint(t, 1, true),
		}
		if change != nil {
			change(&i)
		}
		return func(apikey.State) ([]event.Event, error) {
			e, err := apikey.Issue(i, start)
			if err != nil {
				return nil, err
			}
			return []event.Event{e}, nil
		}
	}
	domaintest.Run(t, apikey.Apply, []domaintest.Case[apikey.State]{
		{Name: "makes a key with all scopes of its kind", When: issue(nil), Then: then{issued(t, nil)}},
		{
			Name: "makes a key of the organization",
			When: issue(func(i *apikey.Issuance) { i.OwnerType = apikey.OwnerOrganization }),
			Then: then{issued(t, func(e *apikey.Issued) {
				e.OwnerType, e.UserID, e.Scopes = apikey.OwnerOrganization, "", access.ScopesOf(access.KindOrganizationKey)
			})},
		},
		{
			Name: "keeps scopes once and in order",
			When: issue(func(i *apikey.Issuance) {
				i.Scopes = []access.Scope{"files:write", "organization:read", "files:write"}
			}),
			Then: then{issued(t, func(e *apikey.Issued) {
				e.Scopes = []access.Scope{"organization:read", "files:write"}
			})},
		},
		{
			Name: "refuses scopes that the kind cannot carry",
			When: issue(func(i *apikey.Issuance) {
				i.Scopes = []access.Scope{"files:read", "payments:checkout", "keys:manage"}
			}),
			Fails: domaintest.Invalid, Fields: []string{"scopes[1]", "scopes[2]"},
		},
		{
			Name:  "refuses a key without scopes",
			When:  issue(func(i *apikey.Issuance) { i.Scopes = []access.Scope{} }),
			Fails: domaintest.Invalid, Fields: []string{"scopes"},
		},
		{
			Name:  "refuses another type of owner",
			When:  issue(func(i *apikey.Issuance) { i.OwnerType = "robot" }),
			Fails: domaintest.Invalid, Fields: []string{"ownerType"},
		},
		{
			Name: "expires from the next millisecond on",
			When: issue(func(i *apikey.Issuance) {
				i.ExpireAt = moment(start.Add(time.Millisecond + time.Nanosecond).In(time.FixedZone("CET", 3600)))
			}),
			Then: then{issued(t, func(e *apikey.Issued) { e.ExpireAt = start.Add(time.Millisecond) })},
		},
		{
			Name:  "refuses an expiry at this instant",
			When:  issue(func(i *apikey.Issuance) { i.ExpireAt = moment(start.Add(time.Microsecond)) }),
			Fails: domaintest.Invalid, Fields: []string{"expireAt"},
		},
		{
			Name:  "refuses an expiry in the past",
			When:  issue(func(i *apikey.Issuance) { i.ExpireAt = moment(start.AddDate(-1, 0, 0)) }),
			Fails: domaintest.Invalid, Fields: []string{"expireAt"},
		},
		{
			Name:  "refuses the zero time, which is not never",
			When:  issue(func(i *apikey.Issuance) { i.ExpireAt = new(time.Time) }),
			Fails: domaintest.Invalid, Fields: []string{"expireAt"},
		},
		{
			Name: "refuses an expiry that cannot be written down",
			When: issue(func(i *apikey.Issuance) {
				i.ExpireAt = moment(time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)))
			}),
			Fails: domaintest.Invalid, Fields: []string{"expireAt"},
		},
		{
			Name:  "refuses control characters in the description",
			When:  issue(func(i *apikey.Issuance) { i.Description = "a\nb" }),
			Fails: domaintest.Invalid, Fields: []string{"description"},
		},
		{
			Name:  "refuses a long description",
			When:  issue(func(i *apikey.Issuance) { i.Description = strings.Repeat("x", 256) }),
			Fails: domaintest.Invalid, Fields: []string{"description"},
		},
	})
}

func TestChangeDescription(t *testing.T) {
	t.Parallel()
	change := func(to string) decision {
		return func(s apikey.State) ([]event.Event, error) { return s.ChangeDescription(&to, now) }
	}
	domaintest.Run(t, apikey.Apply, []domaintest.Case[apikey.State]{
		{
			Name: "changes", Given: given{issued(t, nil)}, When: change(" desktop "),
			Then: then{apikey.DescriptionChanged{KeyID: "key_1", Description: "desktop", OccurredAt: now}},
		},
		{
			Name: "clears", Given: given{issued(t, nil)}, When: change(""),
			Then: then{apikey.DescriptionChanged{KeyID: "key_1", OccurredAt: now}},
		},
		{
			Name: "does nothing for nothing", Given: given{issued(t, nil)},
			When: func(s apikey.State) ([]event.Event, error) { return s.ChangeDescription(nil, now) },
		},
		{Name: "does nothing for the same", Given: given{issued(t, nil)}, When: change("laptop")},
		{
			Name: "refuses control characters", Given: given{issued(t, nil)}, When: change("\x1b[31m"),
			Fails: domaintest.Invalid, Fields: []string{"description"},
		},
		{
			Name: "refuses a revoked key", Given: given{issued(t, nil), apikey.Revoked{KeyID: "key_1", OccurredAt: now}},
			When: change("x"), Fails: apikey.ErrRevoked,
		},
		{Name: "refuses a key that does not exist", When: change("x"), Fails: apikey.ErrNotFound},
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	revoke := func(s apikey.State) ([]event.Event, error) { return s.Revoke(now) }
	revoked := apikey.Revoked{KeyID: "key_1", OccurredAt: now}
	domaintest.Run(t, apikey.Apply, []domaintest.Case[apikey.State]{
		{Name: "revokes", Given: given{issued(t, nil)}, When: revoke, Then: then{revoked}},
		{Name: "does nothing again", Given: given{issued(t, nil), revoked}, When: revoke},
		{
			Name: "revokes an expired key, too", When: revoke, Then: then{revoked},
			Given: given{issued(t, func(e *apikey.Issued) { e.ExpireAt = start.Add(1) })},
		},
		{Name: "refuses a key that does not exist", When: revoke, Fails: apikey.ErrNotFound},
		{
			Name: "refuses a key that was abandoned before it was issued", Given: given{revoked}, When: revoke,
			Fails: apikey.ErrNotFound,
		},
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	expiring := apikey.Apply(apikey.State{}, issued(t, func(e *apikey.Issued) { e.ExpireAt = now }))
	for name, c := range map[string]struct {
		s    apikey.State
		at   time.Time
		want apikey.Status
	}{
		"no key":                {apikey.State{}, now, ""},
		"never expires":         {apikey.Apply(apikey.State{}, issued(t, nil)), now.AddDate(100, 0, 0), apikey.StatusActive},
		"before its expiry":     {expiring, now.Add(-1), apikey.StatusActive},
		"at its expiry":         {expiring, now, apikey.StatusExpired},
		"revoked":               {apikey.Apply(expiring, apikey.Revoked{OccurredAt: start}), start, apikey.StatusRevoked},
		"revoked, then expired": {apikey.Apply(expiring, apikey.Revoked{OccurredAt: start}), now, apikey.StatusRevoked},
	} {
		if got := c.s.Status(c.at); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	hours := func(n int) *time.Duration { d := time.Duration(n) * time.Hour; return &d }
	rotate := func(r apikey.Rotation) decision {
		r.SuccessorID = "key_2"
		return func(s apikey.State) ([]event.Event, error) { return s.Rotate(r, now) }
	}
	rotated := func(end time.Time) apikey.Rotated {
		return apikey.Rotated{KeyID: "key_1", SuccessorID: "key_2", ExpireAt: end, OccurredAt: now}
	}
	expiring := func(at time.Time) apikey.Issued {
		return issued(t, func(e *apikey.Issued) { e.ExpireAt = at })
	}
	other := apikey.Rotated{KeyID: "key_1", SuccessorID: "key_0", ExpireAt: now.Add(time.Hour), OccurredAt: start}
	domaintest.Run(t, apikey.Apply, []domaintest.Case[apikey.State]{
		{
			Name: "leaves the old key a day", Given: given{issued(t, nil)},
			When: rotate(apikey.Rotation{}), Then: then{rotated(now.Add(24 * time.Hour))},
		},
		{
			Name: "leaves it as long as is wanted", Given: given{issued(t, nil)},
			When: rotate(apikey.Rotation{Overlap: hours(7 * 24)}), Then: then{rotated(now.AddDate(0, 0, 7))},
		},
		{
			Name: "ends it at once when that is wanted", Given: given{issued(t, nil)},
			When: rotate(apikey.Rotation{Overlap: hours(0)}), Then: then{rotated(now)},
		},
		{
			Name: "does not lengthen its life", Given: given{expiring(now.Add(time.Minute))},
			When: rotate(apikey.Rotation{ExpireAt: moment(now.AddDate(1, 0, 0))}), Then: then{rotated(now.Add(time.Minute))},
		},
		{
			Name: "refuses an overlap below zero", Given: given{issued(t, nil)},
			When: rotate(apikey.Rotation{Overlap: hours(-1)}), Fails: domaintest.Invalid, Fields: []string{"overlap"},
		},
		{
			Name: "refuses a long overlap, and a successor that has expired", Given: given{issued(t, nil)},
			When:  rotate(apikey.Rotation{Overlap: hours(7*24 + 1), ExpireAt: moment(now)}),
			Fails: domaintest.Invalid, Fields: []string{"overlap", "expireAt"},
		},
		{
			Name: "refuses an expired key", Given: given{expiring(now)},
			When: rotate(apikey.Rotation{}), Fails: apikey.ErrExpired,
		},
		{
			Name: "refuses a revoked key", Given: given{issued(t, nil), apikey.Revoked{KeyID: "key_1", OccurredAt: start}},
			When: rotate(apikey.Rotation{}), Fails: apikey.ErrRevoked,
		},
		{
			Name: "refuses a key that has a successor", Given: given{issued(t, nil), other},
			When: rotate(apikey.Rotation{}), Fails: apikey.ErrRotated,
		},
		{
			Name: "names another successor when the first was abandoned", Given: given{issued(t, nil), other},
			When: rotate(apikey.Rotation{Abandoned: "key_0"}), Then: then{rotated(now.Add(time.Hour))},
		},
		{
			Name: "refuses when another one was abandoned", Given: given{issued(t, nil), other},
			When: rotate(apikey.Rotation{Abandoned: "key_9"}), Fails: apikey.ErrRotated,
		},
		{Name: "refuses a key that does not exist", When: rotate(apikey.Rotation{}), Fails: apikey.ErrNotFound},
	})
}

func TestSucceed(t *testing.T) {
	t.Parallel()
	end := now.AddDate(1, 0, 0)
	old := domaintest.Fold(apikey.Apply,
		issued(t, func(e *apikey.Issued) { e.ExpireAt, e.Scopes = end, []access.Scope{access.ScopeReadFiles} }),
		apikey.Rotated{KeyID: "key_1", SuccessorID: "key_2", ExpireAt: now.Add(time.Hour), OccurredAt: now})
	secret := mint(t, 2, true)
	want := apikey.State{
		ID: "key_2", OrganizationID: "org_1", OwnerType: apikey.OwnerUser, UserID: "user_1", IssuedBy: "user_2",
		Scopes: []access.Scope{access.ScopeReadFiles}, Description: "laptop", Live: true,
		Start: secret.Start(), Last4: secret.Last4(), PredecessorID: "key_1",
		ExpireAt: end, IssuedExpireAt: end, CreatedAt: now, UpdatedAt: now,
	}
	check := func(name string, r apikey.Rotation) {
		r.SuccessorID = "key_2"
		got := apikey.Apply(apikey.State{}, old.Succeed(r, id.User("user_2"), secret, now))
		if diff := domaintest.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	check("keeps the expiry that the old key was issued with", apikey.Rotation{})
	want.ExpireAt, want.IssuedExpireAt = now.AddDate(2, 0, 0), now.AddDate(2, 0, 0)
	check("takes another one", apikey.Rotation{ExpireAt: moment(want.ExpireAt)})
}

func TestUnder(t *testing.T) {
	t.Parallel()
	since := start.Add(-time.Hour)
	asMember := func(e *apikey.Issued) { e.MemberSince = since }
	for name, c := range map[string]struct {
		issue  func(*apikey.Issued)
		owner  apikey.Owner
		status apikey.Status
	}{
		"a member":                     {asMember, apikey.Owner{MemberSince: since}, apikey.StatusActive},
		"no member":                    {asMember, apikey.Owner{}, apikey.StatusRevoked},
		"joined again":                 {asMember, apikey.Owner{MemberSince: start}, apikey.StatusRevoked},
		"by a clock that is behind":    {asMember, apikey.Owner{MemberSince: since.Add(-time.Second)}, apikey.StatusRevoked},
		"suspended":                    {asMember, apikey.Owner{MemberSince: since, Asleep: true}, apikey.StatusSuspended},
		"suspended, and no member":     {asMember, apikey.Owner{Asleep: true}, apikey.StatusRevoked},
		"erased":                       {asMember, apikey.Owner{MemberSince: since, Erased: true}, apikey.StatusRevoked},
		"of old, a member":             {nil, apikey.Owner{MemberSince: since}, apikey.StatusActive},
		"of old, joined at the moment": {nil, apikey.Owner{MemberSince: start}, apikey.StatusActive},
		"of old, joined again":         {nil, apikey.Owner{MemberSince: start.Add(time.Millisecond)}, apikey.StatusRevoked},
		"of old, no member":            {nil, apikey.Owner{}, apikey.StatusRevoked},
	} {
		key := domaintest.Fold(apikey.Apply, issued(t, c.issue)).Under(c.owner)
		if key.Status(now) != c.status {
			t.Errorf("%s: %s", name, key.Status(now))
		}
		_, rotated := key.Rotate(apikey.Rotation{SuccessorID: "key_2"}, now)
		want := map[apikey.Status]error{apikey.StatusRevoked: apikey.ErrRevoked, apikey.StatusSuspended: apikey.ErrSuspended}[c.status]
		if !errors.Is(rotated, want) {
			t.Errorf("%s: rotate says %v", name, rotated)
		}
		if events, err := key.Revoke(now); err != nil || len(events) != 1 {
			t.Errorf("%s: revoke gives %v, %v", name, events, err)
		}
		ofOrganization := domaintest.Fold(apikey.Apply, issued(t, func(e *apikey.Issued) { e.OwnerType, e.UserID = apikey.OwnerOrganization, "" }))
		if got := ofOrganization.Under(c.owner).Status(now); got != apikey.StatusActive {
			t.Errorf("%s: an organization's key is %s", name, got)
		}
	}
}
