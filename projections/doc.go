// Package projections builds Postgres read models from the event log: each
// projection is a set of tables and pure reducers, and one engine runs them
// all, live and in rebuilds.
//
// The flow: a subscriber sends events one by one through a Watermill router; a
// projector reduces each to changes, which are plain data, and keeps them; when
// the subscriber ends a batch, the changes are folded per row and written with
// the checkpoint, in one transaction and one round trip. What Postgres would
// refuse is found out before, change by change, so that a batch fails if and
// only if one of its events would fail alone. Rows that cannot be there yet, as
// in a rebuild, are copied.
//
// The checkpoint moves by compare-and-set, and so decides all disputes: after a
// crash it says where to go on; a process that lost its lock, or whose tables
// were replaced, cannot write. The session lock beside it only spares processes
// the work.
//
// Each generation of a projection's tables has a Postgres schema of its own.
// Another is built beside the live one, from the log's beginning, and takes its
// name and place in one short transaction once it has got as far. Readers never
// wait, and never see less than before.
//
// An event that cannot be taken in is parked, and later events of its stream
// wait behind it; the rest flows. What could not be decoded is tried again by each
// process that takes the projection up, which may be of a newer program. What no
// event is to blame for stops the projection until it has passed, and the status
// says why.
package projections
