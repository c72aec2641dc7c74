package policies

// All returns the policies of this system. A new one stands here.
func All() []Policy {
	return []Policy{
		revokeKeysOfRemovedMember(),
		revokeLateKeysOfRemovedMember(),
		settleSuspendedMember(),
		settleDeactivatedUser(),
		settleRestoredUser(),
		finishErasureOfUser(),
		finishErasureOfOrganization(),
		leaveActiveOrganization(),
		sendInvitation(),
		sendInvitationAgain(),
		fulfilPaidPayment(),
		fulfilReleasedPayment(),
		followRefund(),
		followOpenedDispute(),
		followClosedDispute(),
		makeRefund(),
		grantWelcomeTokens(),
		suspendTokensOfDeletedOrganization(),
		resumeTokensOfRestoredOrganization(),
		attributeReferral(),
		settlePaidCommission(),
		settleReleasedCommission(),
		settleRejectedCommission(),
		settleRefundedCommission(),
		settleDisputedCommission(),
		settleDecidedCommission(),
		enqueueAnalysis(),
		enqueueRemediation(),
		enqueueConversion(),
		releaseOrphanedHold(),
		cancelOperationsOfDeletedOrganization(),
	}
}
