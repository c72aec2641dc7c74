package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/referrals"
)

// Campaign is a link of the caller's with a code, a destination and a time of its
// own.
type Campaign struct {
	ID              string  `json:"id" example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Name            string  `json:"name" example:"Spring newsletter"`
	Code            string  `json:"code" doc:"It never changes, and is never given to another campaign." example:"spring-26"`
	URL             string  `json:"url" example:"https://app.example.com/api/v0/referral-links/spring-26"`
	DestinationPath *string `json:"destinationPath" nullable:"true" doc:"Where the link leads; null for the landing page." example:"/pricing"`
	UTM             UTM     `json:"utm"`
	Status          string  `json:"status" enum:"scheduled,active,ended" doc:"By the clock at this instant." example:"active"`
	StartAt         *Time   `json:"startAt" nullable:"true" doc:"The first instant at which clicks count; null for no such bound."`
	EndAt           *Time   `json:"endAt" nullable:"true" doc:"The first instant at which clicks do not count any more; null for none."`
	EndedAt         *Time   `json:"endedAt" nullable:"true" doc:"When the campaign was ended by its referrer."`
	CreatedAt       Time    `json:"createdAt"`
	UpdatedAt       Time    `json:"updatedAt"`
}

// UTM are the parameters that are added to the destination.
type UTM struct {
	Source   string `json:"source,omitempty" doc:"Added as utm_source." example:"newsletter"`
	Medium   string `json:"medium,omitempty" doc:"Added as utm_medium." example:"email"`
	Campaign string `json:"campaign,omitempty" doc:"Added as utm_campaign." example:"spring"`
	Term     string `json:"term,omitempty" doc:"Added as utm_term." example:"pdf"`
	Content  string `json:"content,omitempty" doc:"Added as utm_content." example:"footer"`
}

func utmOf(u campaign.UTM) UTM {
	return UTM{Source: u.Source, Medium: u.Medium, Campaign: u.Name, Term: u.Term, Content: u.Content}
}

func (u *UTM) domain() campaign.UTM {
	if u == nil {
		return campaign.UTM{}
	}
	return campaign.UTM{Source: u.Source, Medium: u.Medium, Name: u.Campaign, Term: u.Term, Content: u.Content}
}

// unversioned is what of a campaign changes by the clock.
func (c Campaign) unversioned() string { return c.Status }

func (a *API) campaignOf(c referrals.Campaign, now time.Time) Campaign {
	return Campaign{
		ID: string(c.ID), Name: c.Name, Code: c.Code, URL: a.referralURL(c.Code), DestinationPath: optional(c.Destination),
		UTM: utmOf(c.UTM()), Status: string(c.Status(now)), StartAt: optionalTime(c.StartAt), EndAt: optionalTime(c.EndAt),
		EndedAt: optionalTime(c.EndedAt), CreatedAt: Time{c.CreatedAt}, UpdatedAt: Time{c.UpdatedAt},
	}
}

var tagCampaigns = tag{"Referrer campaigns", "Links of a referrer, and what came of them."}

func (a *API) registerCampaigns() {
	a.placeTag(tagCampaigns)
	register(a, operation{
		id: "createCampaign", method: http.MethodPost, path: "/referrer-campaigns", tag: tagCampaigns,
		summary: "Create campaign",
		description: "Creates a link of its own. The code is given or random; case does not matter in it. " +
			"The destination is a path below the landing page's host, or an address of a host that the operator allows.",
		authorization: ownData(), status: http.StatusCreated, message: "the campaign was created",
		fails: []error{referrer.ErrNotFound, referrer.ErrSuspended, campaign.ErrCodeTaken, campaign.ErrLimit},
	}, a.createCampaign)
	register(a, operation{
		id: "listCampaigns", method: http.MethodGet, path: "/referrer-campaigns", tag: tagCampaigns,
		summary: "List campaigns", description: "The campaigns of the caller. Search looks in names and codes.",
		authorization: ownData(), reads: []string{referrals.Name}, list: &referrals.CampaignList, message: "the campaigns of the caller",
	}, a.listCampaigns)
	register(a, operation{
		id: "getCampaign", method: http.MethodGet, path: "/referrer-campaigns/{id}", tag: tagCampaigns,
		summary: "Get campaign", description: "A campaign of the caller.",
		authorization: ownData(), reads: []string{referrals.Name}, conditional: true, message: "the campaign",
		fails: []error{campaign.ErrNotFound},
	}, a.getCampaign)
	register(a, operation{
		id: "updateCampaign", method: http.MethodPut, path: "/referrer-campaigns/{id}", tag: tagCampaigns,
		summary: "Update campaign", description: "Fields that are left out keep their values. A campaign that has ended stays as it is.",
		authorization: ownData(), message: "the campaign was updated", fails: []error{campaign.ErrNotFound, campaign.ErrEnded},
	}, a.updateCampaign)
	register(a, operation{
		id: "endCampaign", method: http.MethodPost, path: "/referrer-campaigns/{id}/end", tag: tagCampaigns,
		summary: "End campaign",
		description: "Ends a campaign for good: its link goes on to lead to the landing page, but clicks do not count any more. " +
			"Clicks from before count. Repeating it gives the same answer.",
		authorization: ownData(), message: "the campaign has ended", fails: []error{campaign.ErrNotFound},
	}, a.endCampaign)
}

type createCampaignInput struct {
	Body struct {
		Name            string  `json:"name" maxLength:"100" example:"Spring newsletter"`
		Code            *string `json:"code,omitempty" nullable:"true" maxLength:"100" doc:"3 to 48 letters from a to z, digits and single hyphens; random by default." example:"spring-26"`
		DestinationPath *string `json:"destinationPath,omitempty" nullable:"true" maxLength:"1000" example:"/pricing"`
		UTM             *UTM    `json:"utm,omitempty"`
		StartAt         *Time   `json:"startAt,omitempty" nullable:"true"`
		EndAt           *Time   `json:"endAt,omitempty" nullable:"true" example:""`
	} `nameHint:"NewCampaign"`
}

// momentOf is the zero time for an absent one.
func momentOf(t *Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func (a *API) createCampaign(ctx context.Context, x *exchange, in *createCampaignInput) (reply[Campaign], error) {
	req := a.command(ctx, x)
	result, err := a.commands.CreateCampaign(ctx, req, commands.CreateCampaign{
		Name: in.Body.Name, Code: textOf(in.Body.Code), Destination: textOf(in.Body.DestinationPath), UTM: in.Body.UTM.domain(),
		StartAt: momentOf(in.Body.StartAt), EndAt: momentOf(in.Body.EndAt),
	})
	if err != nil {
		return reply[Campaign]{}, err
	}
	out := written(result, a.campaignOf(referrals.CampaignOf(result.Value), req.Now))
	out.location = basePath + "/referrer-campaigns/" + out.data.ID
	return out, nil
}

func (a *API) listCampaigns(ctx context.Context, x *exchange, in *ListInput) (reply[Page[Campaign]], error) {
	now := time.Now()
	page, err := a.queries.Referrals.Campaigns(ctx, id.ReferrerOf(x.principal.UserID), now, in.request(x))
	if err != nil {
		return reply[Page[Campaign]]{}, err
	}
	return reply[Page[Campaign]]{data: pageOf(page, func(c referrals.Campaign) Campaign { return a.campaignOf(c, now) })}, nil
}

type campaignInput struct {
	ID string `path:"id" example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) getCampaign(ctx context.Context, x *exchange, in *campaignInput) (reply[Campaign], error) {
	c, err := a.ownCampaign(ctx, x, in.ID)
	if err != nil {
		return reply[Campaign]{}, err
	}
	return reply[Campaign]{data: a.campaignOf(c, time.Now()), revision: &c.Revision}, nil
}

// ownCampaign is a campaign of the caller.
func (a *API) ownCampaign(ctx context.Context, x *exchange, name string) (referrals.Campaign, error) {
	if !id.Valid(id.Campaign(name)) {
		return referrals.Campaign{}, campaign.ErrNotFound
	}
	return a.queries.Referrals.Campaign(ctx, id.ReferrerOf(x.principal.UserID), id.Campaign(name))
}

type updateCampaignInput struct {
	ID   string `path:"id" example:"cmp_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body struct {
		Name            *string `json:"name,omitempty" nullable:"true" maxLength:"100" example:"Spring newsletter"`
		DestinationPath *string `json:"destinationPath,omitempty" nullable:"true" maxLength:"1000" doc:"Empty for the landing page." example:"/pricing"`
		UTM             *UTM    `json:"utm,omitempty" doc:"Replaces all of them."`
		EndAt           *Time   `json:"endAt,omitempty" nullable:"true"`
	} `nameHint:"CampaignChange"`
}

func (a *API) updateCampaign(ctx context.Context, x *exchange, in *updateCampaignInput) (reply[Campaign], error) {
	c := commands.UpdateCampaign{CampaignID: id.Campaign(in.ID), Change: campaign.Change{
		Name: in.Body.Name, Destination: in.Body.DestinationPath,
	}}
	if in.Body.UTM != nil {
		utm := in.Body.UTM.domain()
		c.UTM = &utm
	}
	if in.Body.EndAt != nil {
		c.EndAt = &in.Body.EndAt.Time
	}
	result, err := withCondition(ctx, a, x, a.commands.UpdateCampaign, c)
	if err != nil {
		return reply[Campaign]{}, err
	}
	return written(result, a.campaignOf(referrals.CampaignOf(result.Value), time.Now())), nil
}

func (a *API) endCampaign(ctx context.Context, x *exchange, in *campaignInput) (reply[Campaign], error) {
	result, err := a.commands.EndCampaign(ctx, a.command(ctx, x), commands.EndCampaign{CampaignID: id.Campaign(in.ID)})
	if err != nil {
		return reply[Campaign]{}, err
	}
	return written(result, a.campaignOf(referrals.CampaignOf(result.Value), time.Now())), nil
}
