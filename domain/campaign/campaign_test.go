package campaign_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
)

type (
	given = []event.Event
	then  = []event.Event
	state = campaign.State
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Hour)
	where = campaign.Destinations{
		Landing: &url.URL{Scheme: "https", Host: "app.example.com", Path: "/"}, Hosts: []string{"blog.example.com"},
	}
	created = campaign.Created{CampaignID: "cmp_1", ReferrerID: "rfr_1", Name: "Spring", Code: "spring-26", OccurredAt: start}
)

func plan(change func(*campaign.New)) campaign.New {
	n := campaign.New{ID: "cmp_1", ReferrerID: "rfr_1", Name: "Spring", Code: "Spring-26"}
	if change != nil {
		change(&n)
	}
	return n
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	create := func(change func(*campaign.New)) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) { return s.Create(plan(change), where, start) }
	}
	update := func(c campaign.Change) func(state) ([]event.Event, error) {
		return func(s state) ([]event.Event, error) { return s.Update("rfr_1", c, where, now) }
	}
	text := func(s string) *string { return &s }
	moment := func(t time.Time) *time.Time { return &t }
	withEnd := created
	withEnd.StartAt, withEnd.EndAt = start.Add(time.Minute), start.Add(2*time.Hour)
	over := withEnd
	over.EndAt = now
	domaintest.Run(t, campaign.Apply, []domaintest.Case[state]{
		{Name: "creates, with the code folded", When: create(nil), Then: then{created}},
		{Name: "creates once", Given: given{created}, When: create(func(n *campaign.New) { n.Name = "Other" })},
		{Name: "starts and ends", When: create(func(n *campaign.New) { n.StartAt, n.EndAt = withEnd.StartAt, withEnd.EndAt }), Then: then{withEnd}},
		{
			Name: "refuses all that is wrong", When: create(func(n *campaign.New) {
				n.Name, n.Code, n.Destination, n.UTM.Term = "", "admin", "https://evil.example/", strings.Repeat("x", 101)
				n.StartAt, n.EndAt = start.AddDate(11, 0, 0), start
			}), Fails: domaintest.Invalid, Fields: []string{"name", "code", "destinationPath", "utm.term", "startAt", "endAt"},
		},
		{
			Name: "refuses dates reversed", When: create(func(n *campaign.New) { n.StartAt, n.EndAt = now, now.Add(-time.Minute) }),
			Fails: domaintest.Invalid, Fields: []string{"endAt"},
		},
		{Name: "updates", Given: given{created}, When: update(campaign.Change{Name: text("Summer"), Destination: text("/pricing"), EndAt: moment(now.Add(time.Hour))}), Then: then{campaign.Updated{
			CampaignID: "cmp_1", Name: "Summer", Destination: "/pricing", EndAt: now.Add(time.Hour),
			Changed: []string{"name", "destinationPath", "endAt"}, OccurredAt: now,
		}}},
		{Name: "takes the end away", Given: given{withEnd}, When: update(campaign.Change{EndAt: &time.Time{}}), Then: then{campaign.Updated{
			CampaignID: "cmp_1", Name: "Spring", Changed: []string{"endAt"}, OccurredAt: now,
		}}},
		{Name: "updates nothing", Given: given{created}, When: update(campaign.Change{Name: text(" Spring ")})},
		{Name: "updates nothing of others", Given: given{created}, When: func(s state) ([]event.Event, error) {
			return s.Update("rfr_2", campaign.Change{}, where, now)
		}, Fails: campaign.ErrNotFound},
		{Name: "is not updated after its end", Given: given{over}, When: update(campaign.Change{EndAt: &time.Time{}}), Fails: campaign.ErrEnded},
		{Name: "does not end in the past", Given: given{created}, When: update(campaign.Change{EndAt: &now}), Fails: domaintest.Invalid, Fields: []string{"endAt"}},
		{Name: "ends", Given: given{created}, When: func(s state) ([]event.Event, error) { return s.Finish("rfr_1", now) }, Then: then{campaign.Ended{CampaignID: "cmp_1", OccurredAt: now}}},
		{Name: "ends once", Given: given{created, campaign.Ended{OccurredAt: start}}, When: func(s state) ([]event.Event, error) { return s.Finish("rfr_1", now) }},
		{Name: "has ended by the clock", Given: given{over}, When: func(s state) ([]event.Event, error) { return s.Finish("rfr_1", now) }},
		{Name: "is ended by its referrer", Given: given{created}, When: func(s state) ([]event.Event, error) { return s.Finish("rfr_2", now) }, Fails: campaign.ErrNotFound},
	})
}

func TestStatusFollowsTheClock(t *testing.T) {
	t.Parallel()
	e := created
	e.StartAt, e.EndAt = now, now.Add(time.Hour)
	s := domaintest.Fold(campaign.Apply, e)
	for at, want := range map[time.Time]campaign.Status{
		now.Add(-1): campaign.StatusScheduled, now: campaign.StatusActive,
		now.Add(time.Hour - 1): campaign.StatusActive, now.Add(time.Hour): campaign.StatusEnded,
	} {
		if got := s.Status(at); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
	s = campaign.Apply(s, campaign.Ended{OccurredAt: now.Add(time.Minute)})
	if s.Status(now.Add(time.Minute-1)) != campaign.StatusActive || s.Status(now.Add(time.Minute)) != campaign.StatusEnded {
		t.Error("it does not end when it was ended")
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"Spring-26": "spring-26", " ada ": "ada", "abc": "abc", strings.Repeat("a", 48): strings.Repeat("a", 48),
		"": "", "ab": "", strings.Repeat("a", 49): "", "-abc": "", "abc-": "", "a--b": "", "a b": "", "a_b": "", "a/b": "", "a\x00b": "",
		"ADMIN": "", "perfectworks": "",
		"аda": "", "ａｄａ": "", "K\u212Aelvin": "", "adaﬁ": "", // Cyrillic, full width, Kelvin sign, ligature
	} {
		var wrong failure.Fields
		if got := campaign.CheckCode(&wrong, "code", code); got != want || (wrong.Err() == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", code, got, wrong.Err())
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		code, err := campaign.GenerateCode(bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 512, 512).Draw(t, "entropy")))
		if err == nil && (!campaign.ValidCode(code) || campaign.FoldCode(code) != code) {
			t.Fatalf("generated %q", code)
		}
	})
	if _, err := campaign.GenerateCode(bytes.NewReader(nil)); err == nil {
		t.Error("a code of no randomness")
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                                       "https://app.example.com/",
		"/pricing?plan=a":                        "https://app.example.com/pricing?plan=a",
		"https://blog.example.com/post":          "https://blog.example.com/post",
		"https://APP.example.com":                "https://APP.example.com",
		"https://evil.example/":                  "",
		"https://blog.example.com.evil.example/": "",
		"https://blog.example.com:8443/":         "",
		"https://ada:pw@blog.example.com/":       "",
		"https://blog.example.com@evil.example/": "",
		"http://blog.example.com/":               "",
		"javascript:alert(1)":                    "",
		"ftp://blog.example.com/":                "",
		"//evil.example/":                        "",
		"/\\evil.example":                        "",
		"/%5Cevil.example":                       "",
		"/a%2F%2Fevil.example":                   "",
		"/%2fevil.example":                       "",
		"/a/../b":                                "",
		"/a/%2E%2e/b":                            "",
		"/a/%252e/b":                             "",
		"/a%0d%0aSet-Cookie:x":                   "",
		"/a\r\nSet-Cookie: x":                    "",
		"/ä":                                     "",
		"pricing":                                "",
		"/a#b":                                   "",
		"/" + strings.Repeat("a", 1000):          "",
		"https:/blog.example.com":                "",
		"https:blog.example.com":                 "",
		"/%zz":                                   "",
	} {
		var wrong failure.Fields
		got := where.Check(&wrong, "destinationPath", value)
		if (wrong.Err() == nil) != (want != "") || got != "" && got != value {
			t.Errorf("%q: got %q, %v", value, got, wrong.Err())
		}
		u := where.Resolve(value)
		if want != "" && u.String() != want || want == "" && len(value) < 1000 && u.String() != where.Landing.String() {
			t.Errorf("%q resolves to %s", value, u.String())
		}
	}
}
