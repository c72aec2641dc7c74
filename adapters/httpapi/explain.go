package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/referrals"
)

// ExplainedStep is one of the events that a transaction follows from.
type ExplainedStep struct {
	At       Time   `json:"at"`
	Sentence string `json:"sentence" example:"The payment pay_01jd9z3q5we8x9v6m2k4t7r1b9 earned 980 eur: 2000 hundredths of a percent of 4900, by rule 1."`
	EventID  string `json:"eventId" format:"uuid" example:"0b5e55ed-0000-5000-8000-000000000001"`
	Event    string `json:"event" doc:"The stored name of the event." example:"CommissionEarned"`
}

// Explanation is what a transaction follows from.
type Explanation struct {
	Transaction ReferrerTransaction `json:"transaction"`
	Steps       []ExplainedStep     `json:"steps" doc:"In the order in which they happened, as far as they are about one thing."`
}

func (a *API) registerExplanations() {
	register(a, operation{
		id: "explainReferrerTransaction", method: http.MethodGet, path: "/referrer-transactions/{id}/explain", tag: tagReferrers,
		summary: "Explain referrer transaction",
		description: "The events that a transaction of the caller follows from: the click, the registration, the payment and the rule of a commission, " +
			"and each step of a withdrawal.",
		authorization: ownData(), reads: []string{referrals.Name}, message: "the explanation", fails: []error{referrals.ErrTransactionNotFound},
	}, a.explainTransaction)
}

func (a *API) explainTransaction(ctx context.Context, x *exchange, in *referrerTransactionInput) (reply[Explanation], error) {
	if _, _, ok := referrer.ParseTransactionID(in.ID); !ok {
		return reply[Explanation]{}, referrals.ErrTransactionNotFound
	}
	own := id.ReferrerOf(x.principal.UserID)
	t, err := a.queries.Referrals.Transaction(ctx, own, in.ID, time.Now())
	if err != nil {
		return reply[Explanation]{}, err
	}
	e := &explaining{api: a, of: t, steps: []ExplainedStep{}}
	if err := e.account(ctx, own); err != nil {
		return reply[Explanation]{}, err
	}
	if e.person != "" {
		before, err := e.origin(ctx)
		if err != nil {
			return reply[Explanation]{}, err
		}
		paid, err := e.payment(ctx)
		if err != nil {
			return reply[Explanation]{}, err
		}
		e.steps = slices.Concat(before, paid, e.steps)
		slices.SortStableFunc(e.steps, func(a, b ExplainedStep) int { return a.At.Compare(b.At.Time) })
	}
	return reply[Explanation]{data: Explanation{Transaction: referrerTransactionOf(t), Steps: e.steps}}, nil
}

// explaining collects the steps of a transaction.
type explaining struct {
	api   *API
	of    referrals.Transaction
	steps []ExplainedStep
	// person is who was referred, once it is known.
	person id.User
}

func step(r event.Recorded, at time.Time, format string, args ...any) ExplainedStep {
	return ExplainedStep{At: Time{at}, Sentence: fmt.Sprintf(format, args...), EventID: r.ID.String(), Event: r.Event.EventType()}
}

// account collects what happened to the transaction in the referrer's account.
func (e *explaining) account(ctx context.Context, own id.Referrer) error {
	withdrawal := e.of.Sequence
	if e.of.Type == referrals.TypeReturn {
		_, withdrawal, _ = referrer.ParseTransactionID(e.of.WithdrawalID)
	}
	for r, err := range e.api.events(ctx, referrer.Aggregate.Stream(own)) {
		if err != nil {
			return err
		}
		if s, mine := e.ofPayment(r); mine {
			e.steps = append(e.steps, s)
		} else if s, mine := ofWithdrawal(r, withdrawal); mine && e.of.PaymentID == "" {
			e.steps = append(e.steps, s)
		}
	}
	return nil
}

// ofPayment is the step of an event about the commission on the payment.
func (e *explaining) ofPayment(r event.Recorded) (ExplainedStep, bool) {
	of := e.of.PaymentID
	switch v := r.Event.(type) {
	case referrer.CommissionEarned:
		if v.PaymentID == of {
			e.person = v.UserID
		}
		return step(r, v.OccurredAt, "The payment %s earned %d %s: %d hundredths of a percent of %d, by rule %d. It matures at %s.",
			v.PaymentID, v.Amount, v.Currency, v.RateBasisPoints, v.Base, v.RuleVersion, v.MaturesAt.UTC().Format(timeLayout)), v.PaymentID == of
	case referrer.CommissionMatured:
		return step(r, v.OccurredAt, "The commission can be withdrawn since %s.", v.MaturesAt.UTC().Format(timeLayout)), v.PaymentID == of
	case referrer.CommissionReversed:
		return step(r, v.OccurredAt, "%d were taken back, because money of the payment was returned: %d are left.", v.Amount, v.Remaining), v.PaymentID == of
	case referrer.CommissionRestored:
		return step(r, v.OccurredAt, "%d were given back, because the payer's refund failed or a dispute was decided otherwise: %d are left.", v.Amount, v.Remaining), v.PaymentID == of
	case referrer.CommissionHeld:
		return step(r, v.OccurredAt, "The commission is held, because the payment is disputed."), v.PaymentID == of
	case referrer.CommissionReleased:
		return step(r, v.OccurredAt, "The commission is not held by a dispute any more."), v.PaymentID == of
	}
	return ExplainedStep{}, false
}

// ofWithdrawal is the step of an event about a withdrawal.
func ofWithdrawal(r event.Recorded, of int64) (ExplainedStep, bool) {
	switch v := r.Event.(type) {
	case referrer.WithdrawalRequested:
		return step(r, v.OccurredAt, "%d %s were reserved for a withdrawal.", v.Amount, v.Currency), v.Sequence == of
	case referrer.WithdrawalApproved:
		return step(r, v.OccurredAt, "A person of finance approved it; another one is needed: %t.", !v.Final), v.Sequence == of
	case referrer.WithdrawalRejected:
		return step(r, v.OccurredAt, "Finance rejected it, and the amount was given back."), v.Sequence == of
	case referrer.WithdrawalStopped:
		return step(r, v.OccurredAt, "It was stopped before it was sent, because the reversal of the commission on %s took what was reserved.", v.PaymentID), v.Sequence == of
	case referrer.WithdrawalSent:
		return step(r, v.OccurredAt, "The payment was ordered."), v.Sequence == of
	case referrer.WithdrawalUncertain:
		return step(r, v.OccurredAt, "It is not known whether it was paid: it is asked about, and not sent again."), v.Sequence == of
	case referrer.WithdrawalPaid:
		return step(r, v.OccurredAt, "It was paid."), v.Sequence == of
	case referrer.WithdrawalFailed:
		return step(r, v.OccurredAt, "It was not paid, and the amount was given back."), v.Sequence == of
	case referrer.WithdrawalReturned:
		return step(r, v.OccurredAt, "The money came back, and %d %s were given back.", v.Amount, v.Currency), v.Withdrawal == of
	}
	return ExplainedStep{}, false
}

// payment collects what became of the payment: that is what the commission follows.
func (e *explaining) payment(ctx context.Context) ([]ExplainedStep, error) {
	var steps []ExplainedStep
	for r, err := range e.api.events(ctx, payment.Aggregate.Stream(e.of.PaymentID)) {
		if err != nil {
			return nil, err
		}
		switch v := r.Event.(type) {
		case payment.Succeeded:
			steps = append(steps, step(r, v.OccurredAt, "The payment %s was made: %d %s, of which %d before tax.", v.PaymentID, v.AmountTotal, v.Currency, v.AmountSubtotal))
		case payment.Refunded:
			steps = append(steps, step(r, v.OccurredAt, "A refund of %d to the payer: %s.", v.Amount, v.Status))
		case payment.DisputeOpened:
			steps = append(steps, step(r, v.OccurredAt, "The payer disputed %d; the money was taken meanwhile: %t.", v.Amount, v.FundsWithdrawn))
		case payment.DisputeClosed:
			steps = append(steps, step(r, v.OccurredAt, "The dispute about %d was %s.", v.Amount, v.Outcome))
		}
	}
	return steps, nil
}

// origin collects how the person came: the click, the registration, and what was
// decided about it.
func (e *explaining) origin(ctx context.Context) ([]ExplainedStep, error) {
	var steps []ExplainedStep
	for r, err := range e.api.events(ctx, user.Aggregate.Stream(e.person)) {
		if err != nil {
			return nil, err
		}
		v, ok := r.Event.(user.Registered)
		if !ok {
			continue
		}
		if v.Click != nil {
			clicked, err := e.click(ctx, v.Click)
			if err != nil {
				return nil, err
			}
			steps = append(steps, clicked...)
		}
		steps = append(steps, step(r, v.OccurredAt, "A person registered who came %s.", came(v)))
		break
	}
	for r, err := range e.api.events(ctx, referral.Aggregate.Stream(id.ReferralOf(e.person))) {
		if err != nil {
			return nil, err
		}
		if v, ok := r.Event.(referral.Attributed); ok {
			steps = append(steps, step(r, v.OccurredAt, "The registration was attributed to this referrer by rule %d: %d hundredths of a percent for %d months, held for %d days.",
				v.Rule.Version, v.Rule.RateBasisPoints, v.Rule.Months, v.Rule.HoldDays))
		}
	}
	return steps, nil
}

func came(v user.Registered) string {
	if v.Click != nil {
		return "by a click on a link"
	}
	return "with a code"
}

// click finds a click in the segment that its id names. It may not have been
// recorded yet.
func (e *explaining) click(ctx context.Context, c *user.Click) ([]ExplainedStep, error) {
	at := strings.LastIndexByte(c.ID, '-')
	if at < 0 {
		return nil, nil
	}
	for r, err := range e.api.events(ctx, click.Aggregate.Stream(click.SegmentID(c.ID[:at]))) {
		if err != nil {
			return nil, err
		}
		if _, ok := r.Event.(click.Recorded); ok {
			return []ExplainedStep{step(r, c.At, "The link was clicked: click %s, under rule %d.", c.ID, c.RuleVersion)}, nil
		}
	}
	return nil, nil
}
