package policies

import (
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
)

var followingReferrals = Options{Grants: []access.Permission{access.FollowReferrals}}

// AttributeReferralOfNewUser is the name of the policy that decides who brought a
// person.
const AttributeReferralOfNewUser = "attribute-referral"

func attributeReferral() Policy {
	return Issue(AttributeReferralOfNewUser, FromBeginning(), followingReferrals,
		func(c *commands.Commands) commands.Handler[commands.AttributeReferral, referral.State] {
			return c.AttributeReferral
		},
		func(e user.Registered) commands.AttributeReferral {
			return commands.AttributeReferral{UserID: e.UserID}
		})
}

// What a payment earns a referrer follows from all that is known of it: each of
// these policies brings the commission to where the payment wants it now.
func settle(c *commands.Commands) commands.Handler[commands.SettleCommission, referrer.State] {
	return c.SettleCommission
}

func settlePaidCommission() Policy {
	return Issue("settle-paid-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.Succeeded) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}

func settleReleasedCommission() Policy {
	return Issue("settle-released-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.Released) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}

func settleRejectedCommission() Policy {
	return Issue("settle-rejected-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.Rejected) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}

func settleRefundedCommission() Policy {
	return Issue("settle-refunded-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.Refunded) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}

func settleDisputedCommission() Policy {
	return Issue("settle-disputed-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.DisputeOpened) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}

func settleDecidedCommission() Policy {
	return Issue("settle-decided-commission", FromBeginning(), followingReferrals, settle,
		func(e payment.DisputeClosed) commands.SettleCommission {
			return commands.SettleCommission{PaymentID: e.PaymentID}
		})
}
