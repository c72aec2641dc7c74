package httpapi

import (
	"context"
	"net/http"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
)

// ReferrerStanding is a referrer, as finance sees them.
type ReferrerStanding struct {
	ID           string `json:"id" example:"rfr_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID       string `json:"userId" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ReferralCode string `json:"referralCode" example:"k7m2p9xd"`
	Status       string `json:"status" enum:"active,suspended" example:"suspended"`
	UpdatedAt    Time   `json:"updatedAt"`
}

func (a *API) registerStanding() {
	change := func(name, path, summary, description, message string, handle func(context.Context, *exchange, *standingInput) (reply[ReferrerStanding], error)) {
		register(a, operation{
			id: name, method: http.MethodPost, path: "/admin/referrers/{id}/" + path, tag: tagAdmin, hidden: true,
			summary: summary, description: description, authorization: permitted(access.ApprovePayouts), message: message,
			fails: []error{referrer.ErrNotFound},
		}, handle)
	}
	change("suspendReferrer", "suspend", "Suspend referrer",
		"Keeps a referrer from earning and withdrawing; links go on to lead to the landing page, without counting. "+
			"What was earned stays, and a withdrawal under way is not stopped: reject it.",
		"the referrer is suspended", a.suspendReferrer)
	change("reinstateReferrer", "reinstate", "Reinstate referrer",
		"Ends a suspension. Payments that came meanwhile earn nothing later.",
		"the referrer is not suspended", a.reinstateReferrer)
}

type standingInput struct {
	ID   string `path:"id" example:"rfr_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body struct {
		Reason string `json:"reason" maxLength:"2000" doc:"From 3 to 500 characters." example:"Buys through links of their own: ticket 4711"`
	} `nameHint:"ReferrerStandingChange"`
}

func standingOf(result commands.Result[referrer.State], err error) (reply[ReferrerStanding], error) {
	if err != nil {
		return reply[ReferrerStanding]{}, err
	}
	s := result.Value
	out := ReferrerStanding{ID: string(s.ID), UserID: string(s.UserID), ReferralCode: s.Code, Status: "active", UpdatedAt: Time{s.UpdatedAt}}
	if s.Suspended {
		out.Status = "suspended"
	}
	answer := written(result, out)
	answer.revision = nil // Nothing is read under this path.
	return answer, nil
}

func (a *API) suspendReferrer(ctx context.Context, x *exchange, in *standingInput) (reply[ReferrerStanding], error) {
	return standingOf(a.commands.SuspendReferrer(ctx, a.command(ctx, x), commands.SuspendReferrer{
		ReferrerID: id.Referrer(in.ID), Reason: personal.New(in.Body.Reason),
	}))
}

func (a *API) reinstateReferrer(ctx context.Context, x *exchange, in *standingInput) (reply[ReferrerStanding], error) {
	return standingOf(a.commands.ReinstateReferrer(ctx, a.command(ctx, x), commands.ReinstateReferrer{
		ReferrerID: id.Referrer(in.ID), Reason: personal.New(in.Body.Reason),
	}))
}
