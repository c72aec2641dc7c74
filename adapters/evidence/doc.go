// Package evidence makes the event log tamper-evident. It keeps a Merkle tree
// (RFC 6962) over the events of this system, and signed checkpoints of it, outside
// the log. With them anybody who has the public key can prove that nothing before a
// checkpoint was changed, dropped, added or put into another order, and that one
// event was in the log, whatever was done to the database since.
//
// # What is in the tree
//
// The leaves are the events of this system's streams in the order of the log. They
// include streams that no projection follows, and the identity of the log. Events of
// other programs and of the store itself (types that begin with a dollar) are left
// out: they may expire, or be scavenged. The program never truncates its streams, so
// if somebody sets $maxCount, $maxAge or $tb on one, or deletes it, verification
// names what a scavenge then removed. Until a scavenge nothing is removed: the log is
// read as a whole, where these have no effect.
//
// A leaf is the position of an event and the SHA-256 of all else: stream, revision,
// id, type, content type, time, data and metadata as they are stored. An erasure
// destroys keys and rewrites no event, so proofs are still valid afterwards. What is
// encrypted in an event stays encrypted in a proof.
//
// Which streams are this system's depends on the release. Each checkpoint says so, by
// leaf: see Checkpoint.Streams. A stream that a release adds is in the tree from the
// first checkpoint that it takes.
//
// # What is stored
//
// Trees are stored in the layout of C2SP tlog-tiles, in a folder or a bucket:
//
//	LOG/N/checkpoint              the newest checkpoint, a signed note
//	LOG/N/checkpoints/SIZE        each checkpoint that was taken
//	LOG/N/tile/LEVEL/INDEX        256 hashes, with .p/WIDTH where there are fewer
//	LOG/N/tile/entries/INDEX      the leaves themselves
//
// LOG is the identity of the log. There is more than one tree N when the log lost
// events and an operator decided to begin again.
//
// # What it does not do
//
// Events after the newest checkpoint are not protected yet. Somebody who has the
// private key and can write to the store can replace both: keep checkpoints, or the
// store, where the operators of the database cannot write. Object lock does that in a
// bucket.
package evidence
