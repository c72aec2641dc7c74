package organization_test

import (
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

var (
	disposable = given{registered, owner, joined("user_a", access.Admin)}
	gone       = append(disposable[:3:3], deleted)
	graceEnd   = start.AddDate(0, 0, 30)

	purge = access.ByPolicy("purge", "", access.DisposeOrganization)
)

func system(roles ...access.SystemRole) access.Principal {
	return access.Principal{Kind: access.KindSystem, UserID: "user_s", OrganizationID: "org_1", SystemRoles: roles}
}

func after(events []event.Event, more ...event.Event) given {
	return append(events[:len(events):len(events)], more...)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	remove := func(by access.Principal, confirm string) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Delete(by, confirm, now) }
	}
	done := then{organization.Deleted{OrganizationID: "org_1", PurgeAt: now.AddDate(0, 0, 30), OccurredAt: now}}
	key := access.Principal{Kind: access.KindOrganizationKey, KeyID: "key_1", OrganizationID: "org_1"}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "by an owner", Given: disposable, When: remove(person("user_o"), "acme"), Then: done},
		{Name: "by a system admin", Given: disposable, When: remove(system(access.SystemAdmin), "acme"), Then: done},
		{Name: "not by an admin", Given: disposable, When: remove(person("user_a"), "acme"), Fails: access.ErrForbidden},
		{Name: "not by support", Given: disposable, When: remove(system(access.SystemSupport), "acme"), Fails: access.ErrForbidden},
		{Name: "not by finance", Given: disposable, When: remove(system(access.SystemFinance), "acme"), Fails: access.ErrForbidden},
		{Name: "not by a key", Given: disposable, When: remove(key, "acme"), Fails: access.ErrCredentialNotAllowed},
		{Name: "not by a stranger", Given: disposable, When: remove(person("user_x"), "acme"), Fails: organization.ErrNotFound},
		{
			Name: "not by a former member", Given: after(disposable, organization.MemberRemoved{UserID: "user_a"}),
			When: remove(person("user_a"), "acme"), Fails: organization.ErrNotFound,
		},
		{Name: "not twice", Given: gone, When: remove(person("user_o"), "acme"), Fails: organization.ErrNotFound},
		{Name: "not before it is registered", When: remove(system(access.SystemAdmin), ""), Fails: organization.ErrNotFound},
		{
			Name: "again, after it was restored", Given: after(gone, organization.Restored{OrganizationID: "org_1"}),
			When: remove(person("user_o"), "acme"), Then: done,
		},
		{
			Name: "confirmed by its present slug",
			Given: after(disposable, organization.SlugChanged{
				OrganizationID: "org_1", Slug: "acme-bv", FormerSlug: "acme", OccurredAt: start,
			}),
			When: remove(person("user_o"), "acme"), Fails: domaintest.Invalid, Fields: []string{"confirmSlug"},
		},
	})
	for _, wrong := range []string{"", "ACME", "acme ", " acme", "acme\x00", "аcme", "acm", "acme\u200b"} { // One has a Cyrillic a.
		_, err := domaintest.Fold(organization.Apply, disposable...).Delete(person("user_o"), wrong, now)
		if got := domaintest.Broken(err); got != "confirmSlug MISMATCHED" {
			t.Errorf("%q: %s", wrong, got)
		}
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	restore := func(by access.Principal, at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Restore(by, at) }
	}
	done := then{organization.Restored{OrganizationID: "org_1", OccurredAt: now}}
	last := graceEnd.Add(-time.Millisecond)
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "by an owner", Given: gone, When: restore(person("user_o"), now), Then: done},
		{Name: "by a system admin", Given: gone, When: restore(system(access.SystemAdmin), now), Then: done},
		{Name: "not by an admin", Given: gone, When: restore(person("user_a"), now), Fails: access.ErrForbidden},
		{Name: "not by support", Given: gone, When: restore(system(access.SystemSupport), now), Fails: access.ErrForbidden},
		{Name: "not by a stranger", Given: gone, When: restore(person("user_x"), now), Fails: organization.ErrNotFound},
		{
			Name: "until the grace is over", Given: gone, When: restore(person("user_o"), last),
			Then: then{organization.Restored{OrganizationID: "org_1", OccurredAt: last}},
		},
		{Name: "not at the end of the grace", Given: gone, When: restore(person("user_o"), graceEnd), Fails: organization.ErrGraceExpired},
		{Name: "does nothing for one in use", Given: disposable, When: restore(person("user_o"), now)},
		{
			Name: "not after the purge", Given: after(gone, organization.Purged{OrganizationID: "org_1", OccurredAt: start}),
			When: restore(system(access.SystemAdmin), now), Fails: organization.ErrNotFound,
		},
		{Name: "not before it is registered", When: restore(system(access.SystemAdmin), now), Fails: organization.ErrNotFound},
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	decide := func(by access.Principal, confirm string) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Purge(by, confirm, now) }
	}
	due := func(by access.Principal, at time.Time) decision {
		return func(s organization.State) ([]event.Event, error) { return s.PurgeWhenDue(by, at) }
	}
	purged := func(at time.Time) then {
		return then{organization.Purged{OrganizationID: "org_1", SlugHeldUntil: at.AddDate(0, 0, 90), OccurredAt: at}}
	}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "by an owner, before the grace is over", Given: gone, When: decide(person("user_o"), "acme"), Then: purged(now)},
		{Name: "by a system admin", Given: gone, When: decide(system(access.SystemAdmin), "acme"), Then: purged(now)},
		{Name: "not by an admin", Given: gone, When: decide(person("user_a"), "acme"), Fails: access.ErrForbidden},
		{Name: "not by support", Given: gone, When: decide(system(access.SystemSupport), "acme"), Fails: access.ErrForbidden},
		{Name: "not by a stranger", Given: gone, When: decide(person("user_x"), "acme"), Fails: organization.ErrNotFound},
		{Name: "only after deletion", Given: disposable, When: decide(person("user_o"), "acme"), Fails: organization.ErrNotDeleted},
		{
			Name: "not after restoration", Given: after(gone, organization.Restored{OrganizationID: "org_1"}),
			When: decide(person("user_o"), "acme"), Fails: organization.ErrNotDeleted,
		},
		{
			Name: "confirmed by its slug", Given: gone, When: decide(person("user_o"), "acme-bv"),
			Fails: domaintest.Invalid, Fields: []string{"confirmSlug"},
		},
		{
			Name: "not twice", Given: after(gone, purged(start)...), When: decide(system(access.SystemAdmin), "acme"),
			Fails: organization.ErrNotFound,
		},
		{Name: "by the clock", Given: gone, When: due(purge, graceEnd), Then: purged(graceEnd)},
		{Name: "not before the clock says so", Given: gone, When: due(purge, graceEnd.Add(-time.Millisecond))},
		{
			Name: "not by the clock after restoration", Given: after(gone, organization.Restored{OrganizationID: "org_1"}),
			When: due(purge, graceEnd),
		},
		{Name: "not by the clock a second time", Given: after(gone, purged(start)...), When: due(purge, graceEnd)},
		{Name: "not by a policy without the grant", Given: gone, When: due(access.ByPolicy("other", ""), graceEnd), Fails: access.ErrForbidden},
	})
}

// A purged organization keeps nothing but its name in the log and its slugs,
// which belong to it for a while, and who made it: referrals follow payments by that.
func TestWhatAPurgeLeaves(t *testing.T) {
	t.Parallel()
	moved := organization.SlugChanged{
		OrganizationID: "org_1", Slug: "acme-bv", FormerSlug: "acme", FormerHeldUntil: start.AddDate(0, 0, 90), OccurredAt: start,
	}
	purged := organization.Purged{OrganizationID: "org_1", SlugHeldUntil: now.AddDate(0, 0, 90), OccurredAt: now}
	s := domaintest.Fold(organization.Apply, after(disposable, moved, deleted, purged)...)
	want := organization.State{
		ID: "org_1", Status: organization.StatusPurged, CreatedBy: "user_o", CreatedAt: start, UpdatedAt: now,
		FormerSlugs: map[string]time.Time{"acme": start.AddDate(0, 0, 90), "acme-bv": now.AddDate(0, 0, 90)},
	}
	if diff := domaintest.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	for slug, until := range want.FormerSlugs {
		if !s.HoldsSlug(slug, until.Add(-time.Millisecond)) || s.HoldsSlug(slug, until) {
			t.Errorf("%s is not held until %s exactly", slug, until)
		}
	}
	if s.KeepsSlot("user_o", 0) {
		t.Error("it counts in its maker's quota")
	}
	if _, err := s.Join(organization.Acceptance{UserID: id.User("user_x")}, now); err == nil {
		t.Error("somebody joined it")
	}
}
