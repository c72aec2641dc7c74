// Package payments is the read model of payments for tokens. A row holds the
// facts; what they come to is computed by the same functions as in the
// aggregate.
package payments

import (
	_ "embed"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "payments"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 3, Tables: tables, Indexes: indexes,
		Reducers: projections.Join(
			projections.On(requested), projections.On(opened), projections.On(completed), projections.On(expired),
			projections.On(failed), projections.On(succeeded), projections.On(refunded),
			projections.On(disputeOpened), projections.On(disputeClosed), projections.On(quarantined),
			projections.On(parked), projections.On(released), projections.On(rejected),
			projections.On(refundRequested), projections.On(refundRefused), projections.On(fulfilled),
		),
	}
}

const (
	table    = "payments"
	refunds  = "refunds"
	disputes = "disputes"
)

type (
	row    = projections.Row
	change = projections.Change
)

func requested(e payment.CheckoutRequested, r event.Recorded) []change {
	return []change{projections.Put(table, row{"id": e.PaymentID}, row{
		"organization_id": e.OrganizationID, "user_id": e.UserID, "product_id": e.ProductID, "quantity": e.Quantity,
		"unit_amount": e.UnitAmount, "currency": e.Currency, "tokens": e.Tokens, "live": e.Live,
		"revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

// patch sets columns of a payment.
func patch(name id.Payment, at time.Time, r event.Recorded, set row) change {
	set["revision"], set["updated_at"] = r.Revision, at
	return projections.Patch(table, row{"id": name}, set)
}

func opened(e payment.CheckoutSessionOpened, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"session_id": e.SessionID, "expire_at": e.ExpireAt})}
}

func completed(e payment.CheckoutSessionCompleted, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"completed": true})}
}

func expired(e payment.CheckoutSessionExpired, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"expired": true})}
}

func failed(e payment.Failed, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"failed": true})}
}

func succeeded(e payment.Succeeded, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{
		"paid_at": e.OccurredAt, "intent_id": e.IntentID, "charge_id": e.ChargeID, "invoice_id": e.InvoiceID,
		"amount_subtotal": e.AmountSubtotal, "amount_total": e.AmountTotal, "paid_currency": e.Currency,
	})}
}

func refunded(e payment.Refunded, r event.Recorded) []change {
	return []change{
		patch(e.PaymentID, e.OccurredAt, r, row{}),
		projections.Put(refunds, row{"payment_id": e.PaymentID, "id": e.RefundID}, row{"amount": e.Amount, "status": e.Status}),
	}
}

func disputeOpened(e payment.DisputeOpened, r event.Recorded) []change {
	return []change{
		patch(e.PaymentID, e.OccurredAt, r, row{}),
		projections.Merge(disputes, row{"payment_id": e.PaymentID, "id": e.DisputeID}, row{
			"amount": e.Amount, "funds_withdrawn": e.FundsWithdrawn,
		}),
	}
}

func disputeClosed(e payment.DisputeClosed, r event.Recorded) []change {
	return []change{
		patch(e.PaymentID, e.OccurredAt, r, row{}),
		projections.Merge(disputes, row{"payment_id": e.PaymentID, "id": e.DisputeID}, row{
			"amount": e.Amount, "outcome": e.Outcome,
		}),
	}
}

func quarantined(e payment.Quarantined, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"quarantine": e.Reason})}
}

func parked(e payment.Parked, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"parked": true})}
}

func released(e payment.Released, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"released": true})}
}

func rejected(e payment.Rejected, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{"rejected": true})}
}

func refundRequested(e payment.RefundRequested, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{})}
}

func refundRefused(e payment.RefundRefused, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{})}
}

func fulfilled(e payment.Fulfilled, r event.Recorded) []change {
	return []change{patch(e.PaymentID, e.OccurredAt, r, row{
		"token_transaction_id": e.TokenTransactionID, "fulfilled_at": e.OccurredAt,
	})}
}
