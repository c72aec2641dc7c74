package commands

import (
	"context"
	"time"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referrer"
)

// CreateCampaign begins a campaign of the caller, who is a referrer. It fails with
// campaign.ErrCodeTaken when the code that was asked for is not free, and with
// campaign.ErrLimit when the referrer has as many campaigns as are allowed.
type CreateCampaign struct {
	Name string
	// Code may be empty: then it is a random one.
	Code        string
	Destination string
	UTM         campaign.UTM
	// StartAt and EndAt may be zero.
	StartAt, EndAt time.Time
}

// UpdateCampaign changes a campaign of the caller that has not ended.
type UpdateCampaign struct {
	CampaignID id.Campaign
	campaign.Change
}

// EndCampaign ends a campaign of the caller for good. One that has ended stays as
// it is.
type EndCampaign struct{ CampaignID id.Campaign }

func (x *executor) createCampaign(ctx context.Context, req Request, c CreateCampaign) (Result[campaign.State], error) {
	by, err := x.activeReferrer(ctx, req)
	if err != nil {
		return Result[campaign.State]{}, err
	}
	name, err := id.New[id.Campaign](req.IDs())
	if err != nil {
		return Result[campaign.State]{}, err
	}
	q := x.campaignQuota(req, by.ID, name)
	var created outcome[campaign.State]
	err = x.inSlot(ctx, req, q, func(n int) (err error) {
		created, err = x.createInSlot(ctx, req, c, campaign.New{
			ID: name, ReferrerID: by.ID, Name: c.Name, Destination: c.Destination,
			UTM: c.UTM, StartAt: c.StartAt, EndAt: c.EndAt, Slot: n,
		}, q)
		return err
	})
	return resultOf(created, err)
}

// createInSlot creates a campaign with the code that was asked for, or a random one.
func (x *executor) createInSlot(ctx context.Context, req Request, c CreateCampaign, n campaign.New, q quota) (outcome[campaign.State], error) {
	create := func(code string) (outcome[campaign.State], error) {
		n.Code = code
		return execute(ctx, x, req, change[campaign.State]{
			of: ref(campaign.Aggregate, n.ID),
			decide: func(s campaign.State) ([]event.Event, error) {
				return s.Create(n, x.referrals.Destinations, req.at())
			},
			claims: func(events []event.Event) []held {
				if e, ok := events[0].(campaign.Created); ok {
					return []held{slotClaim{q, n.Slot}, x.codeClaim(req, string(n.ID), e.Code)}
				}
				return nil
			},
		})
	}
	if c.Code != "" {
		return create(c.Code)
	}
	return withGeneratedCode(req, create)
}

// activeReferrer is the caller as a referrer in good standing.
func (x *executor) activeReferrer(ctx context.Context, req Request) (referrer.State, error) {
	if err := x.requireActiveUser(ctx, req); err != nil {
		return referrer.State{}, err
	}
	by, err := load(ctx, x, ref(referrer.Aggregate, id.ReferrerOf(req.Principal.UserID)), true)
	switch {
	case err != nil:
		return referrer.State{}, err
	case by.State.ID == "":
		return referrer.State{}, referrer.ErrNotFound
	case by.State.Suspended:
		return referrer.State{}, referrer.ErrSuspended
	}
	return by.State, nil
}

func (x *executor) updateCampaign(ctx context.Context, req Request, c UpdateCampaign) (Result[campaign.State], error) {
	return resultOf(x.changeCampaign(ctx, req, c.CampaignID, func(s campaign.State, by id.Referrer) ([]event.Event, error) {
		return s.Update(by, c.Change, x.referrals.Destinations, req.at())
	}))
}

func (x *executor) endCampaign(ctx context.Context, req Request, c EndCampaign) (Result[campaign.State], error) {
	return resultOf(x.changeCampaign(ctx, req, c.CampaignID, func(s campaign.State, by id.Referrer) ([]event.Event, error) {
		return s.Finish(by, req.at())
	}))
}

// changeCampaign changes a campaign of the caller. The campaign itself knows whose
// it is.
func (x *executor) changeCampaign(ctx context.Context, req Request, name id.Campaign, decide func(campaign.State, id.Referrer) ([]event.Event, error)) (outcome[campaign.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return outcome[campaign.State]{}, err
	}
	by := id.ReferrerOf(req.Principal.UserID)
	return execute(ctx, x, req, change[campaign.State]{
		of: ref(campaign.Aggregate, name), expected: req.Expected,
		decide: func(s campaign.State) ([]event.Event, error) { return decide(s, by) },
	})
}
