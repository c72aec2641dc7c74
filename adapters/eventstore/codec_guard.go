package eventstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

const (
	// maxNesting is how deep the JSON of an event may be nested. Upcasters, and
	// types that read themselves, recurse with it; a stack that is used up ends the
	// program, and cannot be recovered from.
	maxNesting = 128
	// maxVersions bounds the chain of an event's upcasters.
	maxVersions = 256
	// maxUpcast bounds what a chain of upcasters may make of an event, in bytes.
	maxUpcast = 16 << 20
)

var errNesting = fmt.Errorf("JSON nested deeper than %d levels", maxNesting)

// PanicError says that an upcaster, or a type that writes and reads itself,
// panicked over an event.
type PanicError struct {
	// Reason is the text of a runtime error. Of other values, which may hold
	// content of the event, it is only the type.
	Reason string
	// Function and Line are where.
	Function string
	Line     int
}

// Error holds nothing of the event's content.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic in %s, line %d: %s", e.Function, e.Line, e.Reason)
}

// guard runs what calls code of an event type, and turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	return f()
}

func panicError(value any) *PanicError {
	e := &PanicError{Reason: fmt.Sprintf("a value of type %T", value)}
	var runtimeErr runtime.Error
	if err, ok := value.(error); ok && errors.As(err, &runtimeErr) {
		e.Reason = runtimeErr.Error()
	}
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	panicked := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime {
			e.Function, e.Line = frame.Function, frame.Line
			return e
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
		if !more {
			return e
		}
	}
}

// checkNesting refuses JSON that is nested too deep, without parsing what cannot
// be.
func checkNesting(data []byte) error {
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= maxNesting {
		return nil
	}
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return errNesting
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
