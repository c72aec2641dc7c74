package eventstoretest

import (
	"context"
	"testing"

	"github.com/perfectworks/backend/domain/event"
)

// GoBack takes away all events after a position, as the restore of an older
// backup does, and starts the node again.
func (s *Store) GoBack(tb testing.TB, to event.Position) {
	tb.Helper()
	s.Node.Stop()
	if _, err := s.Pool.Exec(context.Background(), "DELETE FROM eventnode.events WHERE position > $1", int64(to.Commit)); err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	s.Node.Restart()
}
