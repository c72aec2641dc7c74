package idempotency

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// maxLost bounds how many leases are remembered to be given back. Those beyond
// lapse by themselves.
const maxLost = 10_000

// running are the attempts of this process. The database names the process that an
// attempt is made in; whether it still is made, only the process knows: the answer
// may have been lost together with the connection to the database, and so may the
// word that an attempt had begun. Such an attempt would bar its key until its lease
// lapses. It is safe for concurrent use.
type running struct {
	mu     sync.Mutex
	leases map[uuid.UUID]bool
	// lost are attempts that ended here, or never began, while the database may
	// still say that they are made.
	lost []Attempt
}

func (r *running) begin(a Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases == nil {
		r.leases = map[uuid.UUID]bool{}
	}
	r.leases[a.lease] = true
}

// end ends an attempt. An error says that the database may not know.
func (r *running) end(a Attempt, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.leases, a.lease)
	if err != nil && len(r.lost) < maxLost {
		r.lost = append(r.lost, a)
	}
}

func (r *running) has(lease uuid.UUID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leases[lease]
}

func (r *running) takeLost() []Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := r.lost
	r.lost = nil
	return lost
}

// giveBack tells the database of attempts that it may believe to be made, so that
// other processes can make the next one. Each call that reaches the database does
// so, for as long as there are such.
func (s *Store) giveBack(ctx context.Context) error {
	lost := s.running.takeLost()
	if len(lost) == 0 {
		return nil
	}
	scopes, leases := make([][]byte, len(lost)), make([]uuid.UUID, len(lost))
	for i, a := range lost {
		scopes[i], leases[i] = a.scope, a.lease
	}
	_, err := s.pool.Exec(ctx, `
		UPDATE idempotency.requests r SET locked_until = now()
		FROM unnest($1::bytea[], $2::uuid[]) AS l (scope, lease)
		WHERE r.scope = l.scope AND r.lease = l.lease AND r.answer IS NULL`, scopes, leases)
	if err != nil {
		for _, a := range lost {
			s.running.end(a, err)
		}
	}
	return err
}
