package eventlog

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const selectEvents = `SELECT position, revision, created, event_id, is_json, stream, type, metadata, data FROM eventnode.events`

// maxPageBytes is where a page ends early, for events may be large.
const maxPageBytes = 4 << 20

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// readPage runs a query that begins with selectEvents and has a limit. There is
// no more when the page is not full; a page of large events ends early.
func readPage(ctx context.Context, q querier, limit int, sql string, args ...any) (events []*Event, done bool, err error) {
	rows, err := q.Query(ctx, sql, append([]any{binaryRows}, args...)...)
	if err == nil {
		events, err = collectEvents(rows, maxPageBytes)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	cutShort := size(events) > maxPageBytes
	return events, len(events) < limit && !cutShort, nil
}

// binaryRows asks for all columns in the binary format, which collectEvents reads.
var binaryRows = pgx.QueryResultFormats{pgx.BinaryFormatCode}

// collectEvents reads rows of selectEvents to their end, or until their content
// exceeds maxBytes. It reads the columns itself: this is
// the hot path of every reader, and scanning costs twice as much.
func collectEvents(rows pgx.Rows, maxBytes int64) ([]*Event, error) {
	defer rows.Close()
	var (
		events []*Event
		block  []Event
		arena  arena
		types  = names{}
		last   string
		bytes  int64
	)
	for rows.Next() {
		v := rows.RawValues()
		if len(block) == 0 {
			block = make([]Event, 64)
		}
		e := &block[0]
		block = block[1:]
		*e = Event{
			Position: integerOf(v[0]), Revision: integerOf(v[1]), Created: integerOf(v[2]),
			ID: uuid.UUID(v[3]), JSON: v[4][0] != 0,
			Type: types.intern(v[6]), Metadata: arena.copy(v[7]), Data: arena.copy(v[8]),
		}
		if string(v[5]) != last {
			last = string(v[5])
		}
		e.Stream = last
		events = append(events, e)
		if bytes += e.memory(); bytes > maxBytes {
			return events, nil
		}
	}
	return events, rows.Err()
}

func integerOf(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // the bits of a bigint

// names makes one string of equal ones.
type names map[string]string

func (n names) intern(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	n[s] = s
	return s
}

// arena copies small pieces into large blocks: one allocation for many.
type arena []byte

func (a *arena) copy(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	const block = 64 << 10
	if cap(*a)-len(*a) < len(b) {
		*a = make([]byte, 0, max(block, len(b)))
	}
	start := len(*a)
	*a = append(*a, b...)
	return (*a)[start:len(*a):len(*a)]
}
