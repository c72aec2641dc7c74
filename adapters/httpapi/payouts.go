package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections/referrals"
)

// Payout is a withdrawal, as finance sees it.
type Payout struct {
	ReferrerTransaction
	ReferrerID string `json:"referrerId" example:"rfr_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Approvals  int64  `json:"approvals" doc:"How many people have approved it." example:"1"`
}

func payoutOf(t referrals.Transaction) Payout {
	return Payout{ReferrerTransaction: referrerTransactionOf(t), ReferrerID: string(t.ReferrerID), Approvals: t.Approvals}
}

func (a *API) registerPayouts() {
	finance := permitted(access.ApprovePayouts)
	register(a, operation{
		id: "listPayouts", method: http.MethodGet, path: "/admin/payouts", tag: tagAdmin, hidden: true,
		summary: "List withdrawals of referrers", authorization: finance, reads: []string{referrals.Name},
		list: &referrals.TransactionList, message: "the withdrawals",
	}, a.listPayouts)
	decide := func(name, path, summary, message string, fails []error, handle func(context.Context, *exchange, *payoutInput) (reply[Payout], error)) {
		register(a, operation{
			id: name, method: http.MethodPost, path: "/admin/payouts/{id}/" + path, tag: tagAdmin, hidden: true,
			summary: summary, authorization: finance, message: message, fails: append(fails, referrer.ErrWithdrawalNotFound, referrer.ErrFinished),
		}, handle)
	}
	decide("approvePayout", "approve", "Approve withdrawal", "the withdrawal was approved", []error{referrer.ErrApprovedBySame}, a.approvePayout)
	decide("sendPayout", "send", "Send withdrawal", "the payment was ordered", []error{referrer.ErrNotApproved, referrer.ErrSent}, a.sendPayout)
	register(a, operation{
		id: "rejectPayout", method: http.MethodPost, path: "/admin/payouts/{id}/reject", tag: tagAdmin, hidden: true,
		summary: "Reject withdrawal", authorization: finance, message: "the withdrawal was rejected",
		fails: []error{referrer.ErrSent, referrer.ErrWithdrawalNotFound, referrer.ErrFinished},
	}, a.rejectPayout)
	register(a, operation{
		id: "finishPayout", method: http.MethodPost, path: "/admin/payouts/{id}/result", tag: tagAdmin, hidden: true,
		summary: "Note what became of a withdrawal", authorization: finance, message: "the result was noted",
		fails: []error{referrer.ErrNotSent, referrer.ErrWithdrawalNotFound, referrer.ErrFinished},
	}, a.finishPayout)
}

type payoutInput struct {
	ID string `path:"id" example:"rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3"`
}

func (a *API) listPayouts(ctx context.Context, x *exchange, in *ListInput) (reply[Page[Payout]], error) {
	request := in.request(x)
	if types := request.Filters["type"]; len(types) > 0 && !slices.Equal(types, []string{string(referrals.TypeWithdrawal)}) {
		var wrong failure.Fields
		wrong.Add("type", input.CodeUnknown, "must be withdrawal")
		return reply[Page[Payout]]{}, wrong.Err()
	}
	request.Filters["type"] = []string{string(referrals.TypeWithdrawal)}
	page, err := a.queries.Referrals.Transactions(ctx, "", referrals.Period{}, time.Now(), request)
	if err != nil {
		return reply[Page[Payout]]{}, err
	}
	return reply[Page[Payout]]{data: pageOf(page, payoutOf)}, nil
}

// payout is the answer to a decision.
func payout(result commands.Result[commands.ChangedWithdrawal], now time.Time, err error) (reply[Payout], error) {
	if err != nil {
		return reply[Payout]{}, err
	}
	out := written(result, Payout{
		ReferrerTransaction: withdrawalOf(result.Value, now), ReferrerID: string(result.Value.Referrer.ID),
		Approvals: int64(len(result.Value.Withdrawal.ApprovedBy)),
	})
	out.revision = nil
	return out, nil
}

func (a *API) approvePayout(ctx context.Context, x *exchange, in *payoutInput) (reply[Payout], error) {
	req := a.command(ctx, x)
	result, err := a.commands.ApproveWithdrawal(ctx, req, commands.ApproveWithdrawal{TransactionID: in.ID})
	return payout(result, req.Now, err)
}

func (a *API) sendPayout(ctx context.Context, x *exchange, in *payoutInput) (reply[Payout], error) {
	req := a.command(ctx, x)
	result, err := a.commands.SendWithdrawal(ctx, req, commands.SendWithdrawal{TransactionID: in.ID})
	return payout(result, req.Now, err)
}

type rejectPayoutInput struct {
	ID   string `path:"id" example:"rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3"`
	Body struct {
		Reason string `json:"reason" maxLength:"500" example:"The account was reported."`
	} `nameHint:"PayoutRejection"`
}

func (a *API) rejectPayout(ctx context.Context, x *exchange, in *rejectPayoutInput) (reply[Payout], error) {
	req := a.command(ctx, x)
	result, err := a.commands.RejectWithdrawal(ctx, req, commands.RejectWithdrawal{
		TransactionID: in.ID, Reason: personal.New(in.Body.Reason),
	})
	return payout(result, req.Now, err)
}

type finishPayoutInput struct {
	ID   string `path:"id" example:"rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3"`
	Body struct {
		Outcome string `json:"outcome" doc:"paid, failed, unknown or returned." example:"paid"`
	} `nameHint:"PayoutResult"`
}

func (a *API) finishPayout(ctx context.Context, x *exchange, in *finishPayoutInput) (reply[Payout], error) {
	outcome := referrer.Outcome(in.Body.Outcome)
	if !outcome.Valid() {
		var wrong failure.Fields
		wrong.Add("outcome", input.CodeUnknown, "must be paid, failed, unknown or returned")
		return reply[Payout]{}, wrong.Err()
	}
	req := a.command(ctx, x)
	result, err := a.commands.FinishWithdrawal(ctx, req, commands.FinishWithdrawal{TransactionID: in.ID, Outcome: outcome})
	return payout(result, req.Now, err)
}
