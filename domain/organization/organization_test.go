package organization_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

type (
	given    = []event.Event
	then     = []event.Event
	decision = func(organization.State) ([]event.Event, error)
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)

	registered = organization.Registered{
		CreatedBy:      "user_o",
		OrganizationID: "org_1", Name: "Acme", Slug: "acme", Email: personal.New("office@acme.test"),
		Website: "https://acme.test", Description: "We make\nthings.", LogoURL: "https://acme.test/logo.svg",
		Country: "NL", Timezone: "Europe/Amsterdam", OccurredAt: start,
	}
	owner   = joined("user_o", access.Owner)
	deleted = organization.Deleted{OrganizationID: "org_1", PurgeAt: start.AddDate(0, 0, 30), OccurredAt: start}
)

// person is a principal who is somebody's token; their role is for the aggregate to
// know.
func person(user id.User) access.Principal {
	return access.Principal{Kind: access.KindUser, UserID: user, OrganizationID: "org_1"}
}

func joined(user id.User, role access.Role) organization.MemberJoined {
	return organization.MemberJoined{OrganizationID: "org_1", UserID: user, Role: role, OccurredAt: start}
}

func text(s string) *string { return &s }

func mail(s string) *personal.Text { p := personal.New(s); return &p }

func TestRegister(t *testing.T) {
	t.Parallel()
	whole := organization.ProfileChange{
		Name: text(" Acme "), Email: mail("office@acme.test "), Website: text("https://acme.test"),
		Description: text("We make\r\nthings.\n"), LogoURL: text("https://acme.test/logo.svg"),
		Country: text("nl"), Timezone: text(" Europe/Amsterdam"),
	}
	register := func(slug string, p organization.ProfileChange) decision {
		return func(s organization.State) ([]event.Event, error) {
			return s.Register(organization.Registration{ID: "org_1", Owner: "user_o", Slug: slug, Profile: p}, start)
		}
	}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "makes an organization with an owner", When: register("acme", whole), Then: then{registered, owner}},
		{
			Name: "needs no more than a name", When: register("acme", organization.ProfileChange{Name: text("Acme")}),
			Then: then{
				organization.Registered{OrganizationID: "org_1", Name: "Acme", Slug: "acme", CreatedBy: "user_o", OccurredAt: start}, owner,
			},
		},
		{
			Name: "needs a name", When: register("acme", organization.ProfileChange{}),
			Fails: domaintest.Invalid, Fields: []string{"name"},
		},
		{
			Name: "tells everything that is wrong at once",
			When: register("-", organization.ProfileChange{
				Name: text(strings.Repeat("x", 101)), Email: mail("office"), Website: text("acme.test"),
				Description: text(strings.Repeat("x", 1001)), LogoURL: text("data:image/png,"),
				Country: text("UK"), Timezone: text("Europe/Nowhere"),
			}),
			Fails:  domaintest.Invalid,
			Fields: []string{"name", "email", "website", "description", "logoUrl", "country", "timezone", "slug"},
		},
		{Name: "does nothing for one that exists", Given: given{registered, owner}, When: register("other", whole)},
		{
			Name:  "goes on after a lapsed claim",
			Given: given{organization.SlugClaimLapsed{OrganizationID: "org_1", Slug: "acme"}},
			When:  register("acme", whole), Then: then{registered, owner},
		},
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	update := func(by id.User, c organization.Change) decision {
		return func(s organization.State) ([]event.Event, error) { return s.Update(person(by), c, now) }
	}
	rename := organization.Change{Profile: organization.ProfileChange{Name: text("Acme BV")}}
	renamed := organization.ProfileUpdated{
		OrganizationID: "org_1", Name: "Acme BV", Email: personal.New("office@acme.test"),
		Website: "https://acme.test", Description: "We make\nthings.", LogoURL: "https://acme.test/logo.svg",
		Country: "NL", Timezone: "Europe/Amsterdam", Changed: []string{"name"}, OccurredAt: now,
	}
	move := organization.Change{Slug: text("acme-bv")}
	moved := organization.SlugChanged{
		OrganizationID: "org_1", Slug: "acme-bv", FormerSlug: "acme",
		FormerHeldUntil: now.AddDate(0, 0, 90), OccurredAt: now,
	}
	there := given{registered, owner, joined("user_a", access.Admin), joined("user_b", access.Billing)}
	domaintest.Run(t, organization.Apply, []domaintest.Case[organization.State]{
		{Name: "leaves absent fields as they are", Given: there, When: update("user_o", rename), Then: then{renamed}},
		{Name: "is for admins, too", Given: there, When: update("user_a", rename), Then: then{renamed}},
		{Name: "is not for other roles", Given: there, When: update("user_b", rename), Fails: access.ErrForbidden},
		{
			Name: "is not there for strangers", Given: there, When: update("user_x", rename),
			Fails: organization.ErrNotFound,
		},
		{Name: "is not there before it is registered", When: update("user_o", rename), Fails: organization.ErrNotFound},
		{
			Name: "is not there once deleted", Given: append(there, deleted), When: update("user_o", rename),
			Fails: organization.ErrNotFound,
		},
		{
			Name:  "is there again once restored",
			Given: append(there, deleted, organization.Restored{OrganizationID: "org_1"}),
			When:  update("user_o", rename), Then: then{renamed},
		},
		{
			Name:  "follows a change of role",
			Given: append(there, organization.MemberRoleChanged{UserID: "user_a", Role: access.Viewer, FormerRole: access.Admin}),
			When:  update("user_a", rename), Fails: access.ErrForbidden,
		},
		{
			Name: "is not there for a former member", Given: append(there, organization.MemberRemoved{UserID: "user_a"}),
			When: update("user_a", rename), Fails: organization.ErrNotFound,
		},
		{
			Name: "clears what may be empty", Given: there,
			When: update("user_o", organization.Change{Profile: organization.ProfileChange{
				Email: mail(""), Website: text(""), Description: text(" "), LogoURL: text(""),
				Country: text(""), Timezone: text(""),
			}}),
			Then: then{organization.ProfileUpdated{
				OrganizationID: "org_1", Name: "Acme", OccurredAt: now,
				Changed: []string{"email", "website", "description", "logoUrl", "country", "timezone"},
			}},
		},
		{
			Name: "does not clear name and slug", Given: there,
			When:  update("user_o", organization.Change{Slug: text(""), Profile: organization.ProfileChange{Name: text("")}}),
			Fails: domaintest.Invalid, Fields: []string{"name", "slug"},
		},
		{
			Name: "does nothing for values that are there", Given: there,
			When: update("user_o", organization.Change{Slug: text("acme"), Profile: organization.ProfileChange{
				Name: text("Acme "), Country: text("nl"), Description: text("We make\r\nthings."),
			}}),
		},
		{Name: "does nothing for nothing", Given: there, When: update("user_o", organization.Change{})},
		{Name: "keeps files for a time", Given: there, When: update("user_o", retain(30)), Then: then{retained}},
		{Name: "keeps files for a time: an admin too", Given: there, When: update("user_a", retain(30)), Then: then{retained}},
		{Name: "keeps files for the same time", Given: append(there, retained), When: update("user_o", retain(30))},
		{
			Name: "keeps files for ever again", Given: append(there, retained), When: update("user_o", retain(0)),
			Then: then{organization.FileRetentionChanged{OrganizationID: "org_1", FormerDays: 30, OccurredAt: now}},
		},
		{Name: "keeps files for a negative time", Given: there, When: update("user_o", retain(-1)), Fails: domaintest.Invalid, Fields: []string{"fileRetentionDays"}},
		{Name: "keeps files for too long a time", Given: there, When: update("user_o", retain(3651)), Fails: domaintest.Invalid, Fields: []string{"fileRetentionDays"}},
		{Name: "moves to another slug", Given: there, When: update("user_o", move), Then: then{moved}},
		{
			Name: "changes profile and slug at once", Given: there,
			When: update("user_o", organization.Change{Profile: rename.Profile, Slug: move.Slug}), Then: then{renamed, moved},
		},
		{
			Name: "takes a former slug back", Given: append(there, moved),
			When: update("user_o", organization.Change{Slug: text("acme")}),
			Then: then{organization.SlugChanged{
				OrganizationID: "org_1", Slug: "acme", FormerSlug: "acme-bv",
				FormerHeldUntil: now.AddDate(0, 0, 90), OccurredAt: now,
			}},
		},
		{
			Name: "keeps a slug that has become a reserved word",
			Given: given{organization.Registered{
				OrganizationID: "org_1", Name: "Acme", Slug: "admin", OccurredAt: start,
			}, owner},
			When: update("user_o", organization.Change{Slug: text("admin")}),
		},
	})
}

var retained = organization.FileRetentionChanged{OrganizationID: "org_1", Days: 30, OccurredAt: now}

func retain(days int) organization.Change { return organization.Change{FileRetention: &days} }

func TestFilesAreDeletedAfterTheirTime(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(organization.Apply, registered, owner, retained)
	clock := access.ByPolicy("retain-files", "org_1", access.WriteFilesOfOthers)
	due := start.AddDate(0, 0, 30)
	for name, c := range map[string]struct {
		s    organization.State
		by   access.Principal
		now  time.Time
		want error
	}{
		"at the instant":     {s, clock, due, nil},
		"before":             {s, clock, due.Add(-1), organization.ErrRetained},
		"never set":          {domaintest.Fold(organization.Apply, registered, owner), clock, due, organization.ErrRetained},
		"kept again":         {organization.Apply(s, organization.FileRetentionChanged{}), clock, due, organization.ErrRetained},
		"deleted":            {organization.Apply(s, deleted), clock, due, organization.ErrRetained},
		"without permission": {s, access.ByPolicy("other", "org_1", access.EraseUsers), due, access.ErrForbidden},
	} {
		if got := c.s.CheckRetention(c.by, start, c.now); !errors.Is(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHoldsSlug(t *testing.T) {
	t.Parallel()
	until := start.AddDate(0, 0, 90)
	moved := domaintest.Fold(organization.Apply, registered, owner,
		organization.SlugChanged{Slug: "acme-bv", FormerSlug: "acme", FormerHeldUntil: until})
	back := organization.Apply(moved,
		organization.SlugChanged{Slug: "acme", FormerSlug: "acme-bv", FormerHeldUntil: until})
	for name, c := range map[string]struct {
		s    organization.State
		slug string
		at   time.Time
		want bool
	}{
		"its own":                  {moved, "acme-bv", until, true},
		"a former one":             {moved, "acme", until.Add(-1), true},
		"a former one, afterwards": {moved, "acme", until, false},
		"another":                  {moved, "zenith", start, false},
		"taken back":               {back, "acme", until, true},
		"the one left for it":      {back, "acme-bv", until.Add(-1), true},
		"deleted":                  {organization.Apply(moved, deleted), "acme-bv", until, true},
		"purged":                   {organization.Apply(moved, organization.Purged{}), "acme-bv", start, false},
		"not registered":           {organization.State{}, "", start, false},
	} {
		if got := c.s.HoldsSlug(c.slug, c.at); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(organization.Apply, registered, owner, joined("user_a", access.Admin),
		joined("user_p", access.Member), organization.MemberRoleChanged{UserID: "user_p", Role: access.Owner},
		organization.MemberRemoved{UserID: "user_a"}, organization.MemberRoleChanged{UserID: "user_x", Role: access.Owner})
	want := map[id.User]organization.Membership{
		"user_o": {Role: access.Owner, JoinedAt: start}, "user_p": {Role: access.Owner, JoinedAt: start},
	}
	if !maps.Equal(maps.Collect(s.Members.All()), want) || s.Owners() != 2 {
		t.Errorf("got %v with %d owners, want %v", s.Members, s.Owners(), want)
	}
	if role, err := s.RequireMember("user_o"); err != nil || role != access.Owner {
		t.Errorf("got %q, %v", role, err)
	}
}

func TestPurgingLeavesNothing(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(organization.Apply, registered, owner, deleted, organization.Purged{OccurredAt: now})
	if s.Profile != (organization.Profile{}) || s.Slug != "" || s.Members.Len() != 0 || s.Status != organization.StatusPurged {
		t.Errorf("got %+v", s)
	}
}
