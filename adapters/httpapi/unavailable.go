package httpapi

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perfectworks/backend/domain/failure"
)

// isUnavailable tells whether an error is that of a Postgres that is away,
// restarting, or too busy to take us. The event store's own errors are failures
// already.
func isUnavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch {
		case strings.HasPrefix(pgErr.Code, "08"), // connection exception
			strings.HasPrefix(pgErr.Code, "53"),   // insufficient resources
			strings.HasPrefix(pgErr.Code, "57P0"), // shut down, crashed, starting up
			strings.HasPrefix(pgErr.Code, "40"):   // transaction rolled back: another try may do
			return true
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// SQLSTATE codes of a Postgres that answers, but takes no writes.
const (
	stateDiskFull = "53100"
	stateReadOnly = "25006" // also a standby after a failover
)

// storageFailure is what the error of a Postgres that takes no writes amounts to;
// nil for any other error.
func storageFailure(err error) *failure.Failure {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return nil
	}
	switch pgErr.Code {
	case stateDiskFull:
		return failure.ErrStorageFull
	case stateReadOnly:
		return failure.ErrStorageReadOnly
	}
	return nil
}

// describe is an error as it may be logged. Postgres quotes values in some of
// its messages, and values may be personal: of those only the code is kept.
func describe(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return "SQLSTATE " + pgErr.Code + " " + pgErr.ConstraintName
	}
	return err.Error()
}
