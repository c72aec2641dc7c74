package commands

import (
	"context"
	"errors"
	"strings"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// EnrolReferrer makes the caller a referrer, with a code of their own. For one who
// is, it notes the present version of the terms, and where money goes from now on.
type EnrolReferrer struct {
	TermsAccepted bool
	// PayoutMethod and PayoutEmail may be empty: then they stay as they are.
	PayoutMethod referrer.Method
	PayoutEmail  personal.Text
}

// SuspendReferrer keeps a referrer from earning and withdrawing.
type SuspendReferrer struct {
	ReferrerID id.Referrer
	Reason     personal.Text
}

// ReinstateReferrer ends a suspension.
type ReinstateReferrer struct {
	ReferrerID id.Referrer
	Reason     personal.Text
}

// maxCodes bounds how many random codes are tried.
const maxCodes = 16

func (x *executor) enrolReferrer(ctx context.Context, req Request, c EnrolReferrer) (Result[referrer.State], error) {
	if err := x.requireActiveUser(ctx, req); err != nil {
		return Result[referrer.State]{}, err
	}
	name := id.ReferrerOf(req.Principal.UserID)
	return resultOf(withGeneratedCode(req, func(code string) (outcome[referrer.State], error) {
		return execute(ctx, x, req, change[referrer.State]{
			of: ref(referrer.Aggregate, name), expected: req.Expected, contended: true,
			decide: func(s referrer.State) ([]event.Event, error) {
				return s.Enrol(referrer.Enrolment{
					UserID: req.Principal.UserID, Code: code, TermsAccepted: c.TermsAccepted,
					TermsVersion: x.referrals.Programme.TermsVersion, PayoutMethod: c.PayoutMethod, PayoutEmail: c.PayoutEmail,
				}, req.at())
			},
			claims: func(events []event.Event) []held {
				if e, ok := events[0].(referrer.Enrolled); ok {
					return []held{x.codeClaim(req, string(name), e.Code)}
				}
				return nil
			},
		})
	}))
}

// withGeneratedCode tries random codes until one is free.
func withGeneratedCode[S any](req Request, try func(code string) (outcome[S], error)) (outcome[S], error) {
	entropy := req.Entropy("referral code")
	for range maxCodes {
		code, err := campaign.GenerateCode(entropy)
		if err != nil {
			return outcome[S]{}, err
		}
		if o, err := try(code); !errors.Is(err, campaign.ErrCodeTaken) {
			return o, err
		}
	}
	return outcome[S]{}, campaign.ErrCodeTaken
}

// requireActiveUser is nil for the token of a person whose account is in use.
func (x *executor) requireActiveUser(ctx context.Context, req Request) error {
	if err := req.Principal.RequireUser(); err != nil {
		return err
	}
	person, err := load(ctx, x, ref(user.Aggregate, req.Principal.UserID), true)
	if err != nil {
		return err
	}
	return person.State.RequireActive()
}

// codeClaim claims a referral code for a referrer or a campaign. One that was used
// once is never given to another; one that a creation reserved and did not use
// lapses.
func (x *executor) codeClaim(req Request, owner, code string) claim {
	return claim{
		Claim: reservation.Claim{Kind: reservation.ReferralCode, ValueHash: reservation.Hash(code), OwnerID: owner},
		grace: claimGrace, taken: campaign.ErrCodeTaken,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			holder := id.Campaign(held.OwnerID)
			if !strings.HasPrefix(held.OwnerID, holder.Prefix()+"_") {
				return false, nil // A referrer's own, which was random.
			}
			return yields(ctx, x, req, holding[campaign.State]{
				of:   ref(campaign.Aggregate, holder),
				uses: func(s campaign.State) bool { return s.Code == code },
				over: func(s campaign.State) bool { return s.ID != "" },
				lapse: campaign.CodeLapsed{
					CampaignID: holder, Code: code, OccurredAt: req.at(),
				},
			})
		},
	}
}

func (x *executor) suspendReferrer(ctx context.Context, req Request, c SuspendReferrer) (Result[referrer.State], error) {
	return resultOf(x.payoutsOf(ctx, req, c.ReferrerID, func(s referrer.State) ([]event.Event, error) {
		return s.Suspend(c.Reason, req.at())
	}))
}

func (x *executor) reinstateReferrer(ctx context.Context, req Request, c ReinstateReferrer) (Result[referrer.State], error) {
	return resultOf(x.payoutsOf(ctx, req, c.ReferrerID, func(s referrer.State) ([]event.Event, error) {
		return s.Reinstate(c.Reason, req.at())
	}))
}

// payoutsOf is a decision about a referrer by finance.
func (x *executor) payoutsOf(ctx context.Context, req Request, name id.Referrer, decide func(referrer.State) ([]event.Event, error)) (outcome[referrer.State], error) {
	if err := req.Principal.Require(access.ApprovePayouts); err != nil {
		return outcome[referrer.State]{}, err
	}
	return execute(ctx, x, req, change[referrer.State]{of: ref(referrer.Aggregate, name), expected: req.Expected, decide: decide})
}
