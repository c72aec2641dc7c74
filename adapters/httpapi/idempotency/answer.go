package idempotency

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Answer is what a request was answered.
type Answer struct {
	// Derived says that the answer holds a secret. It is not stored: the same
	// command, carried out again, gives it again.
	Derived bool `json:"derived,omitempty"`

	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
}

func (s *Store) open(sealed, scope []byte) (*Answer, error) {
	plain, err := s.sealer.Open(purposeAnswer, sealed, scope)
	if err != nil {
		return nil, fmt.Errorf("open the answer: %w", err)
	}
	var a Answer
	if err := json.Unmarshal(plain, &a); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	return &a, nil
}

// Finish stores the answer for repetitions of the request. It does nothing
// when another attempt has taken over since.
func (s *Store) Finish(ctx context.Context, a Attempt, answer Answer) (err error) {
	defer func() { s.running.end(a, err) }()
	plain, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	sealed := s.sealer.Seal(purposeAnswer, plain, a.scope)
	if _, err = s.pool.Exec(ctx, `
		UPDATE idempotency.requests SET answer = $3, expires_at = now() + $4::interval
		WHERE scope = $1 AND lease = $2`, a.scope, a.lease, sealed, Retention); err != nil {
		return fmt.Errorf("store the answer: %w", err)
	}
	return nil
}

// Release ends an attempt that may or may not have changed something. The next
// one runs the same command.
func (s *Store) Release(ctx context.Context, a Attempt) (err error) {
	defer func() { s.running.end(a, err) }()
	if _, err = s.pool.Exec(ctx, `
		UPDATE idempotency.requests SET locked_until = now()
		WHERE scope = $1 AND lease = $2 AND answer IS NULL`, a.scope, a.lease); err != nil {
		return fmt.Errorf("release the request: %w", err)
	}
	return nil
}

// Forget ends an attempt that surely changed nothing. The key is free for
// another request.
func (s *Store) Forget(ctx context.Context, a Attempt) (err error) {
	defer func() { s.running.end(a, err) }()
	if _, err = s.pool.Exec(ctx, `
		DELETE FROM idempotency.requests
		WHERE scope = $1 AND lease = $2 AND answer IS NULL`, a.scope, a.lease); err != nil {
		return fmt.Errorf("forget the request: %w", err)
	}
	return nil
}
