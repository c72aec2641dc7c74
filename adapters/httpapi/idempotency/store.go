// Package idempotency lets a request that carries an Idempotency-Key be
// repeated: the first one to finish leaves its answer, and a client that repeats it
// gets that answer. It works across processes and crashes, through Postgres.
package idempotency

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// Retention is how long a key is kept after its answer.
const Retention = 24 * time.Hour

// maxRaces bounds how often Begin looks again after another process changed the
// row meanwhile.
const maxRaces = 5

// The refusals of Begin.
var (
	ErrReused = failure.New(failure.Unprocessable, "IDEMPOTENCY_KEY_REUSED",
		"this Idempotency-Key was sent before with another request: use a new key for each request")
	ErrRunning = failure.New(failure.Conflict, "IDEMPOTENCY_KEY_IN_USE",
		"the first request with this Idempotency-Key is still being carried out: repeat it later")
)

// RunningError is ErrRunning with the time after which to repeat the request.
type RunningError struct{ RetryAfter time.Duration }

// Error is that of ErrRunning.
func (e *RunningError) Error() string { return ErrRunning.Error() }

// Unwrap makes it an ErrRunning.
func (e *RunningError) Unwrap() error { return ErrRunning }

// Sealer encrypts what is stored. What was sealed for one purpose, or with
// other additional data, does not open.
type Sealer interface {
	Seal(purpose string, plaintext, additional []byte) []byte
	Open(purpose string, sealed, additional []byte) ([]byte, error)
}

const (
	purposeSeed   = "idempotency-seed"
	purposeAnswer = "idempotency-answer"
)

// Store keeps requests and their answers. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	sealer  Sealer
	process uuid.UUID
	running running
}

// NewStore uses the tables of migrations/app. The process is one that beats: see
// package heartbeat. Once it does not, others take its requests over.
func NewStore(pool *pgxpool.Pool, sealer Sealer, process uuid.UUID) *Store {
	return &Store{pool: pool, sealer: sealer, process: process}
}

// Request is one that came with a key.
type Request struct {
	// Caller, Route and Key name it together. Caller is the same for all
	// requests with one credential; Route is the method and the path.
	Caller, Route, Key string
	// Organization is the one that the caller acts in, if this is the first
	// attempt.
	Organization id.Organization
	// Person is whose request it is: a user's id, or the caller where there is no
	// user. See Erase.
	Person string
	// Content is what must be the same when it is repeated.
	Content [][]byte
}

func (r Request) scope() []byte {
	h := sha256.New()
	writeParts(h.Write, []byte(r.Caller), []byte(r.Route), []byte(r.Key))
	return h.Sum(nil)
}

// fingerprint is keyed, so that nobody can find out a body's content by
// guessing it and comparing.
func (r Request) fingerprint(seed [32]byte) []byte {
	h := hmac.New(sha256.New, seed[:])
	writeParts(h.Write, r.Content...)
	return h.Sum(nil)
}

// writeParts writes each part after its length, so that the bounds between them
// are part of what is written. Hashes never fail.
func writeParts(write func([]byte) (int, error), parts ...[]byte) {
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		_, _ = write(n[:])
		_, _ = write(p)
	}
}

// Attempt is the right to carry a request out.
type Attempt struct {
	// CommandID, StartedAt and Seed are the same in every attempt.
	CommandID event.ID
	StartedAt time.Time
	Seed      [32]byte
	// Retry says that there was an attempt before, whose outcome is unknown.
	Retry bool
	// Organization is where the first attempt was carried out; empty outside of
	// one. A later attempt must be carried out in the same one.
	Organization id.Organization

	scope []byte
	lease uuid.UUID
}

// NewAttempt is the first attempt of a request, at a time.
func NewAttempt(now time.Time) Attempt {
	a := Attempt{StartedAt: now.UTC().Truncate(time.Millisecond)}
	_, _ = rand.Read(a.CommandID[:]) // Never fails: see crypto/rand.
	_, _ = rand.Read(a.Seed[:])
	// A valid UUID, version 4.
	a.CommandID[6] = a.CommandID[6]&0x0f | 0x40
	a.CommandID[8] = a.CommandID[8]&0x3f | 0x80
	return a
}

// Begin gives either the answer of an earlier attempt or the right to make one,
// for the time of the lease or until this process beats no more; the caller ends the
// attempt by Finish, Release or Forget. With an answer
// comes the attempt that it is of, which needs no end. It fails with ErrReused
// or a RunningError, or when Postgres does.
func (s *Store) Begin(ctx context.Context, r Request, lease time.Duration) (Attempt, *Answer, error) {
	if err := s.giveBack(ctx); err != nil {
		return Attempt{}, nil, fmt.Errorf("give back earlier requests: %w", err)
	}
	a := NewAttempt(time.Now())
	a.scope, a.lease, a.Organization = r.scope(), uuid.New(), r.Organization
	sealed := s.sealer.Seal(purposeSeed, a.Seed[:], a.scope)
	s.running.begin(a)
	for range maxRaces {
		tag, err := s.pool.Exec(ctx, `
			INSERT INTO idempotency.requests
				(scope, fingerprint, command_id, started_at, seed, lease, locked_until, expires_at, process, organization_id, person)
			VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval, now() + $8::interval, $9, $10, $11)
			ON CONFLICT (scope) DO NOTHING`,
			a.scope, r.fingerprint(a.Seed), uuid.UUID(a.CommandID), a.StartedAt, sealed, a.lease, lease, Retention,
			s.process, a.Organization, r.Person)
		if err != nil {
			s.running.end(a, err)
			return Attempt{}, nil, fmt.Errorf("store the request: %w", err)
		}
		if tag.RowsAffected() == 1 {
			return a, nil, nil
		}
		earlier, answer, err := s.resume(ctx, r, a.scope, lease)
		if !errors.Is(err, errRaced) {
			s.running.end(a, nil)
			return earlier, answer, err
		}
	}
	s.running.end(a, nil)
	return Attempt{}, nil, &RunningError{RetryAfter: soonest}
}

// soonest and latest bound after which time to repeat a request whose first
// attempt runs.
const (
	soonest = time.Second
	latest  = 5 * time.Second
)

// errRaced says that another process changed the row: look again.
var errRaced = errors.New("another process was faster")

// resume looks at an earlier attempt: replays its answer, or takes it over.
func (s *Store) resume(ctx context.Context, r Request, scope []byte, lease time.Duration) (Attempt, *Answer, error) {
	a := Attempt{Retry: true, scope: scope, lease: uuid.New()}
	var (
		fingerprint, seed, answer []byte
		command, holder           uuid.UUID
		running                   time.Duration
		locked, expired, here     bool
	)
	err := s.pool.QueryRow(ctx, `
		SELECT fingerprint, command_id, started_at, seed, lease, answer, organization_id,
			locked_until > now() AND (process IS NULL OR process_alive(process)),
			greatest(now() - started_at, interval '0'), expires_at <= now(), coalesce(process = $2, false)
		FROM idempotency.requests WHERE scope = $1`, scope, s.process).
		Scan(&fingerprint, &command, &a.StartedAt, &seed, &holder, &answer, &a.Organization, &locked, &running, &expired, &here)
	if errors.Is(err, pgx.ErrNoRows) {
		return Attempt{}, nil, errRaced
	}
	if err != nil {
		return Attempt{}, nil, fmt.Errorf("load the request: %w", err)
	}
	if expired {
		if _, err := s.pool.Exec(ctx, `DELETE FROM idempotency.requests WHERE scope = $1 AND expires_at <= now()`, scope); err != nil {
			return Attempt{}, nil, fmt.Errorf("delete an expired request: %w", err)
		}
		return Attempt{}, nil, errRaced
	}
	opened, err := s.sealer.Open(purposeSeed, seed, scope)
	if err != nil {
		return Attempt{}, nil, fmt.Errorf("open the seed: %w", err)
	}
	copy(a.Seed[:], opened)
	a.CommandID, a.StartedAt = event.ID(command), a.StartedAt.UTC()
	switch {
	case !hmac.Equal(fingerprint, r.fingerprint(a.Seed)):
		return Attempt{}, nil, ErrReused
	case answer != nil:
		stored, err := s.open(answer, scope)
		return a, stored, err
	case locked && (!here || s.running.has(holder)):
		// What has taken long will take longer.
		return Attempt{}, nil, &RunningError{RetryAfter: min(max(running, soonest), latest)}
	}
	s.running.begin(a)
	tag, err := s.pool.Exec(ctx, `
		UPDATE idempotency.requests SET lease = $3, locked_until = now() + $4::interval, process = $5
		WHERE scope = $1 AND lease = $2 AND answer IS NULL`,
		scope, holder, a.lease, lease, s.process)
	if err != nil {
		s.running.end(a, err)
		return Attempt{}, nil, fmt.Errorf("take the request over: %w", err)
	}
	if tag.RowsAffected() == 0 {
		s.running.end(a, nil)
		return Attempt{}, nil, errRaced
	}
	return a, nil, nil
}
