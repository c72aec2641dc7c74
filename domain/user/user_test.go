package user_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

type (
	given = []event.Event
	then  = []event.Event
)

var (
	then0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = then0.Add(time.Hour)

	ada = access.Identity{
		SubjectHash: "s1", EmailHash: "e1", Email: personal.New("ada@example.org"), EmailVerified: true,
	}
	registered = user.Registered{
		UserID: "user_1", SubjectHash: "s1", EmailHash: "e1",
		Email: personal.New("ada@example.org"), EmailVerified: true,
		FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), Locale: "en-GB",
		OccurredAt: then0,
	}
	deactivated = user.Deactivated{UserID: "user_1", PurgeAt: then0.AddDate(0, 0, 30), OccurredAt: then0}
	erased      = user.Erased{UserID: "user_1", OccurredAt: then0}
)

func TestRegister(t *testing.T) {
	t.Parallel()
	register := func(change func(*user.Registration)) func(user.State) ([]event.Event, error) {
		r := user.Registration{
			ID: "user_1", Identity: ada,
			FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), Locale: "en-GB",
		}
		change(&r)
		return func(s user.State) ([]event.Event, error) { return s.Register(r, then0) }
	}
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{
			Name: "signs up",
			When: register(func(*user.Registration) {}),
			Then: then{registered},
		},
		{
			Name: "keeps values in their normal form, and the referral code",
			When: register(func(r *user.Registration) {
				r.FirstName, r.LastName = personal.New(" Ａda "), personal.New("Lovelace\u00a0")
				r.Locale, r.ReferralCode = "EN-gb", " SPRING "
			}),
			Then: then{func() event.Event { e := registered; e.ReferralCode = "SPRING"; return e }()},
		},
		{
			Name: "names may be a single letter, the locale absent",
			When: register(func(r *user.Registration) { r.FirstName, r.Locale = personal.New("Ж"), "" }),
			Then: then{func() event.Event {
				e := registered
				e.FirstName, e.Locale = personal.New("Ж"), ""
				return e
			}()},
		},
		{
			Name: "tells everything that is wrong at once",
			When: register(func(r *user.Registration) {
				r.FirstName = personal.New(" ")
				r.LastName = personal.New(strings.Repeat("x", 101))
				r.Locale, r.ReferralCode = "not a locale", "a\nb"
			}),
			Fails: domaintest.Invalid, Fields: []string{"firstName", "lastName", "locale", "referralCode"},
		},
		{
			Name:  "needs an address",
			When:  register(func(r *user.Registration) { r.Identity = access.Identity{SubjectHash: "s1"} }),
			Fails: user.ErrEmailMissing,
		},
		{
			Name:  "does nothing for somebody who has an account",
			Given: given{registered},
			When:  register(func(r *user.Registration) { r.FirstName = personal.New("Eve") }),
		},
		{
			Name:  "does not bring back a deactivated account",
			Given: given{registered, deactivated},
			When:  register(func(*user.Registration) {}), Fails: user.ErrDeactivated,
		},
		{
			Name:  "does not bring back an erased person",
			Given: given{registered, deactivated, erased},
			When:  register(func(*user.Registration) {}), Fails: user.ErrNotFound,
		},
		{
			Name:  "goes on after a lapsed claim",
			Given: given{user.EmailClaimLapsed{UserID: "user_1", EmailHash: "e1"}},
			When:  register(func(*user.Registration) {}), Then: then{registered},
		},
	})
}

func TestFollowEmail(t *testing.T) {
	t.Parallel()
	follow := func(hash string, verified bool, issued time.Time) func(user.State) ([]event.Event, error) {
		i := access.Identity{EmailHash: hash, Email: personal.New(hash + "@example.org"), EmailVerified: verified, IssuedAt: issued}
		if hash == "" {
			i.Email = personal.Text{}
		}
		return func(s user.State) ([]event.Event, error) { return s.FollowEmail(i, now) }
	}
	later := then0.Add(time.Second)
	changed := func(hash, former string) event.Event {
		return user.EmailChanged{
			UserID: "user_1", EmailHash: hash, Email: personal.New(hash + "@example.org"),
			EmailIssuedAt: later, FormerEmailHash: former, OccurredAt: now,
		}
	}
	unverified := registered
	unverified.EmailVerified = false
	early := registered
	early.EmailIssuedAt = then0.Add(-time.Hour)
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{Name: "another verified address", Given: given{registered}, When: follow("e2", true, later), Then: then{changed("e2", "e1")}},
		{Name: "the same address, now verified", Given: given{unverified}, When: follow("e1", true, later), Then: then{changed("e1", "")}},
		{Name: "another address after an unverified one", Given: given{unverified}, When: follow("e2", true, later), Then: then{changed("e2", "")}},
		{Name: "the same address", Given: given{registered}, When: follow("e1", true, later)},
		{Name: "an unverified address", Given: given{registered}, When: follow("e2", false, later)},
		{Name: "no address", Given: given{registered}, When: follow("", true, later)},
		{Name: "a token as old as the account", Given: given{registered}, When: follow("e2", true, then0)},
		{Name: "an older token", Given: given{registered}, When: follow("e2", true, then0.Add(-time.Second))},
		{Name: "a token without a time", Given: given{registered}, When: follow("e2", true, time.Time{})},
		{
			Name:  "later than the token that registered, earlier than the account",
			Given: given{early},
			When: func(s user.State) ([]event.Event, error) {
				return s.FollowEmail(access.Identity{EmailHash: "e2", EmailVerified: true, IssuedAt: then0.Add(-time.Minute)}, now)
			},
			Then: then{user.EmailChanged{
				UserID: "user_1", EmailHash: "e2", EmailIssuedAt: then0.Add(-time.Minute), FormerEmailHash: "e1", OccurredAt: now,
			}},
		},
		{Name: "a token older than the one that changed the address", Given: given{registered, changed("e2", "e1")}, When: follow("e1", true, later)},
		{Name: "deactivated", Given: given{registered, deactivated}, When: follow("e2", true, later), Fails: user.ErrDeactivated},
		{Name: "erased", Given: given{registered, erased}, When: follow("e2", true, later), Fails: user.ErrNotFound},
		{Name: "nobody", When: follow("e2", true, later), Fails: user.ErrNotFound},
	})
}

func TestOnlyVerifiedAddressesAreHeld(t *testing.T) {
	t.Parallel()
	unverified := registered
	unverified.EmailVerified = false
	for name, c := range map[string]struct {
		given []event.Event
		holds map[string]bool
	}{
		"verified":    {given{registered}, map[string]bool{"e1": true, "e2": false}},
		"unverified":  {given{unverified}, map[string]bool{"e1": false}},
		"changed":     {given{registered, user.EmailChanged{UserID: "user_1", EmailHash: "e2"}}, map[string]bool{"e1": false, "e2": true}},
		"deactivated": {given{registered, deactivated}, map[string]bool{"e1": true}},
		"erased":      {given{registered, erased}, map[string]bool{"e1": false}},
	} {
		var s user.State
		for _, e := range c.given {
			s = user.Apply(s, e)
		}
		for hash, want := range c.holds {
			if s.HoldsEmail(hash) != want {
				t.Errorf("%s: holds %s: %t", name, hash, !want)
			}
		}
	}
}

func TestLocale(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "de": "de", "zh-hant-tw": "zh-Hant-TW", "pt_BR": "pt-BR", "iw": "he", "sr-Latn": "sr-Latn",
		"und": "!", "xx-zz": "!", "e": "!", "en-": "!", "english": "!", "en-GB-oed\x00": "!",
		strings.Repeat("en-", 20): "!", "en;q=1": "!", "*": "!",
	} {
		events, err := user.State{}.Register(user.Registration{
			Identity: ada, FirstName: personal.New("A"), LastName: personal.New("B"), Locale: in,
		}, now)
		got := "!"
		if err == nil {
			got = events[0].(user.Registered).Locale
		}
		if got != want {
			t.Errorf("locale %q is kept as %q, want %q: %v", in, got, want, err)
		}
	}
}

func TestUpdateProfile(t *testing.T) {
	t.Parallel()
	update := func(c user.ProfileChange) func(user.State) ([]event.Event, error) {
		return func(s user.State) ([]event.Event, error) { return s.UpdateProfile(c, now) }
	}
	text := func(s string) *personal.Text { p := personal.New(s); return &p }
	updated := user.ProfileUpdated{
		UserID: "user_1", FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"), Locale: "en-GB",
		AvatarURL: personal.New("https://example.org/a.png"), Changed: []string{"avatarUrl"}, OccurredAt: now,
	}
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{
			Name: "leaves absent fields as they are", Given: given{registered},
			When: update(user.ProfileChange{AvatarURL: text("https://example.org/a.png")}),
			Then: then{updated},
		},
		{
			Name: "clears what may be empty", Given: given{registered, updated},
			When: update(user.ProfileChange{AvatarURL: text(""), Locale: new(string)}),
			Then: then{user.ProfileUpdated{
				UserID: "user_1", FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"),
				Changed: []string{"locale", "avatarUrl"}, OccurredAt: now,
			}},
		},
		{
			Name: "changes the names", Given: given{registered},
			When: update(user.ProfileChange{FirstName: text(" Augusta "), LastName: text("King")}),
			Then: then{user.ProfileUpdated{
				UserID: "user_1", FirstName: personal.New("Augusta"), LastName: personal.New("King"), Locale: "en-GB",
				Changed: []string{"firstName", "lastName"}, OccurredAt: now,
			}},
		},
		{
			Name: "does nothing for values that are there", Given: given{registered},
			When: update(user.ProfileChange{FirstName: text("Ada "), AvatarURL: text("")}),
		},
		{
			Name: "does nothing for nothing", Given: given{registered}, When: update(user.ProfileChange{}),
		},
		{
			Name: "refuses empty names and addresses of scripts", Given: given{registered},
			When:  update(user.ProfileChange{FirstName: text(""), LastName: text("\t"), AvatarURL: text("javascript:x")}),
			Fails: domaintest.Invalid, Fields: []string{"firstName", "lastName", "avatarUrl"},
		},
		{
			Name: "refuses a stranger", When: update(user.ProfileChange{}), Fails: user.ErrNotFound,
		},
		{
			Name: "refuses a deactivated account", Given: given{registered, deactivated},
			When: update(user.ProfileChange{}), Fails: user.ErrDeactivated,
		},
		{
			Name: "serves a restored account", Given: given{registered, deactivated, user.Restored{UserID: "user_1"}},
			When: update(user.ProfileChange{AvatarURL: text("https://example.org/a.png")}), Then: then{updated},
		},
		{
			Name: "refuses an erased person", Given: given{registered, deactivated, erased},
			When: update(user.ProfileChange{}), Fails: user.ErrNotFound,
		},
	})
}

func TestSwitchActiveOrganization(t *testing.T) {
	t.Parallel()
	switchTo := func(s user.State) ([]event.Event, error) { return s.SwitchActiveOrganization("org_1", then0, now) }
	again := func(s user.State) ([]event.Event, error) {
		return s.SwitchActiveOrganization("org_1", now.Add(time.Minute), now.Add(time.Hour))
	}
	later := user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: now.Add(time.Hour)}
	switched := user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: now}
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{Name: "switches", Given: given{registered}, When: switchTo, Then: then{switched}},
		{Name: "does nothing where one is already", Given: given{registered, switched}, When: switchTo},
		{Name: "switches under a new membership", Given: given{registered, switched}, When: again, Then: then{later}},
		{
			Name:  "switches after having been cleared",
			Given: given{registered, switched, user.ActiveOrganizationSwitched{UserID: "user_1"}},
			When:  switchTo, Then: then{switched},
		},
		{Name: "refuses a stranger", When: switchTo, Fails: user.ErrNotFound},
		{Name: "refuses a deactivated account", Given: given{registered, deactivated}, When: switchTo, Fails: user.ErrDeactivated},
	})
}

func TestLeaveActiveOrganization(t *testing.T) {
	t.Parallel()
	leave := func(of id.Organization, ended time.Time) func(user.State) ([]event.Event, error) {
		return func(s user.State) ([]event.Event, error) { return s.LeaveActiveOrganization(of, ended, now) }
	}
	switched := user.ActiveOrganizationSwitched{UserID: "user_1", OrganizationID: "org_1", OccurredAt: now}
	cleared := user.ActiveOrganizationSwitched{UserID: "user_1", OccurredAt: now}
	domaintest.Run(t, user.Apply, []domaintest.Case[user.State]{
		{Name: "leaves", Given: given{registered, switched}, When: leave("org_1", now), Then: then{cleared}},
		{Name: "leaves while deactivated", Given: given{registered, switched, deactivated}, When: leave("org_1", now), Then: then{cleared}},
		{Name: "stays elsewhere", Given: given{registered, switched}, When: leave("org_2", now)},
		{Name: "stays where it was chosen again", Given: given{registered, switched}, When: leave("org_1", now.Add(-time.Second))},
		{Name: "has left", Given: given{registered, switched, cleared}, When: leave("org_1", now)},
		{Name: "is gone", Given: given{registered, switched, erased}, When: leave("org_1", now)},
	})
}

func TestErasureLeavesNothingPersonal(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(user.Apply, registered, deactivated, erased)
	want := user.State{
		ID: "user_1", Status: user.StatusErased, SubjectHash: "s1", EmailHash: "e1", EmailVerified: true,
		CreatedAt: then0, UpdatedAt: then0,
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if s.HoldsEmail("e1") {
		t.Error("an erased person still holds the address")
	}
}

func TestHoldsEmail(t *testing.T) {
	t.Parallel()
	if s := domaintest.Fold(user.Apply, registered, deactivated); !s.HoldsEmail("e1") || s.HoldsEmail("e2") {
		t.Error("an account holds its own address, also while deactivated, and no other")
	}
	if s := (user.State{}); s.HoldsEmail("e1") {
		t.Error("somebody who has not registered holds an address")
	}
}
