package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

var (
	errServerGone    = errors.New("the server ended")
	errPortInUse     = errors.New("the port is in use by another program")
	errOrphans       = errors.New("processes of an earlier server still run")
	errDiskFull      = errors.New("the disk is full")
	errReadOnly      = errors.New("the disk is read-only")
	errWrongPassword = errors.New("the server refuses the password that is kept in the folder")
	errFileSize      = errors.New("the size of files is limited for this user")
)

// explain makes a sentence of a failure: its meaning, where what Postgres wrote
// shows it, and the last lines of that.
func explain(what string, err error, output string) error {
	for _, known := range []struct {
		phrase  string
		meaning error
	}{
		{"No space left on device", errDiskFull},
		{"File too large", errFileSize},
		{"Read-only file system", errReadOnly},
		{"Address already in use", errPortInUse},
		{"pre-existing shared memory block", errOrphans},
	} {
		if strings.Contains(output, known.phrase) {
			err = known.meaning
			break
		}
	}
	if lines := lastLines(output, 6); lines != "" {
		return fmt.Errorf("%s: %w; its last lines: %s", what, err, lines)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func lastLines(output string, n int) string {
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' })
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// causeOf prefers why ctx ended to what came of that.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
