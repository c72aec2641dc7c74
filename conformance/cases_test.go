package conformance

// passing are the cases that have to pass, all others have to be in leftOut.
var passing = []string{
	"AppendEvents/TestAppendToStreamFailsOnNonExistentStream",
	"AppendEvents/TestAppendToStreamSingleEventNoStream",
	"AppendEvents/TestMetadataOperation",
	"Connection/TestCloseConnection",
	"Delete/TestCanDeleteStream",
	"Delete/TestCanTombstoneStream",
	"Delete/TestDetectStreamDeleted",
	"MultiAppend/TestMultiStreamAppendUnsupported",
	"ReadAll/TestReadAllEventsBackwardsFromNonZeroPosition",
	"ReadAll/TestReadAllEventsBackwardsFromZeroPosition",
	"ReadAll/TestReadAllEventsForwardsFromNonZeroPosition",
	"ReadAll/TestReadAllEventsForwardsFromZeroPosition",
	"ReadAll/TestReadAllEventsWithCredentialsOverride",
	"ReadStream/TestReadStreamEventsBackwardFromEnd",
	"ReadStream/TestReadStreamEventsForwardFromZero",
	"ReadStream/TestReadStreamNotFound",
	"ReadStream/TestReadStreamReturnsEOFAfterCompletion",
	"ReadStream/TestReadStreamWithCredentialsOverride",
	"ReadStream/TestReadStreamWithMaxAge",
	"SecureAuthentication/TestCallWithTLSAndInvalidOverrideCredentials",
	"Subscription/TestAllSubscriptionWithFilterDeliversCorrectEvents",
	"Subscription/TestConnectionClosing",
	"Subscription/TestStreamSubscriptionDeliversAllEventsInStreamAndListensForNewEvents",
	"Subscription/TestSubscribeToAllFilter",
	"Subscription/TestSubscriptionToAllWithCredentialsOverride",
	"Subscription/TestSubscriptionToStreamCaughtUp",
}

const (
	needsMultiAppend             = "appends to several streams at once, which servers have from version 25 on; the node is a 24.10"
	needsPersistentSubscriptions = "creates a persistent subscription, which the node does not have"
	needsCluster                 = "needs a cluster of three nodes"
)

// leftOut are the cases that are not run, and why.
var leftOut = map[string]string{
	"InsecureAuthentication/TestCallInsecureWithInvalidCredentials":  needsPersistentSubscriptions,
	"InsecureAuthentication/TestCallInsecureWithoutCredentials":      needsPersistentSubscriptions,
	"MultiAppend/TestMultiStreamAppend":                              needsMultiAppend,
	"MultiAppend/TestMultiStreamAppendNonPlainJsonMetadataThrows":    needsMultiAppend,
	"MultiAppend/TestMultiStreamAppendStreamRevisionConflict":        needsMultiAppend,
	"MultiAppend/TestMultiStreamAppendStreamTombstoned":              needsMultiAppend,
	"MultiAppend/TestMultiStreamAppendWithBinaryMetadataThrowsError": needsMultiAppend,
	"Rebalance/TestNotLeaderExceptionButWorkAfterRetry":              needsCluster,
	"Rebalance/TestReadStreamAfterClusterRebalanced":                 needsCluster,
	"SecureAuthentication/TestCallWithTLSAndDefaultCredentials":      needsPersistentSubscriptions,
	"SecureAuthentication/TestCallWithTLSAndOverrideCredentials":     needsPersistentSubscriptions,
}
