// Package eventstore is the client side of the event store: an EventStoreDB,
// or our embedded node, which speaks the same protocol.
//
// Client keeps the connections and is safe against the faults of the official
// client module; Codec turns events into stored bytes and back; Streams is what
// commands load from and append to; Subscriber feeds projections through
// Watermill, and Feed is the one subscription that those share which are near
// the end of the log.
package eventstore
