package policies

import (
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/payment"
)

// What a payment owes follows from all that is known of it, so that each of
// these policies does the same: it brings the token account to where the payment
// wants it now. It does not matter which of them comes first.
var following = Options{Grants: []access.Permission{access.FollowPayments, access.GrantTokens}}

func fulfil(c *commands.Commands) commands.Handler[commands.FulfilPayment, payment.State] {
	return c.FulfilPayment
}

// FulfilPaidPayment is the name of the policy that grants what was paid.
const FulfilPaidPayment = "fulfil-paid-payment"

func fulfilPaidPayment() Policy {
	return Issue(FulfilPaidPayment, FromBeginning(), following, fulfil,
		func(e payment.Succeeded) commands.FulfilPayment {
			return commands.FulfilPayment{PaymentID: e.PaymentID}
		})
}

func fulfilReleasedPayment() Policy {
	return Issue("fulfil-released-payment", FromBeginning(), following, fulfil,
		func(e payment.Released) commands.FulfilPayment { return commands.FulfilPayment{PaymentID: e.PaymentID} })
}

func followRefund() Policy {
	return Issue("follow-refund", FromBeginning(), following, fulfil,
		func(e payment.Refunded) commands.FulfilPayment { return commands.FulfilPayment{PaymentID: e.PaymentID} })
}

func followOpenedDispute() Policy {
	return Issue("follow-opened-dispute", FromBeginning(), following, fulfil,
		func(e payment.DisputeOpened) commands.FulfilPayment {
			return commands.FulfilPayment{PaymentID: e.PaymentID}
		})
}

func followClosedDispute() Policy {
	return Issue("follow-closed-dispute", FromBeginning(), following, fulfil,
		func(e payment.DisputeClosed) commands.FulfilPayment {
			return commands.FulfilPayment{PaymentID: e.PaymentID}
		})
}

// makeRefund asks the provider for the refunds that finance decided on.
func makeRefund() Policy {
	return Issue("make-refund", FromBeginning(), following,
		func(c *commands.Commands) commands.Handler[commands.MakeRefund, payment.State] { return c.MakeRefund },
		func(e payment.RefundRequested) commands.MakeRefund {
			return commands.MakeRefund{PaymentID: e.PaymentID, RequestID: e.RequestID}
		})
}
