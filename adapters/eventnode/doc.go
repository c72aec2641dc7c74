// Package eventnode is an EventStoreDB node for small installations, laptops and
// tests: the part of the gRPC protocol of EventStoreDB 24.10 that this product
// uses, with its log in Postgres.
//
// It serves the Streams service (Append, BatchAppend, Read with all options for
// reads and subscriptions, Delete, Tombstone) and ServerFeatures. Metadata streams take
// effect ($maxAge, $maxCount, $tb), links are resolved. It is one node, always
// the leader; several processes may serve the same log.
//
// Persistent subscriptions, projections, gossip, users, operations
// and monitoring answer Unimplemented and are not advertised. There is no
// scavenging: what the metadata of a stream hides stays in the log, and in $all.
// Access control lists are stored but not enforced: every user may do everything.
//
// Where the server leaves a choice, or this node differs:
//   - Without TLS there is no authentication, as with the server's --insecure, and
//     only loopback is served. With TLS, every call to Streams needs credentials: without any it fails
//     with PermissionDenied (access-denied), with wrong ones with
//     Unauthenticated. ServerFeatures is open, since clients ask it first.
//   - An append with Any or StreamExists is recognised as a repetition while its
//     events are among the latest 65,536 of the log, after a restart too. With an
//     exact revision or NoStream it always is.
//   - A position that names no event of the log is refused. One past the end is
//     not: nothing follows it, or nothing yet for a subscription.
//   - When the log turns out to be another than before, as after a restore,
//     subscriptions end with Aborted.
//   - Regular expressions are those of .NET, as far as package regexp2 has them. A
//     match that takes longer than 100 ms ends the read.
//   - Names of streams are at most 1,000 bytes of UTF-8 without zero bytes, and
//     so are types of events.
package eventnode
