package idempotency

import (
	"context"
	"fmt"

	"github.com/perfectworks/backend/domain/id"
)

// Erase deletes the requests of persons, and the answers that requests in
// organizations were given: these may tell of the persons too. Such a request, if
// it is repeated, runs the same command again, which finds what it has written.
func (s *Store) Erase(ctx context.Context, persons []string, organizations []id.Organization) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM idempotency.requests WHERE person <> '' AND person = ANY($1)`, persons); err != nil {
		return fmt.Errorf("delete the requests of a person: %w", err)
	}
	if _, err := s.pool.Exec(ctx, `
		UPDATE idempotency.requests SET answer = NULL,
			lease = gen_random_uuid(), -- What runs now leaves no answer either.
			locked_until = CASE WHEN answer IS NULL THEN locked_until ELSE now() END
		WHERE organization_id <> '' AND organization_id = ANY($1)`, organizations); err != nil {
		return fmt.Errorf("delete the answers in an organization: %w", err)
	}
	return nil
}
