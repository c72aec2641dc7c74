package clickstats_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/clickstats"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

var (
	day0 = time.Date(2026, 3, 1, 12, 7, 0, 0, time.UTC)
	own  = click.Link{ReferrerID: "rfr_1"}
	camp = click.Link{ReferrerID: "rfr_1", CampaignID: "cmp_1"}
)

func newModel(t *testing.T) (*readmodeltest.Model, clickstats.Queries) {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	// Names of campaigns are those of another model.
	if _, err := pool.Exec(t.Context(), `CREATE SCHEMA referrals; CREATE TABLE referrals.campaigns (id text PRIMARY KEY, name text);
		INSERT INTO referrals.campaigns VALUES ('cmp_1', 'Spring')`); err != nil {
		t.Fatal(err)
	}
	return readmodeltest.New(t, pool, clickstats.Definition()), clickstats.NewQueries(pool)
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, clickstats.Definition(), click.Aggregate.Schemas, referral.Aggregate.Schemas, referrer.Aggregate.Schemas)
	m, q := newModel(t)
	segment := click.Recorded{
		Writer: "w", Segment: 1, Links: []click.Link{own, camp}, Agents: []string{"a"}, Sources: []string{"direct", "mail"},
		Clicks: []click.Click{
			{At: day0, Link: 0, Country: "DE", Device: click.Mobile, Verdict: click.Human, First: true},
			{At: day0, Link: 1, Source: 1, Country: "DE", Device: click.Desktop, Verdict: click.Human, First: true},
			{At: day0.Add(8 * time.Minute), Link: 1, Country: "FR", Device: click.Desktop, Verdict: click.Human},
			{At: day0, Link: 1, Country: "FR", Verdict: click.Bot, Reason: click.ReasonAgent},
			{At: day0, Link: 1, Country: "FR", Verdict: click.Duplicate, Reason: click.ReasonRepeated},
		},
	}
	m.Given("referralClicks-w-1", segment)
	m.Given("referral-1", referral.Attributed{ReferrerID: "rfr_1", CampaignID: "cmp_1", RegisteredAt: day0})
	m.Given("referrer-rfr_1",
		referrer.CommissionEarned{ReferrerID: "rfr_1", CampaignID: "cmp_1", Amount: 980, OccurredAt: day0},
		referrer.CommissionReversed{ReferrerID: "rfr_1", CampaignID: "cmp_1", Amount: 480, OccurredAt: day0},
		referrer.CommissionRestored{ReferrerID: "rfr_1", CampaignID: "cmp_1", Amount: 100, OccurredAt: day0})
	m.Given("referralClicks-x-1", click.Recorded{
		Writer: "x", Links: []click.Link{{ReferrerID: "rfr_2"}}, Sources: []string{"direct"},
		Clicks: []click.Click{{At: day0, Verdict: click.Human, First: true}},
	})
	scope := clickstats.Scope{ReferrerID: "rfr_1", CampaignID: "cmp_1", From: day0.Add(-time.Hour), To: day0.Add(time.Hour)}
	got, err := q.Quarters(t.Context(), scope)
	want := []clickstats.AtQuarter{
		{At: day0.Truncate(15 * time.Minute), Numbers: clickstats.Numbers{
			Clicks: 1, Visitors: 1, Bots: 1, Duplicates: 1, Signups: 1, Conversions: 1, Earned: 600,
		}},
		{At: day0.Add(8 * time.Minute), Numbers: clickstats.Numbers{Clicks: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	scope.CampaignID = ""
	campaigns, err := q.Campaigns(t.Context(), scope, 5)
	if err != nil || len(campaigns) != 2 || campaigns[0].Name != "Spring" || campaigns[0].Clicks != 2 || campaigns[1].CampaignID != "" || campaigns[1].Clicks != 1 {
		t.Errorf("%+v, %v", campaigns, err)
	}
	for by, want := range map[clickstats.Dimension][]clickstats.Part{
		clickstats.ByCountry: {{"DE", 2, 2}, {"FR", 1, 0}},
		clickstats.ByDevice:  {{"desktop", 2, 1}, {"mobile", 1, 1}},
		clickstats.BySource:  {{"direct", 2, 1}, {"mail", 1, 1}},
	} {
		if got, err := q.Parts(t.Context(), scope, by, 10); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %v, %v", by, got, err)
		}
	}
	if got, err := q.Parts(t.Context(), scope, clickstats.BySource, 1); err != nil || cmp.Diff([]clickstats.Part{{"direct", 2, 1}, {"other", 1, 1}}, got) != "" {
		t.Errorf("capped: %v, %v", got, err)
	}
	scope.To = scope.From
	if got, err := q.Quarters(t.Context(), scope); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// Anybody can invent sources: those beyond a number are one.
func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	m, q := newModel(t)
	e := click.Recorded{Links: []click.Link{own}}
	for i := range 100 {
		e.Sources = append(e.Sources, fmt.Sprint("s", i))
		e.Clicks = append(e.Clicks, click.Click{At: day0, Source: i, Verdict: click.Human})
	}
	m.Given("referralClicks-w-1", e)
	got, err := q.Parts(t.Context(), clickstats.Scope{ReferrerID: "rfr_1", From: day0.Add(-time.Hour), To: day0.Add(time.Hour)}, clickstats.BySource, 1000)
	if err != nil || len(got) != 21 || got[20] != (clickstats.Part{Value: "other", Clicks: 80}) {
		t.Errorf("%v, %v", got, err)
	}
}

// A series has no gaps and counts each quarter once, over changes of the clocks
// too, by half an hour and at midnight.
func TestSeriesHaveNoGaps(t *testing.T) {
	t.Parallel()
	zones := []string{
		"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
		"America/Havana", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "America/St_Johns",
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Unix(rapid.Int64Range(1.2e9, 1.8e9).Draw(t, "from"), 0).UTC()
		i := rapid.SampledFrom([]clickstats.Interval{clickstats.Hourly, clickstats.Daily, clickstats.Weekly}).Draw(t, "interval")
		to := from.Add(time.Duration(rapid.IntRange(1, 24*60).Draw(t, "hours")) * time.Hour)
		var all []clickstats.AtQuarter
		for at := from.Truncate(clickstats.Quarter).Add(clickstats.Quarter); at.Before(to); at = at.Add(clickstats.Quarter) {
			all = append(all, clickstats.AtQuarter{At: at, Numbers: clickstats.Numbers{Clicks: 1}})
		}
		points, total := clickstats.Series(all, from, to, i, zone)
		if total.Clicks != int64(len(all)) {
			t.Fatalf("%d of %d quarters are counted", total.Clicks, len(all))
		}
		if points[0].At.After(from) || !points[len(points)-1].At.Before(to) {
			t.Fatalf("it lasts from %v to %v", points[0].At, points[len(points)-1].At)
		}
		for n, p := range points {
			local := p.At.In(zone)
			if n > 0 && !p.At.After(points[n-1].At) {
				t.Fatalf("%v follows %v", p.At, points[n-1].At)
			}
			switch {
			case i == clickstats.Hourly && local.Minute() != 0 && name != "Australia/Lord_Howe",
				i != clickstats.Hourly && local.Hour() > 1,
				i == clickstats.Weekly && local.Weekday() != time.Monday && name != "Pacific/Apia":
				t.Fatalf("a point at %v", local)
			}
		}
	})
}

func TestSummerTime(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]int{"2026-03-29": 23, "2026-10-25": 25, "2026-06-01": 24} {
		from, err := time.ParseInLocation(time.DateOnly, day, zone)
		if err != nil {
			t.Fatal(err)
		}
		to := from.AddDate(0, 0, 1)
		if hours, _ := clickstats.Series(nil, from, to, clickstats.Hourly, zone); len(hours) != want {
			t.Errorf("%s has %d hours", day, len(hours))
		}
		if days, _ := clickstats.Series(nil, from, to, clickstats.Daily, zone); len(days) != 1 {
			t.Errorf("%s has %d days", day, len(days))
		}
	}
}
