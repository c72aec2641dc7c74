// Package eventlog is an append-only log of events in Postgres with the stream
// semantics of EventStoreDB 24.10: expected revisions, idempotent appends, soft
// deletion, tombstones, and metadata streams.
//
// One table is the whole truth. Everything else (the heads of streams, the ids
// of recent events, the tail that live subscribers read) is memory that can be
// dropped at any time and read again.
//
// Several processes may write to one log. Positions are given under a lock that
// is held until the commit is visible, so their order is the order of commit and
// a reader that goes by position never skips an event.
package eventlog

import (
	"math"

	"github.com/google/uuid"
)

// Event is a recorded event. Events are shared between readers and never change.
type Event struct {
	// Position is the place in the log, above zero and growing with gaps.
	Position int64
	// Revision is the place in the stream, from zero; TombstoneRevision for the
	// event that ends a stream permanently.
	Revision int64
	// Created counts units of 100 ns since 1970.
	Created  int64
	ID       uuid.UUID
	JSON     bool
	Stream   string
	Type     string
	Metadata []byte
	Data     []byte
}

// Proposed is an event to append.
type Proposed struct {
	ID       uuid.UUID
	Type     string
	JSON     bool
	Metadata []byte
	Data     []byte
}

// TombstoneRevision is the revision of a stream that was deleted permanently.
const TombstoneRevision = math.MaxInt64

// Types of events that mean something to the log.
const (
	TypeMetadata  = "$metadata"
	TypeTombstone = "$streamDeleted"
	TypeLink      = "$>"
)

// Expected is the revision at which a writer expects a stream, or one of the
// conditions below.
type Expected int64

// Conditions in place of a revision. The numbers are those of EventStoreDB.
const (
	NoStream     Expected = -1
	Any          Expected = -2
	StreamExists Expected = -4
)

// noRevision is the revision of a stream without events.
const noRevision = -1

// overhead makes positions grow by about what a row takes beside its content.
const overhead = 64

func (p *Proposed) size(stream string) int64 {
	return int64(overhead + len(stream) + len(p.Type) + len(p.Metadata) + len(p.Data))
}
