package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/command"
)

// documentsCommands are the document tools, and the hidden child process in
// which they read files that nobody vouches for.
func documentsCommands() ([]*cobra.Command, error) {
	engine, err := documents.New(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, fmt.Errorf("set up the documents engine: %w", err)
	}
	return []*cobra.Command{command.New(engine), command.Worker()}, nil
}

// documentsExit is the exit code of a document tool, which says what was found.
func documentsExit(err error, stderr io.Writer) (code int, isIt bool) {
	var exit *command.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	if exit.Err != nil {
		fmt.Fprintln(stderr, "perfectworks:", exit.Err)
	}
	return exit.Code, true
}
