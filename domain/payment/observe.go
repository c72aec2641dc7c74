package payment

import (
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// Observed is a payment as the provider shows it at one moment. It may be older
// than what is known already.
type Observed struct {
	// SessionID is the provider's, ExpireAt when the provider ends the session.
	SessionID string
	ExpireAt  time.Time
	Completed bool
	Expired   bool
	// Failed says that the payer went through the session, and that the money did
	// not come.
	Failed bool
	// Paid is nil while the money is not there.
	Paid     *Paid
	Refunds  []Refund
	Disputes []Dispute
}

// Observe notes all that is new in what the provider shows. It fails with
// ErrSessionOpened if that is the session of another payment.
func (s State) Observe(o Observed, organizationDeleted bool, at time.Time) ([]event.Event, error) {
	var all []event.Event
	steps := []func() ([]event.Event, error){
		func() ([]event.Event, error) { return s.OpenSession(o.SessionID, o.ExpireAt, at) },
	}
	add := func(happened bool, step func() ([]event.Event, error)) {
		if happened {
			steps = append(steps, step)
		}
	}
	add(o.Completed, func() ([]event.Event, error) { return s.Complete(at) })
	add(o.Expired, func() ([]event.Event, error) { return s.Expire(at) })
	add(o.Failed, func() ([]event.Event, error) { return s.Fail(at) })
	add(o.Paid != nil, func() ([]event.Event, error) { return s.Succeed(*o.Paid, organizationDeleted, at) })
	for _, r := range o.Refunds {
		add(true, func() ([]event.Event, error) { return s.NoteRefund(r, at) })
	}
	for _, d := range o.Disputes {
		add(true, func() ([]event.Event, error) { return s.NoteDispute(d, at) })
	}
	for _, step := range steps {
		events, err := step()
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			s = Apply(s, e)
		}
		all = append(all, events...)
	}
	return all, nil
}

// Fact names what an event of the provider says: the object that it is about,
// and what became of it. The same fact has the same name, no matter who reports it
// and how often. It is empty for events that are decisions of our own.
func Fact(e event.Event) string {
	switch e := e.(type) {
	case CheckoutSessionOpened:
		return "session/" + e.SessionID + "/opened"
	case CheckoutSessionCompleted:
		return "session/" + e.SessionID + "/completed"
	case CheckoutSessionExpired:
		return "session/" + e.SessionID + "/expired"
	case Failed:
		return "session/" + e.SessionID + "/failed"
	case Succeeded:
		return "session/" + e.SessionID + "/paid"
	case Refunded:
		return about("refund", e.RefundID, string(e.Status), e.Amount)
	case DisputeOpened:
		if e.FundsWithdrawn {
			return about("dispute", e.DisputeID, "withdrawn", e.Amount)
		}
		return about("dispute", e.DisputeID, "opened", e.Amount)
	case DisputeClosed:
		return about("dispute", e.DisputeID, string(e.Outcome), e.Amount)
	case Quarantined:
		return "payment/" + string(e.PaymentID) + "/quarantined"
	case Parked:
		return "payment/" + string(e.PaymentID) + "/parked"
	}
	return ""
}

// about names a fact with an amount, which the provider may correct.
func about(kind, name, status string, amount int64) string {
	return kind + "/" + name + "/" + status + "/" + strconv.FormatInt(amount, 10)
}
