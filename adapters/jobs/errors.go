package jobs

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/perfectworks/backend/domain/failure"
)

// finalError ends a job's attempts.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Final marks an error that would come again: the job has failed at once, and
// waits for somebody's decision.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return finalError{err}
}

// isFinal tells errors that would come again. What the domain refuses, it
// refuses again; only an outage may pass.
func isFinal(err error) bool {
	var final finalError
	if errors.As(err, &final) {
		return true
	}
	refused := failure.Of(err)
	return refused != nil && refused.Kind != failure.Unavailable
}

// The pauses between attempts: one second, doubled each time, at most an hour.
const (
	firstPause   = time.Second
	longestPause = time.Hour
)

// retryPolicy implements river.ClientRetryPolicy.
type retryPolicy struct{}

// NextRetry spreads by a tenth what failed at the same time.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	pause := float64(firstPause) * math.Pow(2, float64(min(len(job.Errors), 30)))
	pause = min(pause, float64(longestPause))
	spread := 0.95 + 0.1*rand.Float64() //nolint:gosec // It is no secret.
	return time.Now().Add(time.Duration(pause * spread))
}
