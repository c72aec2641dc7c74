package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Position is a place in the whole log. Later events have greater positions;
// the zero Position stands before the first event. Both parts are unsigned and
// compare commit first, as EventStoreDB orders its log.
type Position struct {
	Commit  uint64
	Prepare uint64
}

// Compare returns -1, 0 or +1 as p is before, at or after q.
func (p Position) Compare(q Position) int {
	switch {
	case p.Commit < q.Commit, p.Commit == q.Commit && p.Prepare < q.Prepare:
		return -1
	case p == q:
		return 0
	default:
		return 1
	}
}

// IsZero tells whether p stands before the first event.
func (p Position) IsZero() bool { return p == Position{} }

// String is the form that ParsePosition reads: "C:<commit>/P:<prepare>".
func (p Position) String() string { return fmt.Sprintf("C:%d/P:%d", p.Commit, p.Prepare) }

// ErrPosition is wrapped by every error of ParsePosition.
var ErrPosition = errors.New("a position has the form C:<commit>/P:<prepare>")

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	commit, prepare, ok := strings.Cut(s, "/")
	if !ok || !strings.HasPrefix(commit, "C:") || !strings.HasPrefix(prepare, "P:") {
		return Position{}, ErrPosition
	}
	c, err := strconv.ParseUint(commit[2:], 10, 64)
	if err != nil {
		return Position{}, ErrPosition
	}
	p, err := strconv.ParseUint(prepare[2:], 10, 64)
	if err != nil {
		return Position{}, ErrPosition
	}
	return Position{Commit: c, Prepare: p}, nil
}

// Revision is an event's number within its stream, from 0. NoStream says that
// the stream holds no event yet.
type Revision int64

// NoStream is the revision of a stream that does not exist.
const NoStream Revision = -1
