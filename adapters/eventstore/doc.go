// Package eventstore is the client side of the event store: an EventStoreDB,
// or our embedded node, which speaks the same protocol.
//
// Client keeps the connections and is safe against the faults of the official
// client module; Codec turns events into stored bytes and back; Streams is what
// commands load from and append to; Subscriber feeds projections through
// Watermill, and Feed is the one subscription that those share which are near
// the end of the log.
//
// # A log that loses events
//
// An event store can be restored from an older backup, lose its tail in a
// failover, or be exchanged for another by a wrong setting. Each of these is told
// from the rest by something that the log holds:
//
//   - Identity: an event that is written once. It tells a log from another. A
//     client belongs to one log and uses no other (ErrWrongLog).
//   - The last event of ours that a reader has read, by id and position. Each
//     checkpoint has one, and so has each process for what it keeps in memory
//     (witness). A log is only ever added to, so that if the event is where it was,
//     all before it is as it was read. If it is not, and was not scavenged, what
//     was read is lost: event.ErrLogWentBack.
//   - Epoch: each loss that somebody notices is written down, by an event with the
//     next number after the identity. The append names the revision, so that one
//     begins however many notice. Marks name the epoch that their reader went on
//     in; where a later loss takes the beginning of an epoch along, the marks tell,
//     and its number is not given again.
//
// An epoch alone would not do: a loss that nobody was there to notice begins none.
// Nor would positions, which are given again after a loss. So what lies between a
// reader's last event and its checkpoint, events that it passes over, is looked at
// again when it resumes: if there is now anything that it follows, it goes on from
// its last event. An event that is written again with the same id at the same
// position, by a repeated command, counts as the same: it says the same.
package eventstore
