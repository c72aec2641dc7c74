package referral_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
)

var (
	person     = id.FromUUID[id.User]([16]byte{1})
	other      = id.FromUUID[id.User]([16]byte{2})
	clicked    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	registered = clicked.AddDate(0, 0, 29)
	now        = registered.Add(time.Second)
	rule       = referral.Rule{Version: 1, WindowDays: 30, RateBasisPoints: 2000, Months: 12, HoldDays: 30, Currency: "eur"}
)

func evidence(change func(*referral.Evidence)) referral.Evidence {
	e := referral.Evidence{
		UserID: person, RegisteredAt: registered, ReferrerID: id.ReferrerOf(other), CampaignID: "cmp_1",
		ClickID: "w-1-2", ClickedAt: clicked, Rule: rule,
	}
	if change != nil {
		change(&e)
	}
	return e
}

func TestDecide(t *testing.T) {
	t.Parallel()
	attributed := referral.Attributed{
		ReferralID: id.ReferralOf(person), UserID: person, ReferrerID: id.ReferrerOf(other), CampaignID: "cmp_1",
		ClickID: "w-1-2", ClickedAt: clicked, RegisteredAt: registered, Rule: rule, OccurredAt: now,
	}
	decide := func(e referral.Evidence) func(referral.State) ([]event.Event, error) {
		return func(s referral.State) ([]event.Event, error) { return s.Decide(e, now), nil }
	}
	byCode := attributed
	byCode.ClickID, byCode.ClickedAt = "", time.Time{}
	cases := []domaintest.Case[referral.State]{
		{Name: "attributes", When: decide(evidence(nil)), Then: []event.Event{attributed}},
		{Name: "decides once", Given: []event.Event{attributed}, When: decide(evidence(func(e *referral.Evidence) { e.ReferrerID = "" }))},
		{Name: "decides a denial once", Given: []event.Event{referral.Denied{Reason: referral.ReasonLoop}}, When: decide(evidence(nil))},
		{Name: "attributes by a code", When: decide(evidence(func(e *referral.Evidence) {
			e.ClickID, e.ClickedAt = "", time.Time{}
		})), Then: []event.Event{byCode}},
		{Name: "a click before the end counts", When: decide(evidence(func(e *referral.Evidence) {
			e.CampaignStart, e.CampaignEnd = clicked, clicked.Add(time.Millisecond)
		})), Then: []event.Event{attributed}},
	}
	for reason, change := range map[referral.Reason]func(*referral.Evidence){
		referral.ReasonCodeUnknown:       func(e *referral.Evidence) { e.ReferrerID = "" },
		referral.ReasonClickExpired:      func(e *referral.Evidence) { e.RegisteredAt = clicked.AddDate(0, 0, 30) },
		referral.ReasonNotStarted:        func(e *referral.Evidence) { e.CampaignStart = clicked.Add(1) },
		referral.ReasonCampaignEnded:     func(e *referral.Evidence) { e.CampaignEnd = clicked },
		referral.ReasonReferrerInactive:  func(e *referral.Evidence) { e.Inactive = true },
		referral.ReasonSelfReferral:      func(e *referral.Evidence) { e.ReferrerID = id.ReferrerOf(person) },
		referral.ReasonSameAddress:       func(e *referral.Evidence) { e.SameAddress = true },
		referral.ReasonSameOrganization:  func(e *referral.Evidence) { e.SameOrganization = true },
		referral.ReasonAlreadyRegistered: func(e *referral.Evidence) { e.AlreadyRegistered = true },
		referral.ReasonLoop:              func(e *referral.Evidence) { e.Loop = true },
	} {
		e := evidence(change)
		cases = append(cases, domaintest.Case[referral.State]{Name: string(reason), When: decide(e), Then: []event.Event{referral.Denied{
			ReferralID: id.ReferralOf(person), UserID: person, ReferrerID: e.ReferrerID, CampaignID: "cmp_1", ClickID: "w-1-2",
			ClickedAt: clicked, RegisteredAt: e.RegisteredAt, Reason: reason, OccurredAt: now,
		}}})
	}
	domaintest.Run(t, referral.Apply, cases)
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"ada@gmail.com", "A.d.a+ref@googlemail.com"},
		{"ada@outlook.com", "ADA+1@outlook.com"},
		{"ada@icloud.com", "ada+x@me.com"},
		{"ada@example.org", "Ada@EXAMPLE.org"},
	} {
		if referral.Mailbox(same[0]) != referral.Mailbox(same[1]) {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
	for _, differ := range [][2]string{
		{"ada@example.org", "a.da@example.org"},
		{"ada@example.org", "ada+1@example.org"},
		{"a.da@outlook.com", "ada@outlook.com"},
		{"ada@outlook.com", "ada@hotmail.com"},
	} {
		if referral.Mailbox(differ[0]) == referral.Mailbox(differ[1]) {
			t.Errorf("%s and %s are the same", differ[0], differ[1])
		}
	}
}

const programme = `{"termsVersion":"2026-01","minimumPayout":5000,"secondApprovalAbove":100000,"rules":[
	{"version":1,"windowDays":30,"rateBasisPoints":2000,"months":12,"holdDays":30,"currency":"eur"},
	{"version":2,"windowDays":60,"rateBasisPoints":1500,"months":6,"holdDays":45,"currency":"eur"}]}`

func TestProgramme(t *testing.T) {
	t.Parallel()
	p, err := referral.ReadProgramme([]byte(programme))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := p.Rule(1)
	if first != rule || p.Current().Version != 2 || p.MinimumPayout != 5000 {
		t.Errorf("got %+v", p)
	}
	for _, version := range []int{-1, 0, 3} {
		if _, known := p.Rule(version); known {
			t.Errorf("there is a rule %d", version)
		}
	}
	changed := func(old, with string) string { return strings.Replace(programme, old, with, 1) }
	for text, want := range map[string]string{
		"": "cannot be read", "{}": "no rules", programme + "{}": "something follows",
		changed(`"months"`, `"years"`):            "unknown field",
		changed("2026-01", "a b"):                 "termsVersion",
		changed("5000", "0"):                      "minimumPayout",
		changed("100000", "-1"):                   "secondApprovalAbove",
		changed(`"version":2`, `"version":3`):     "without gaps",
		changed("2000", "10001"):                  "rateBasisPoints",
		changed("30,", "0,"):                      "windowDays",
		changed(`"months":12`, `"months":0`):      "months",
		changed(`"holdDays":30`, `"holdDays":-1`): "holdDays",
		changed("eur", "EUR"):                     "three lower case letters",
		changed("eur", "usd"):                     "one currency",
	} {
		if _, err := referral.ReadProgramme([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestCommission(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subtotal, total, returned, want int64 }{
		{9800, 11662, 0, 1960},
		{9999, 9999, 0, 1999},
		{9800, 11662, 11662, 0},
		{9800, 9800, 4900, 980},
		{4, 4, 0, 0},
		{5, 5, 0, 1},
		{5, 5, 1, 0},
		{1 << 62, 1 << 62, 0, (1 << 62) / 5},
		{9800, 9800, 99999, 0},
		{-5, 5, 0, 0},
		{5, 0, 0, 0},
	} {
		if got := rule.Commission(c.subtotal, c.total, c.returned); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
	}
	// More returned is never more commission, and none is left when all was.
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 1<<62).Draw(t, "total")
		subtotal := rapid.Int64Range(0, total).Draw(t, "subtotal")
		a := rapid.Int64Range(0, total).Draw(t, "a")
		b := rapid.Int64Range(a, total).Draw(t, "b")
		if more, less := rule.Commission(subtotal, total, a), rule.Commission(subtotal, total, b); less > more || less < 0 {
			t.Fatalf("%d with %d returned, %d with %d", more, a, less, b)
		}
		if rule.Commission(subtotal, total, total) != 0 {
			t.Fatal("all was returned")
		}
	})
}
