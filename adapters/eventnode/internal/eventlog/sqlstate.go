package eventlog

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATE codes that mean something to the writer. See appendix A of the
// documentation of Postgres.
const (
	stateReadOnly     = "25006" // read_only_sql_transaction
	stateSerialize    = "40001" // serialization_failure
	stateDeadlock     = "40P01" // deadlock_detected
	stateDiskFull     = "53100" // disk_full
	stateLockNotTaken = "55P03" // lock_not_available
)

// answered returns the error with which Postgres answered a statement and stayed
// connected. Its transaction was rolled back, so nothing was written. Of any
// other error, such as a lost connection, that is not known.
func answered(err error) (*pgconn.PgError, bool) {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.SeverityUnlocalized != "ERROR" {
		return nil, false
	}
	return answer, true
}

func hasState(err error, states ...string) bool {
	answer, ok := answered(err)
	if !ok {
		return false
	}
	for _, state := range states {
		if answer.Code == state {
			return true
		}
	}
	return false
}

// unlessRefused marks an error of a commit after which the events may or may not
// be there.
func unlessRefused(err error) error {
	if _, ok := answered(err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// unwritable wraps the error of a write in what it means for the caller.
func unwritable(err error) error {
	switch {
	case hasState(err, stateDiskFull):
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	case hasState(err, stateReadOnly):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}
