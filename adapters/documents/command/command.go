// Package command is the command line of the documents engine: perfectworks documents.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

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

// Analyzer is the part of the engine that commands need.
type Analyzer interface {
	Analyze(ctx context.Context, source documents.Source) (*documents.Report, error)
	Capabilities() documents.Capabilities
}

// New makes the command "documents". Its errors are [*ExitError], already without any text for the user to see when
// Err is nil.
func New(engine Analyzer) *cobra.Command {
	root := &cobra.Command{
		Use:   "documents",
		Short: "Analyse documents for accessibility",
		Long: "Analyse documents for accessibility.\n\n" +
			"Exit codes: 0 done, 1 findings that fail, 2 bad usage, 3 the file cannot be read.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &ExitError{Code: ExitUsage, Err: fmt.Errorf("unknown command %q for documents", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(usage)
	root.AddCommand(analyze(engine), capabilities(engine))
	return root
}

// Worker makes the hidden command of the child process. It must be added to the root command of the program.
func Worker() *cobra.Command {
	return &cobra.Command{
		Use: documents.WorkerCommand, Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := documents.Worker(args, cmd.InOrStdin(), cmd.OutOrStdout()); code != 0 {
				return &ExitError{Code: code}
			}
			return nil
		},
	}
}

func usage(_ *cobra.Command, err error) error { return &ExitError{Code: ExitUsage, Err: err} }

// oneFile wants exactly one argument.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &ExitError{Code: ExitUsage, Err: fmt.Errorf("%s wants one file, not %d", cmd.CommandPath(), len(args))}
	}
	return nil
}

func analyze(engine Analyzer) *cobra.Command {
	var asJSON bool
	var output string
	cmd := &cobra.Command{
		Use: "analyze FILE", Short: "Report on the accessibility of a PDF or HTML file", Args: oneFile,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := analyzeFile(cmd, engine, args[0])
			var file *documents.FileError
			if errors.As(err, &file) && asJSON {
				if err := write(cmd, output, true, args[0], documents.Failure(file, time.Now())); err != nil {
					return err
				}
			}
			if err != nil {
				return err
			}
			if err := write(cmd, output, asJSON, args[0], report); err != nil {
				return err
			}
			if report.Failed() {
				return &ExitError{Code: ExitFindings}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the report to a file instead of standard output")
	cmd.SetFlagErrorFunc(usage)
	return cmd
}

func analyzeFile(cmd *cobra.Command, engine Analyzer, path string) (*documents.Report, error) {
	unreadable := func(err error) error { return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("%s: %w", path, err)} }
	file, err := os.Open(path)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, unreadable(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	if info.IsDir() {
		return nil, unreadable(errors.New("is a folder"))
	}
	bar := newProgress(cmd.ErrOrStderr())
	defer bar.clear()
	report, err := engine.Analyze(cmd.Context(), documents.Source{File: file, Progress: bar.set})
	if err != nil {
		return nil, unreadable(err)
	}
	return report, nil
}

// write writes a report to where the user wants it.
func write(cmd *cobra.Command, output string, asJSON bool, path string, report *documents.Report) error {
	out, done, err := destination(cmd, output)
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = writeText(out, path, report)
	}
	if err := errors.Join(err, done()); err != nil {
		return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("write the report: %w", err)}
	}
	return nil
}

// destination gives where a report goes, and what to do at the end.
func destination(cmd *cobra.Command, path string) (io.Writer, func() error, error) {
	if path == "" {
		return cmd.OutOrStdout(), func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, &ExitError{Code: ExitUsage, Err: fmt.Errorf("open the output: %w", err)}
	}
	return file, file.Close, nil
}

func capabilities(engine Analyzer) *cobra.Command {
	return &cobra.Command{
		Use: "capabilities", Short: "Tell as JSON what the engine can do", Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(engine.Capabilities())
		},
	}
}
