package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
)

// VerificationState says how far a verification by a server is.
type VerificationState string

// The states of a verification.
const (
	Verifying               VerificationState = "running"
	Verified                VerificationState = "done"
	VerificationFailed      VerificationState = "failed"
	VerificationInterrupted VerificationState = "interrupted"
)

// ServerVerification is the latest verification of a projection by a server.
type ServerVerification struct {
	Act     string
	State   VerificationState
	BeganAt time.Time
	// EndedAt is zero until then.
	EndedAt time.Time
	// Events is how many events the rebuild has taken in.
	Events int64
	// Result is what was found; nil before the end.
	Result  *Verification
	Failure string
}

// ErrNotVerified says that no server has verified a projection.
var ErrNotVerified = errors.New("no server has verified the projection")

// noteInterval is how often the progress of a verification is stored.
const noteInterval = time.Second

// StartVerification has this process verify a projection, and returns at once;
// LastVerification tells in each process what was found. done is called at the end.
// The verification ends with ctx. The error wraps ErrBuilding while one is under way.
func (e *Engine) StartVerification(ctx context.Context, projection string, o VerifyOptions, act string, done func(error)) error {
	if _, err := e.definition(projection); err != nil {
		return err
	}
	tag, err := e.config.Pool.Exec(ctx, `INSERT INTO projection.verifications AS v (projection, act, process) VALUES ($1, $2, $3)
		ON CONFLICT (projection) DO UPDATE SET act = excluded.act, process = excluded.process, began_at = now(),
			ended_at = NULL, events = 0, result = NULL, failure = NULL
		WHERE v.ended_at IS NOT NULL OR NOT process_alive(v.process)`, projection, act, e.config.Process)
	if err != nil {
		return fmt.Errorf("begin a verification: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("projection %s: %w", projection, ErrBuilding)
	}
	go func() {
		var noted time.Time
		o.Progress = func(_, _ event.Position, events int64) {
			if time.Since(noted) < noteInterval {
				return
			}
			noted = time.Now()
			// The next one tells more.
			_, _ = e.config.Pool.Exec(ctx, "UPDATE projection.verifications SET events = $3 WHERE projection = $1 AND act = $2", projection, act, events)
		}
		v, err := e.Verify(ctx, projection, o)
		e.noteVerified(ctx, projection, act, v, err)
		done(err)
	}()
	return nil
}

func (e *Engine) noteVerified(ctx context.Context, projection, act string, v Verification, err error) {
	ctx, cancel := outlive(ctx, noteTimeout)
	defer cancel()
	var result, failure *string
	if err != nil {
		failure = new(describe(err))
	} else if text, err := json.Marshal(v); err == nil {
		result = new(string(text))
	}
	_, err = e.config.Pool.Exec(ctx, `UPDATE projection.verifications SET ended_at = now(), events = greatest(events, $3), result = $4::jsonb, failure = $5
		WHERE projection = $1 AND act = $2`, projection, act, v.Events, result, failure)
	if err != nil {
		e.config.Logger.WarnContext(ctx, "what a verification found cannot be stored",
			slog.String("projection", projection), slog.String("reason", describe(err)))
	}
}

// LastVerification returns the latest verification of a projection by any server. The
// error wraps ErrNotVerified if there was none.
func (e *Engine) LastVerification(ctx context.Context, projection string) (v ServerVerification, err error) {
	if _, err := e.definition(projection); err != nil {
		return v, err
	}
	var ended *time.Time
	var failure *string
	var alive bool
	err = e.config.Pool.QueryRow(ctx, `SELECT act, began_at, ended_at, events, result, failure, process_alive(process)
		FROM projection.verifications WHERE projection = $1`, projection).Scan(&v.Act, &v.BeganAt, &ended, &v.Events, &v.Result, &failure, &alive)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, ErrNotVerified
	}
	if err != nil {
		return v, fmt.Errorf("read the verification of projection %s: %w", projection, err)
	}
	v.BeganAt = v.BeganAt.UTC()
	switch {
	case ended == nil && alive:
		v.State = Verifying
	case ended == nil:
		v.State = VerificationInterrupted
	case failure != nil:
		v.State, v.Failure, v.EndedAt = VerificationFailed, *failure, ended.UTC()
	default:
		v.State, v.EndedAt = Verified, ended.UTC()
	}
	return v, nil
}
