package projections

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUndecodable is wrapped by errors of Decode that no repetition will cure.
var ErrUndecodable = errors.New("the event cannot be decoded")

// errFenced says that another process advanced, replaced or changed the
// generation: what is kept of it in memory is void.
var errFenced = errors.New("another process has advanced or replaced the generation")

// fencedCode is what projection.advance raises.
const fencedCode = "PWF01"

// verdict is what an error of Postgres means for a batch of events.
type verdict int

const (
	// retry: the database's state is at fault; the same batch may do later.
	retry verdict = iota
	// fenced: another process is at work.
	fenced
	// guilty: the content of some event is at fault, now and later.
	guilty
)

// judge classifies an error of writing a batch. Only errors that the values of
// a row can cause are blamed on an event: to park events because the disk is
// full or a table is missing would empty the log into the parking table.
func judge(err error) verdict {
	if errors.Is(err, errFenced) {
		return fenced
	}
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return retry // The connection, or the context.
	}
	switch pgErr.Code {
	case fencedCode:
		return fenced
	case "42804", "42846": // datatype mismatch, cannot coerce
		return guilty
	}
	switch pgErr.Code[:min(2, len(pgErr.Code))] {
	case "21", // cardinality violation
		"22", // data exception
		"23", // integrity constraint violation
		"54", // program limit exceeded, as by a value too long for an index
		"P0": // raised by a check written in PL/pgSQL
		return guilty
	}
	return retry
}

// transient tells whether an error of Postgres passes by itself: the connection
// was lost, another transaction was in the way, the server is overloaded or
// restarting.
func transient(err error) bool {
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	if !errors.As(err, &pgErr) {
		return errors.As(err, &connectErr) || pgconn.Timeout(err) || errors.Is(err, io.ErrUnexpectedEOF) || isNetwork(err)
	}
	if pgErr.Code == "25006" { // read-only, as a standby after a failover
		return true
	}
	switch pgErr.Code[:min(2, len(pgErr.Code))] {
	case "08", // connection exception
		"40", // transaction rollback
		"53", // insufficient resources
		"55", // object not in prerequisite state, as a lock not available
		"57", // operator intervention
		"58": // system error
		return true
	}
	return false
}

func isNetwork(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF)
}

// describe is an error as it may be kept and shown: Postgres' messages quote
// values, which may be personal, except in classes where they name only tables,
// columns and constraints.
func describe(err error) string {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		var connectErr *pgconn.ConnectError
		switch {
		case errors.As(err, &connectErr):
			return "the database cannot be reached"
		case errors.Is(err, context.DeadlineExceeded):
			return "the database did not answer in time"
		}
		return err.Error()
	}
	switch pgErr.Code {
	case "53100":
		return "the database's disk is full"
	case "53200":
		return "the database is out of memory"
	case "53300":
		return "the database has no connection left"
	case "25006":
		return "the database is read-only"
	}
	text := "SQLSTATE " + pgErr.Code
	switch pgErr.Code[:min(2, len(pgErr.Code))] {
	case "22", "P0":
	default:
		text += ": " + pgErr.Message
	}
	for _, part := range []struct{ what, name string }{
		{"table", pgErr.TableName}, {"column", pgErr.ColumnName}, {"constraint", pgErr.ConstraintName},
	} {
		if part.name != "" {
			text += ", " + part.what + " " + part.name
		}
	}
	return text
}

// panicError is a panic of a reducer or decoder, as an error without the
// panic's value, which may hold anything.
type panicError struct {
	what  string
	place string
}

func (e *panicError) Error() string { return e.what + " at " + e.place }

func panicked(value any) error {
	e := &panicError{what: fmt.Sprintf("panic with a %T", value), place: "an unknown place"}
	if runtimeErr, ok := value.(runtime.Error); ok {
		e.what = "panic: " + runtimeErr.Error()
	}
	// The first frame beyond the runtime and this recovery is the culprit.
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "runtime.") {
			panicking = panicking || frame.Function == "runtime.gopanic"
		} else if panicking {
			e.place = frame.Function
			return e
		}
		if !more {
			return e
		}
	}
}
