package commands

import (
	"cmp"
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
)

// The paths of the pages that a payer comes back to unless others are asked for.
const (
	DefaultSuccessPath = "/checkout/success"
	DefaultCancelPath  = "/checkout/cancelled"
)

// OpenCheckout begins a payment of the organization that the caller acts in.
// Price and tokens are those of the catalogue, and are frozen into the payment.
// It fails with ErrPaymentsUnavailable; repeating it then goes on with the same
// payment.
type OpenCheckout struct {
	ProductID string
	Quantity  int64
	// SuccessPath and CancelPath are below the public address; empty for the
	// defaults.
	SuccessPath, CancelPath string
}

// OpenedPayment is a payment, with where the payer goes.
type OpenedPayment struct {
	Payment payment.State
	// URL is empty once the session is over.
	URL string
}

func (x *executor) openCheckout(ctx context.Context, req Request, c OpenCheckout) (Result[OpenedPayment], error) {
	if err := req.Principal.Require(access.Checkout); err != nil {
		return Result[OpenedPayment]{}, err
	}
	organizationID := req.Principal.OrganizationID
	if deleted, err := x.deleted(ctx, organizationID); err != nil || deleted {
		return Result[OpenedPayment]{}, cmp.Or(err, error(organization.ErrNotFound))
	}
	product, known := x.catalogue.Product(c.ProductID)
	if !known {
		var wrong failure.Fields
		wrong.Add("productId", input.CodeUnknown, "is not one of the products of GET /payments/products")
		return Result[OpenedPayment]{}, wrong.Err()
	}
	name, err := id.New[id.Payment](req.IDs())
	if err != nil {
		return Result[OpenedPayment]{}, err
	}
	requested, err := execute(ctx, x, req, change[payment.State]{
		of: ref(payment.Aggregate, name), organization: organizationID,
		decide: func(s payment.State) ([]event.Event, error) {
			if s.ID != "" {
				return nil, nil
			}
			e, err := payment.Request(payment.Checkout{
				ID: name, OrganizationID: organizationID, UserID: req.Principal.UserID,
				ProductID: product.ID, UnitAmount: product.UnitAmount, UnitTokens: product.Tokens, Currency: product.Currency,
				Quantity: c.Quantity, SuccessPath: c.SuccessPath, CancelPath: c.CancelPath, Live: x.payments.Live(),
			}, req.at())
			if err != nil {
				return nil, err
			}
			return []event.Event{e}, nil
		},
	})
	if err != nil {
		return Result[OpenedPayment]{}, err
	}
	session, err := x.sessionOf(ctx, requested.State, product)
	if err != nil {
		return Result[OpenedPayment]{}, err
	}
	o, err := x.changePayment(ctx, req, name, func(s payment.State) ([]event.Event, error) {
		return s.OpenSession(session.SessionID, session.ExpireAt, req.at())
	})
	if err != nil {
		return Result[OpenedPayment]{}, err
	}
	return Result[OpenedPayment]{
		Value: OpenedPayment{Payment: o.State, URL: session.URL}, Revision: o.Revision, Position: o.Position,
	}, nil
}

// sessionOf is the payment's session, which is opened unless it is open already.
func (x *executor) sessionOf(ctx context.Context, s payment.State, product payment.Product) (OpenedCheckout, error) {
	if s.SessionID != "" {
		return x.payments.Checkout(ctx, s.SessionID)
	}
	return x.payments.OpenCheckout(ctx, NewCheckout{
		PaymentID: s.ID, OrganizationID: s.OrganizationID, Name: product.Name, Description: product.Description,
		UnitAmount: s.UnitAmount, Quantity: s.Quantity, Currency: s.Currency,
		SuccessPath: cmp.Or(s.SuccessPath, DefaultSuccessPath), CancelPath: cmp.Or(s.CancelPath, DefaultCancelPath),
	})
}
