package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/caarlos0/env/v11"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/command"
	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/adapters/documents/router"
	"github.com/perfectworks/backend/app"
)

// openDocuments chooses the document engines by the environment.
func openDocuments() (command.Engine, error) {
	settings, err := env.ParseAs[engines.Settings]()
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	// The command needs no other settings of a server. What is not clearly
	// development counts as production.
	environment := app.Environment(os.Getenv("PERFECTWORKS_ENV"))
	settings.Production = environment != "" && environment != app.Development
	found, err := engines.Find(settings)
	if err != nil {
		return nil, fmt.Errorf("find the documents engines: %w", err)
	}
	embedded, err := documents.New(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, fmt.Errorf("set up the documents engine: %w", err)
	}
	return router.New(embedded, found), nil
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
