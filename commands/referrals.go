package commands

import (
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
)

// Referrals are the terms of the referral programme, and what it needs of the
// outside.
type Referrals struct {
	Programme referral.Programme
	// Destinations are where links may lead. Without a landing page there are no
	// campaigns.
	Destinations campaign.Destinations
	// Payouts pays withdrawals.
	Payouts PayoutProvider
}

// ReferralCommands are the use cases of referrers, their campaigns, and what
// people whom they brought pay.
type ReferralCommands struct {
	EnrolReferrer  Handler[EnrolReferrer, referrer.State]
	CreateCampaign Handler[CreateCampaign, campaign.State]
	UpdateCampaign Handler[UpdateCampaign, campaign.State]
	EndCampaign    Handler[EndCampaign, campaign.State]

	// RecordClicks, AttributeReferral, SettleCommission and MatureCommissions follow
	// from clicks, registrations, payments and time.
	RecordClicks      Handler[RecordClicks, click.State]
	AttributeReferral Handler[AttributeReferral, referral.State]
	SettleCommission  Handler[SettleCommission, referrer.State]
	MatureCommissions Handler[MatureCommissions, referrer.State]

	RequestWithdrawal Handler[RequestWithdrawal, ChangedWithdrawal]
	// The rest are decisions of finance, and what follows from them.
	ApproveWithdrawal Handler[ApproveWithdrawal, ChangedWithdrawal]
	RejectWithdrawal  Handler[RejectWithdrawal, ChangedWithdrawal]
	SendWithdrawal    Handler[SendWithdrawal, ChangedWithdrawal]
	FinishWithdrawal  Handler[FinishWithdrawal, ChangedWithdrawal]
	AskWithdrawal     Handler[AskWithdrawal, ChangedWithdrawal]
	SuspendReferrer   Handler[SuspendReferrer, referrer.State]
	ReinstateReferrer Handler[ReinstateReferrer, referrer.State]
}

func (x *executor) referralCommands(o Observer) ReferralCommands {
	return ReferralCommands{
		EnrolReferrer:  observed(o, "EnrolReferrer", x.enrolReferrer),
		CreateCampaign: observed(o, "CreateCampaign", x.createCampaign),
		UpdateCampaign: observed(o, "UpdateCampaign", x.updateCampaign),
		EndCampaign:    observed(o, "EndCampaign", x.endCampaign),

		RecordClicks:      observed(o, "RecordClicks", x.recordClicks),
		AttributeReferral: observed(o, "AttributeReferral", x.attributeReferral),
		SettleCommission:  observed(o, "SettleCommission", x.settleCommission),
		MatureCommissions: observed(o, "MatureCommissions", x.matureCommissions),

		RequestWithdrawal: observed(o, "RequestWithdrawal", x.requestWithdrawal),
		ApproveWithdrawal: observed(o, "ApproveWithdrawal", x.approveWithdrawal),
		RejectWithdrawal:  observed(o, "RejectWithdrawal", x.rejectWithdrawal),
		SendWithdrawal:    observed(o, "SendWithdrawal", x.sendWithdrawal),
		FinishWithdrawal:  observed(o, "FinishWithdrawal", x.finishWithdrawal),
		AskWithdrawal:     observed(o, "AskWithdrawal", x.askWithdrawal),
		SuspendReferrer:   observed(o, "SuspendReferrer", x.suspendReferrer),
		ReinstateReferrer: observed(o, "ReinstateReferrer", x.reinstateReferrer),
	}
}
