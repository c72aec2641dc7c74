package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/clickstats"
	"github.com/perfectworks/backend/projections/referrals"
)

// ClickNumbers are what came of links.
type ClickNumbers struct {
	Clicks       int64 `json:"clicks" doc:"Clicks of humans." example:"412"`
	UniqueClicks int64 `json:"uniqueClicks" doc:"Different visitors on each UTC day and link: each counts at their first click of the day." example:"390"`
	Bots         int64 `json:"bots" doc:"Clicks of programs: in no other number." example:"31"`
	Duplicates   int64 `json:"duplicates" doc:"Clicks of visitors who came a short time before: in no other number." example:"12"`
	Signups      int64 `json:"signups" doc:"People who registered." example:"17"`
	Conversions  int64 `json:"conversions" doc:"Payments that earned a commission." example:"4"`
	Earnings     int64 `json:"earnings" doc:"Commissions less reversals, when they were booked, in the minor unit of the currency." example:"3920"`
}

func clickNumbersOf(n clickstats.Numbers) ClickNumbers {
	return ClickNumbers{n.Clicks, n.Visitors, n.Bots, n.Duplicates, n.Signups, n.Conversions, n.Earned}
}

// ClickPoint is what happened in one interval.
type ClickPoint struct {
	At Time `json:"at" doc:"When the interval begins; it lasts until the next one."`
	ClickNumbers
}

// ClickPart is a part of the clicks.
type ClickPart struct {
	Value        string `json:"value" doc:"A country by its ISO 3166 code or unknown; a class of devices: desktop, mobile, tablet or other; a source, of which those beyond the 20 most frequent ones are other; or the id of the campaign." example:"DE"`
	Clicks       int64  `json:"clicks" example:"200"`
	UniqueClicks int64  `json:"uniqueClicks" example:"190"`
}

// CampaignNumbers are the numbers of a campaign.
type CampaignNumbers struct {
	CampaignID *string `json:"campaignId" nullable:"true" doc:"Null for the referrer's own code." example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Name       *string `json:"name" nullable:"true" example:"Spring newsletter"`
	ClickNumbers
}

// CampaignAnalytics are the numbers of a campaign over some time.
type CampaignAnalytics struct {
	From      Time         `json:"from"`
	To        Time         `json:"to"`
	Interval  string       `json:"interval" enum:"hour,day,week" example:"day"`
	Timezone  string       `json:"timezone" example:"Europe/Berlin"`
	Currency  string       `json:"currency" example:"eur"`
	Totals    ClickNumbers `json:"totals"`
	Series    []ClickPoint `json:"series" doc:"Without gaps."`
	GroupBy   *string      `json:"groupBy" enum:"country,device,source,campaign" nullable:"true" example:"country"`
	Breakdown *[]ClickPart `json:"breakdown" nullable:"true" doc:"By what groupBy names; null without it."`
	AsOf      Time         `json:"asOf" doc:"The time up to which clicks are in these numbers."`
}

// ReferrerDashboard are the numbers of all links of a referrer over some time.
type ReferrerDashboard struct {
	From     Time   `json:"from"`
	To       Time   `json:"to"`
	Interval string `json:"interval" enum:"hour,day,week" example:"day"`
	Timezone string `json:"timezone" example:"Europe/Berlin"`
	Currency string `json:"currency" example:"eur"`
	ClickNumbers
	TopCampaigns []CampaignNumbers `json:"topCampaigns" doc:"Those with most clicks, 10 at most."`
	Series       []ClickPoint      `json:"series" doc:"Without gaps."`
	AsOf         Time              `json:"asOf" doc:"The time up to which clicks are in these numbers."`
}

const (
	byCampaign      = "campaign"
	maxParts        = 20
	maxTopCampaigns = 10
	defaultPeriod   = 30 * 24 * time.Hour
)

func (a *API) registerAnalytics() {
	register(a, operation{
		id: "getReferrerDashboard", method: http.MethodGet, path: "/referrers/dashboard", tag: tagReferrers,
		summary: "Get referrer dashboard", description: "What came of all links of the caller; by default in the last 30 days, by day.",
		authorization: ownData(), reads: []string{clickstats.Name, referrals.Name}, message: "the dashboard", fails: []error{referrer.ErrNotFound},
	}, a.getDashboard)
	register(a, operation{
		id: "getCampaignAnalytics", method: http.MethodGet, path: "/referrer-campaigns/{id}/analytics", tag: tagCampaigns,
		summary: "Get campaign analytics", description: "What came of a campaign of the caller; by default in the last 30 days, by day.",
		authorization: ownData(), reads: []string{clickstats.Name, referrals.Name}, message: "the analytics", fails: []error{campaign.ErrNotFound},
	}, a.getAnalytics)
}

// SeriesInput says of which time numbers are asked, and how they are cut.
type SeriesInput struct {
	PeriodInput
	Interval string `query:"interval" doc:"hour, for 100 days at most; day, the default, for three years; or week, which begins on Monday, for ten." example:"day"`
	Timezone string `query:"timezone" maxLength:"64" doc:"An IANA time zone, in which the intervals begin; UTC by default." example:"Europe/Berlin"`
}

// span is what was asked.
type span struct {
	from, to time.Time
	interval clickstats.Interval
	zone     *time.Location
}

func (in SeriesInput) span(wrong *failure.Fields, now time.Time) span {
	s := span{interval: clickstats.Daily, zone: time.UTC}
	p := in.period(wrong)
	if s.from, s.to = p.From, p.To; s.to.IsZero() {
		s.to = now
	}
	if s.from.IsZero() {
		s.from = s.to.Add(-defaultPeriod)
	}
	if in.Interval != "" {
		s.interval = clickstats.Interval(in.Interval)
	}
	switch longest := s.interval.Longest(); {
	case longest == 0:
		wrong.Add("interval", input.CodeUnknown, "must be hour, day or week")
	case s.to.Before(s.from):
		if !p.From.IsZero() && p.To.IsZero() {
			wrong.Add("from", input.CodeRange, "must not be in the future")
		}
	case s.to.Sub(s.from) > longest:
		wrong.Add("from", input.CodeRange, "is too long before to for this interval")
	}
	if in.Timezone != "" {
		zone, err := time.LoadLocation(in.Timezone)
		if err != nil || in.Timezone == "Local" {
			wrong.Add("timezone", input.CodeUnknown, "must be an IANA time zone, such as Europe/Berlin")
			return s
		}
		s.zone = zone
	}
	return s
}

func (s span) scope(of id.Referrer, campaign id.Campaign) clickstats.Scope {
	return clickstats.Scope{ReferrerID: of, CampaignID: campaign, From: s.from.Truncate(clickstats.Quarter), To: s.to}
}

func (s span) series(all []clickstats.AtQuarter) ([]ClickPoint, ClickNumbers) {
	points, total := clickstats.Series(all, s.from, s.to, s.interval, s.zone)
	out := make([]ClickPoint, len(points))
	for i, p := range points {
		out[i] = ClickPoint{Time{p.At}, clickNumbersOf(p.Numbers)}
	}
	return out, clickNumbersOf(total)
}

type dashboardInput struct{ SeriesInput }

func (a *API) getDashboard(ctx context.Context, x *exchange, in *dashboardInput) (reply[ReferrerDashboard], error) {
	var wrong failure.Fields
	now := time.Now().UTC()
	s := in.span(&wrong, now)
	if err := wrong.Err(); err != nil {
		return reply[ReferrerDashboard]{}, err
	}
	of, err := a.queries.Referrals.Get(ctx, id.ReferrerOf(x.principal.UserID))
	if err != nil {
		return reply[ReferrerDashboard]{}, err
	}
	asOf, err := a.links.AsOf(ctx, now) // Before the numbers are read: they may be newer.
	if err != nil {
		return reply[ReferrerDashboard]{}, err
	}
	all, err := a.queries.Clicks.Quarters(ctx, s.scope(of.ID, ""))
	if err != nil {
		return reply[ReferrerDashboard]{}, err
	}
	top, err := a.queries.Clicks.Campaigns(ctx, s.scope(of.ID, ""), maxTopCampaigns)
	if err != nil {
		return reply[ReferrerDashboard]{}, err
	}
	out := ReferrerDashboard{
		From: Time{s.from}, To: Time{s.to}, Interval: string(s.interval), Timezone: s.zone.String(), Currency: a.referralCurrency,
		TopCampaigns: make([]CampaignNumbers, len(top)), AsOf: Time{asOf},
	}
	for i, c := range top {
		out.TopCampaigns[i] = CampaignNumbers{optional(string(c.CampaignID)), optional(c.Name), clickNumbersOf(c.Numbers)}
	}
	out.Series, out.ClickNumbers = s.series(all)
	return reply[ReferrerDashboard]{data: out}, nil
}

type analyticsInput struct {
	ID string `path:"id" example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
	SeriesInput
	GroupBy string `query:"groupBy" doc:"country, device, source or campaign." example:"country"`
}

func (a *API) getAnalytics(ctx context.Context, x *exchange, in *analyticsInput) (reply[CampaignAnalytics], error) {
	var wrong failure.Fields
	now := time.Now().UTC()
	s := in.span(&wrong, now)
	by := clickstats.Dimension(in.GroupBy)
	if !slices.Contains([]clickstats.Dimension{"", byCampaign, clickstats.ByCountry, clickstats.ByDevice, clickstats.BySource}, by) {
		wrong.Add("groupBy", input.CodeUnknown, "must be country, device, source or campaign")
	}
	if err := wrong.Err(); err != nil {
		return reply[CampaignAnalytics]{}, err
	}
	c, err := a.ownCampaign(ctx, x, in.ID)
	if err != nil {
		return reply[CampaignAnalytics]{}, err
	}
	asOf, err := a.links.AsOf(ctx, now) // Before the numbers are read: they may be newer.
	if err != nil {
		return reply[CampaignAnalytics]{}, err
	}
	all, err := a.queries.Clicks.Quarters(ctx, s.scope(c.ReferrerID, c.ID))
	if err != nil {
		return reply[CampaignAnalytics]{}, err
	}
	out := CampaignAnalytics{
		From: Time{s.from}, To: Time{s.to}, Interval: string(s.interval), Timezone: s.zone.String(), Currency: a.referralCurrency,
		GroupBy: optional(in.GroupBy), AsOf: Time{asOf},
	}
	out.Series, out.Totals = s.series(all)
	switch by {
	case "":
	case byCampaign: // The whole is its one part.
		out.Breakdown = &[]ClickPart{{string(c.ID), out.Totals.Clicks, out.Totals.UniqueClicks}}
	default:
		parts, err := a.queries.Clicks.Parts(ctx, s.scope(c.ReferrerID, c.ID), by, maxParts)
		if err != nil {
			return reply[CampaignAnalytics]{}, err
		}
		breakdown := make([]ClickPart, len(parts))
		for i, p := range parts {
			breakdown[i] = ClickPart{p.Value, p.Clicks, p.Visitors}
		}
		out.Breakdown = &breakdown
	}
	return reply[CampaignAnalytics]{data: out}, nil
}
