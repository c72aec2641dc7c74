package payments

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/view"
)

// Payment is one payment with all that is known of it.
type Payment struct {
	ID             id.Payment      `db:"id"`
	OrganizationID id.Organization `db:"organization_id"`
	UserID         id.User         `db:"user_id"`
	ProductID      string          `db:"product_id"`
	Quantity       int64           `db:"quantity"`
	UnitAmount     int64           `db:"unit_amount"`
	Currency       string          `db:"currency"`
	Tokens         int64           `db:"tokens"`
	Live           bool            `db:"live"`
	SessionID      string          `db:"session_id"`
	ExpireAt       time.Time       `db:"expire_at"`
	Completed      bool            `db:"completed"`
	Expired        bool            `db:"expired"`
	Failed         bool            `db:"failed"`
	// PaidAt is zero until the money is there; so are then the members after it.
	PaidAt         time.Time `db:"paid_at"`
	IntentID       string    `db:"intent_id"`
	ChargeID       string    `db:"charge_id"`
	InvoiceID      string    `db:"invoice_id"`
	AmountSubtotal int64     `db:"amount_subtotal"`
	AmountTotal    int64     `db:"amount_total"`
	PaidCurrency   string    `db:"paid_currency"`

	Refunds  []payment.Refund  `db:"refunds"`
	Disputes []payment.Dispute `db:"disputes"`

	Quarantine         payment.QuarantineReason `db:"quarantine"`
	Parked             bool                     `db:"parked"`
	Released           bool                     `db:"released"`
	Rejected           bool                     `db:"rejected"`
	TokenTransactionID string                   `db:"token_transaction_id"`
	FulfilledAt        time.Time                `db:"fulfilled_at"`
	Revision           event.Revision           `db:"revision"`
	CreatedAt          time.Time                `db:"created_at"`
	UpdatedAt          time.Time                `db:"updated_at"`
}

// Of returns a payment as the model shows it, but for the revision, which a state
// does not hold.
func Of(s payment.State) Payment {
	p := Payment{
		ID: s.ID, OrganizationID: s.OrganizationID, UserID: s.UserID, ProductID: s.ProductID, Quantity: s.Quantity,
		UnitAmount: s.UnitAmount, Currency: s.Currency, Tokens: s.Tokens, Live: s.Live,
		SessionID: s.SessionID, ExpireAt: s.ExpireAt, Completed: s.Completed, Expired: s.Expired, Failed: s.Failed,
		Refunds: s.Refunds, Disputes: s.Disputes, Quarantine: s.Quarantine, Parked: s.Parked, Released: s.Released,
		Rejected: s.Rejected, TokenTransactionID: s.TokenTransactionID, FulfilledAt: s.FulfilledAt,
		CreatedAt: s.RequestedAt, UpdatedAt: s.UpdatedAt,
	}
	if paid := s.Paid; paid != nil {
		p.PaidAt, p.IntentID, p.ChargeID, p.InvoiceID = paid.At, paid.IntentID, paid.ChargeID, paid.InvoiceID
		p.AmountSubtotal, p.AmountTotal, p.PaidCurrency = paid.AmountSubtotal, paid.AmountTotal, paid.Currency
	}
	return p
}

// State is the payment as the aggregate knows it, as far as the model does: it
// says what the facts come to. Paths, refund requests and the mode of what was
// paid are not in the model.
func (p Payment) State() payment.State {
	s := payment.State{
		ID: p.ID, OrganizationID: p.OrganizationID, UserID: p.UserID, ProductID: p.ProductID, Quantity: p.Quantity,
		UnitAmount: p.UnitAmount, Currency: p.Currency, Tokens: p.Tokens, Live: p.Live, RequestedAt: p.CreatedAt,
		SessionID: p.SessionID, ExpireAt: p.ExpireAt, Completed: p.Completed, Expired: p.Expired, Failed: p.Failed,
		Refunds: p.Refunds, Disputes: p.Disputes, Quarantine: p.Quarantine, Parked: p.Parked, Released: p.Released,
		Rejected: p.Rejected, TokenTransactionID: p.TokenTransactionID, FulfilledAt: p.FulfilledAt, UpdatedAt: p.UpdatedAt,
	}
	if !p.PaidAt.IsZero() {
		s.Paid = &payment.Paid{
			IntentID: p.IntentID, ChargeID: p.ChargeID, InvoiceID: p.InvoiceID, AmountSubtotal: p.AmountSubtotal,
			AmountTotal: p.AmountTotal, Currency: p.PaidCurrency, Live: p.Live, At: p.PaidAt,
		}
	}
	return s
}

// Holding is why the tokens of a payment are kept back, or what was decided.
type Holding string

// The holdings. A payment that is kept back and was refunded is settled.
const (
	HoldingNone        Holding = "none"
	HoldingQuarantined Holding = "quarantined"
	HoldingParked      Holding = "parked"
	HoldingReleased    Holding = "released"
	HoldingRejected    Holding = "rejected"
	HoldingRefunded    Holding = "refunded"
)

// Holding is why the tokens of the payment are kept back, or what was decided: what
// the filter of the list calls it.
func (p Payment) Holding() Holding {
	s := p.State()
	var refunded int64
	for _, r := range s.Refunds {
		if r.Status == payment.RefundSucceeded {
			refunded += r.Amount
		}
	}
	switch {
	case s.Quarantine == "" && !s.Parked:
		return HoldingNone
	case s.Rejected:
		return HoldingRejected
	case s.Released:
		return HoldingReleased
	case p.AmountTotal <= refunded:
		return HoldingRefunded
	case s.Quarantine != "":
		return HoldingQuarantined
	default:
		return HoldingParked
	}
}

const holding = `CASE
	WHEN p.quarantine = '' AND NOT p.parked THEN 'none'
	WHEN p.rejected THEN 'rejected'
	WHEN p.released THEN 'released'
	WHEN p.amount_total <= (SELECT coalesce(sum(r.amount), 0) FROM payments.refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded') THEN 'refunded'
	WHEN p.quarantine <> '' THEN 'quarantined'
	ELSE 'parked' END`

// List declares the list of payments.
var List = list.Spec{
	Sorts: []list.Sort{
		{Name: "createdAt", Expression: "p.created_at", Kind: list.Time},
		{Name: "updatedAt", Expression: "p.updated_at", Kind: list.Time},
	},
	DefaultSort: "createdAt:desc",
	Filters: []list.Filter{
		{
			Name: "holding", Expression: holding,
			Values: list.Values(HoldingNone, HoldingQuarantined, HoldingParked, HoldingReleased, HoldingRejected, HoldingRefunded),
			Doc:    "Only payments whose tokens are kept back for one of these reasons, or about which this was decided.",
		},
		{Name: "organizationId", Expression: "p.organization_id", Doc: "Only payments of these organizations."},
		{Name: "sessionId", Expression: "p.session_id", Doc: "Only the payments of these checkout sessions."},
	},
}

// Queries read the model. They are safe for concurrent use.
type Queries struct {
	// Get and OfSession find a payment. They fail with payment.ErrNotFound.
	Get       func(context.Context, id.Payment) (Payment, error)
	OfSession func(ctx context.Context, sessionID string) (Payment, error)
	// List lists the payments of all organizations.
	List func(context.Context, list.Request) (list.Page[Payment], error)
	// Since lists all payments that were begun since a time, by their age.
	Since func(context.Context, time.Time) ([]Payment, error)
	// Unfulfilled lists all payments whose money is there and whose tokens are due
	// and not granted yet, by their age.
	Unfulfilled func(context.Context) ([]Payment, error)
}

// NewQueries returns the queries on a database.
func NewQueries(db view.DB) Queries {
	r := reader{db}
	return Queries{Get: r.get, OfSession: r.ofSession, List: r.list, Since: r.since, Unfulfilled: r.unfulfilled}
}

type reader struct{ db view.DB }

var columns = view.Of[Payment]("p", map[string]string{
	"refunds": `(SELECT jsonb_agg(jsonb_build_object('ID', r.id, 'Amount', r.amount, 'Status', r.status) ORDER BY r.id COLLATE "C")
		FROM payments.refunds r WHERE r.payment_id = p.id)`,
	"disputes": `(SELECT jsonb_agg(jsonb_build_object('ID', d.id, 'Amount', d.amount, 'FundsWithdrawn', d.funds_withdrawn, 'Outcome', d.outcome)
		ORDER BY d.id COLLATE "C") FROM payments.disputes d WHERE d.payment_id = p.id)`,
})

func (r reader) get(ctx context.Context, name id.Payment) (Payment, error) {
	return columns.First(ctx, r.db, payment.ErrNotFound, "FROM payments.payments p WHERE p.id = @id", pgx.NamedArgs{"id": string(name)})
}

func (r reader) ofSession(ctx context.Context, sessionID string) (Payment, error) {
	if sessionID == "" {
		return Payment{}, payment.ErrNotFound
	}
	return columns.First(ctx, r.db, payment.ErrNotFound, "FROM payments.payments p WHERE p.session_id = @session",
		pgx.NamedArgs{"session": sessionID})
}

func (r reader) list(ctx context.Context, request list.Request) (list.Page[Payment], error) {
	return list.Source[Payment]{
		Spec: List, Columns: columns, From: "FROM payments.payments p WHERE true", Args: pgx.NamedArgs{}, ID: "p.id",
	}.Read(ctx, r.db, request)
}

func (r reader) since(ctx context.Context, since time.Time) ([]Payment, error) {
	return r.all(ctx, "p.created_at >= @since", pgx.NamedArgs{"since": since})
}

func (r reader) unfulfilled(ctx context.Context) ([]Payment, error) {
	return r.all(ctx, `p.paid_at IS NOT NULL AND p.fulfilled_at IS NULL AND NOT p.rejected
		AND (p.released OR p.quarantine = '' AND NOT p.parked)`, nil)
}

func (r reader) all(ctx context.Context, where string, args pgx.NamedArgs) ([]Payment, error) {
	rows, err := r.db.Query(ctx, "SELECT "+columns.SQL()+" FROM payments.payments p WHERE "+where+" ORDER BY p.created_at, p.id", args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, columns.Scan)
}
