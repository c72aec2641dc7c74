package referrer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Refusals of this package.
var (
	ErrNotFound = failure.New(failure.NotFound, "REFERRER_NOT_FOUND",
		"there is no such referrer: people become one with POST /referrers")
	ErrSuspended = failure.New(failure.Conflict, "REFERRER_SUSPENDED",
		"this referrer is suspended")
	ErrPayoutMissing = failure.New(failure.Conflict, "PAYOUT_DETAILS_MISSING",
		"there is no payout method and email address to pay to: give them with POST /referrers")
	ErrBelowMinimum = failure.New(failure.Conflict, "WITHDRAWAL_BELOW_MINIMUM",
		"this is less than the smallest withdrawal")
	ErrInsufficient = failure.New(failure.Conflict, "EARNINGS_INSUFFICIENT",
		"this is more than what is available")
	ErrInProgress = failure.New(failure.Conflict, "WITHDRAWAL_IN_PROGRESS",
		"a withdrawal is under way")
	ErrWithdrawalNotFound = failure.New(failure.NotFound, "WITHDRAWAL_NOT_FOUND",
		"there is no such withdrawal")
	ErrApprovedBySame = failure.New(failure.Conflict, "WITHDRAWAL_APPROVED",
		"this person has approved the withdrawal already: another one must")
	ErrNotApproved = failure.New(failure.Conflict, "WITHDRAWAL_UNAPPROVED",
		"this withdrawal has not been approved")
	ErrSent = failure.New(failure.Conflict, "WITHDRAWAL_SENT",
		"this withdrawal has been sent already")
	ErrNotSent = failure.New(failure.Conflict, "WITHDRAWAL_UNSENT",
		"this withdrawal has not been sent")
	ErrFinished = failure.New(failure.Conflict, "WITHDRAWAL_FINISHED",
		"this withdrawal has ended otherwise")
)

// Method is how money is paid out.
type Method string

// The methods.
const (
	MethodPayPal       Method = "paypal"
	MethodBankTransfer Method = "bankTransfer"
)

// Methods returns all methods.
func Methods() []Method { return []Method{MethodPayPal, MethodBankTransfer} }

// Reason is why a payment earned no commission.
type Reason string

// The reasons.
const (
	ReasonCurrency         Reason = "otherCurrency"
	ReasonPeriodOver       Reason = "periodOver"
	ReasonSameOrganization Reason = "sameOrganization"
	ReasonSuspended        Reason = "referrerSuspended"
	ReasonNothing          Reason = "nothingToEarn"
)

// State is a referrer, folded from the stream.
type State struct {
	ID           id.Referrer
	UserID       id.User
	Code         string
	TermsVersion string
	PayoutMethod Method
	PayoutEmail  personal.Text
	Suspended    bool
	EnrolledAt   time.Time
	UpdatedAt    time.Time

	// Sequence is that of the last entry.
	Sequence int64
	// Commissions are in the order of the payments' ids, with those that were
	// denied. What they point to is never changed.
	Commissions []*Commission
	// Withdrawals are in the order of their sequences, and never changed.
	Withdrawals []*Withdrawal
}

// Commission is what a payment earned.
type Commission struct {
	PaymentID id.Payment
	// Reason is why it earned nothing; then all that follows is zero.
	Reason     Reason
	Sequence   int64
	CampaignID id.Campaign
	Amount     int64
	Reversed   int64
	Currency   string
	MaturesAt  time.Time
	// Matured says that this has been recorded.
	Matured  bool
	Disputed bool
}

// Net is what is left of it.
func (c Commission) Net() int64 { return c.Amount - c.Reversed }

// Held tells whether it cannot be withdrawn at a time.
func (c Commission) Held(at time.Time) bool { return c.Disputed || at.Before(c.MaturesAt) }

// Status is how far a withdrawal has come.
type Status string

// The statuses.
const (
	StatusRequested Status = "requested"
	StatusApproved  Status = "approved"
	StatusSent      Status = "sent"
	StatusUncertain Status = "uncertain"
	StatusPaid      Status = "paid"
	StatusFailed    Status = "failed"
	StatusRejected  Status = "rejected"
	StatusStopped   Status = "stopped"
	StatusReturned  Status = "returned"
)

// Withdrawal is money on its way to the referrer.
type Withdrawal struct {
	Sequence     int64
	Amount       int64
	Currency     string
	Status       Status
	PayoutMethod Method
	PayoutEmail  personal.Text
	// ApprovedBy are those who approved it, in their order.
	ApprovedBy  []string
	Reference   string
	RequestedAt time.Time
}

// Open tells whether the amount is reserved for it.
func (w Withdrawal) Open() bool { return w.unsent() || w.underway() }

// unsent tells whether it can still be stopped.
func (w Withdrawal) unsent() bool { return w.Status == StatusRequested || w.Status == StatusApproved }

// underway tells whether its end is not known.
func (w Withdrawal) underway() bool { return w.Status == StatusSent || w.Status == StatusUncertain }

// Balance is where the money is: see the package comment.
type Balance struct{ Earned, Held, Available, Withdrawing, Withdrawn, Carried int64 }

// Balance is that at a time.
func (s State) Balance(at time.Time) Balance {
	var b Balance
	for _, c := range s.Commissions {
		b.Earned += c.Net()
		if c.Held(at) {
			b.Held += c.Net()
		}
	}
	for _, w := range s.Withdrawals {
		switch {
		case w.Open():
			b.Withdrawing += w.Amount
		case w.Status == StatusPaid:
			b.Withdrawn += w.Amount
		}
	}
	return b.settled()
}

// settled fills in what follows from the rest.
func (b Balance) settled() Balance {
	left := b.Earned - b.Held - b.Withdrawing - b.Withdrawn
	b.Available, b.Carried = max(left, 0), max(-left, 0)
	return b
}

// BalanceOf is the balance that follows from its other parts.
func BalanceOf(earned, held, withdrawing, withdrawn int64) Balance {
	return Balance{Earned: earned, Held: held, Withdrawing: withdrawing, Withdrawn: withdrawn}.settled()
}

// Commission finds what a payment earned, or that it was denied.
func (s State) Commission(of id.Payment) (Commission, bool) {
	i, found := s.place(of)
	if !found {
		return Commission{}, false
	}
	return *s.Commissions[i], true
}

func (s State) place(of id.Payment) (int, bool) {
	return slices.BinarySearchFunc(s.Commissions, of, func(c *Commission, of id.Payment) int { return cmp.Compare(c.PaymentID, of) })
}

// Withdrawal finds a withdrawal.
func (s State) Withdrawal(sequence int64) (Withdrawal, bool) {
	for _, w := range s.Withdrawals {
		if w.Sequence == sequence {
			return *w, true
		}
	}
	return Withdrawal{}, false
}

// open is the withdrawal that is under way, if there is one.
func (s State) open() (Withdrawal, bool) {
	for _, w := range s.Withdrawals {
		if w.Open() {
			return *w, true
		}
	}
	return Withdrawal{}, false
}

// RequireNoWithdrawal is ErrInProgress while a withdrawal is under way.
func (s State) RequireNoWithdrawal() error {
	if _, open := s.open(); open {
		return ErrInProgress
	}
	return nil
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Enrolled:
		return State{
			ID: e.ReferrerID, UserID: e.UserID, Code: e.Code, TermsVersion: e.TermsVersion,
			PayoutMethod: e.PayoutMethod, PayoutEmail: e.PayoutEmail, EnrolledAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case TermsAccepted:
		s.TermsVersion, s.UpdatedAt = e.TermsVersion, e.OccurredAt
	case PayoutChanged:
		s.PayoutMethod, s.PayoutEmail, s.UpdatedAt = e.PayoutMethod, e.PayoutEmail, e.OccurredAt
	case Suspended:
		s.Suspended, s.UpdatedAt = true, e.OccurredAt
	case Reinstated:
		s.Suspended, s.UpdatedAt = false, e.OccurredAt
	case CommissionEarned:
		s.Sequence = e.Sequence
		return s.withCommission(Commission{
			PaymentID: e.PaymentID, Sequence: e.Sequence, CampaignID: e.CampaignID, Amount: e.Amount, Currency: e.Currency, MaturesAt: e.MaturesAt,
		})
	case CommissionDenied:
		return s.withCommission(Commission{PaymentID: e.PaymentID, Reason: e.Reason})
	case CommissionMatured:
		return s.changed(e.PaymentID, func(c *Commission) { c.Matured = true })
	case CommissionReversed:
		s.Sequence = e.Sequence
		return s.changed(e.PaymentID, func(c *Commission) { c.Reversed = c.Amount - e.Remaining })
	case CommissionRestored:
		s.Sequence = e.Sequence
		return s.changed(e.PaymentID, func(c *Commission) { c.Reversed = c.Amount - e.Remaining })
	case CommissionHeld:
		return s.changed(e.PaymentID, func(c *Commission) { c.Disputed = true })
	case CommissionReleased:
		return s.changed(e.PaymentID, func(c *Commission) { c.Disputed = false })
	default:
		return s.applyWithdrawal(e)
	}
	return s
}

func (s State) applyWithdrawal(e event.Event) State {
	move := func(sequence int64, to Status) State {
		return s.moved(sequence, func(w *Withdrawal) { w.Status = to })
	}
	switch e := e.(type) {
	case WithdrawalRequested:
		s.Sequence = e.Sequence
		s.Withdrawals = append(slices.Clone(s.Withdrawals), &Withdrawal{
			Sequence: e.Sequence, Amount: e.Amount, Currency: e.Currency, Status: StatusRequested,
			PayoutMethod: e.PayoutMethod, PayoutEmail: e.PayoutEmail, RequestedAt: e.OccurredAt,
		})
	case WithdrawalApproved:
		return s.moved(e.Sequence, func(w *Withdrawal) {
			w.ApprovedBy = append(slices.Clone(w.ApprovedBy), e.ApprovedBy)
			if e.Final {
				w.Status = StatusApproved
			}
		})
	case WithdrawalSent:
		return s.moved(e.Sequence, func(w *Withdrawal) { w.Status, w.Reference = StatusSent, e.Reference })
	case WithdrawalRejected:
		return move(e.Sequence, StatusRejected)
	case WithdrawalStopped:
		return move(e.Sequence, StatusStopped)
	case WithdrawalUncertain:
		return move(e.Sequence, StatusUncertain)
	case WithdrawalPaid:
		return move(e.Sequence, StatusPaid)
	case WithdrawalFailed:
		return move(e.Sequence, StatusFailed)
	case WithdrawalReturned:
		s.Sequence = e.Sequence
		return s.moved(e.Withdrawal, func(w *Withdrawal) { w.Status = StatusReturned })
	}
	return s
}

func (s State) withCommission(c Commission) State {
	i, found := s.place(c.PaymentID)
	if found {
		return s
	}
	s.Commissions = slices.Insert(slices.Clone(s.Commissions), i, &c)
	return s
}

func (s State) changed(of id.Payment, change func(*Commission)) State {
	if i, found := s.place(of); found {
		c := *s.Commissions[i]
		change(&c)
		s.Commissions = slices.Clone(s.Commissions)
		s.Commissions[i] = &c
	}
	return s
}

func (s State) moved(sequence int64, change func(*Withdrawal)) State {
	i := slices.IndexFunc(s.Withdrawals, func(w *Withdrawal) bool { return w.Sequence == sequence })
	if i < 0 {
		return s
	}
	w := *s.Withdrawals[i]
	change(&w)
	s.Withdrawals = slices.Clone(s.Withdrawals)
	s.Withdrawals[i] = &w
	return s
}

const transactionPrefix = "rtx_"

// TransactionID is the public id of an entry of a referrer's account.
func TransactionID(of id.Referrer, sequence int64) string {
	return transactionPrefix + strings.TrimPrefix(string(of), of.Prefix()+"_") + "_" + strconv.FormatInt(sequence, 10)
}

// ParseTransactionID reads what TransactionID wrote.
func ParseTransactionID(name string) (of id.Referrer, sequence int64, ok bool) {
	rest, ok := strings.CutPrefix(name, transactionPrefix)
	if !ok {
		return "", 0, false
	}
	account, number, _ := strings.Cut(rest, "_")
	sequence, err := strconv.ParseInt(number, 10, 64)
	if err != nil || sequence < 1 {
		return "", 0, false
	}
	of = id.Referrer(of.Prefix() + "_" + account)
	return of, sequence, id.Valid(of) && TransactionID(of, sequence) == name
}
