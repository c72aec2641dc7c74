// Package command is the command line of the documents engine: perfectworks documents.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/documents"
)

// The exit codes, which scripts rely on.
const (
	// ExitFindings is for a document with findings that fail.
	ExitFindings = 1
	// ExitUsage is for a wrong command line.
	ExitUsage = 2
	// ExitUnreadable is for a file that cannot be read or worked on.
	ExitUnreadable = 3
)

// ExitError ends the program with an exit code. Err may be nil if all was said.
type ExitError struct {
	Code int
	Err  error
}

// Error is the error's text.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// Engine is what commands need.
type Engine interface {
	Analyze(ctx context.Context, source documents.Source) (*documents.Report, error)
	Process(ctx context.Context, source documents.Source, out *os.File) (*documents.Outcome, error)
	Convert(ctx context.Context, source documents.Source, to documents.Format, out *os.File) (*documents.Outcome, error)
	Capabilities() documents.Capabilities
}

// New makes the command "documents". Open gives the engine when a command needs it; its errors are wrong settings.
// Errors of the command are [*ExitError], already without any text for the user to see when Err is nil.
func New(open func() (Engine, error)) *cobra.Command {
	root := &cobra.Command{
		Use:   "documents",
		Short: "Analyse documents for accessibility, make them accessible, convert them",
		Long: "Analyse PDF and HTML files for accessibility, write accessible versions of them, and convert between both.\n\n" +
			"Exit codes: 0 done, 1 findings that fail, 2 bad usage, 3 the file cannot be read.",
		SuggestionsMinimumDistance: 2,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				message := fmt.Sprintf("unknown command %q for documents", args[0])
				if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
					message += ": did you mean " + strings.Join(similar, " or ") + "?"
				}
				return &ExitError{Code: ExitUsage, Err: errors.New(message)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(usage)
	opened := func() (Engine, error) {
		engine, err := open()
		if err != nil {
			return nil, &ExitError{Code: ExitUsage, Err: err}
		}
		return engine, nil
	}
	root.AddCommand(analyze(opened), process(opened), convert(opened), capabilities(opened))
	return root
}

func usage(_ *cobra.Command, err error) error { return &ExitError{Code: ExitUsage, Err: err} }

// oneFile wants exactly one argument.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &ExitError{Code: ExitUsage, Err: fmt.Errorf("%s wants one file, not %d", cmd.CommandPath(), len(args))}
	}
	return nil
}

// withFile calls work with the engine and a file to read, and a progress bar.
func withFile(cmd *cobra.Command, open func() (Engine, error), path string, work func(Engine, documents.Source) error) error {
	engine, err := open()
	if err != nil {
		return err
	}
	file, err := openFile(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer file.Close()
	bar := newProgress(cmd.ErrOrStderr())
	defer bar.clear()
	password, err := passwordOf(cmd)
	if err != nil {
		return err
	}
	return work(engine, documents.Source{File: file, Progress: bar.set, Password: password})
}

func unreadable(path string, err error) error {
	return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("%s: %w", path, err)}
}

// openFile opens a file to read; a folder is none.
func openFile(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a folder")
	}
	if err != nil {
		return nil, errors.Join(reason(err), file.Close())
	}
	return file, nil
}

// reason gives what a file system says without the path, which is said already.
func reason(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func capabilities(open func() (Engine, error)) *cobra.Command {
	return &cobra.Command{
		Use: "capabilities", Short: "Tell as JSON what the engines can do", Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := open()
			if err != nil {
				return err
			}
			return writeJSON(cmd.OutOrStdout(), engine.Capabilities())
		},
	}
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
