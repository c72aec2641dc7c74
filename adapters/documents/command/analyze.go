package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/documents"
)

func analyze(open func() (Engine, error)) *cobra.Command {
	var asJSON bool
	var output string
	cmd := &cobra.Command{
		Use: "analyze FILE", Short: "Report on the accessibility of a PDF or HTML file", Args: oneFile,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withFile(cmd, open, args[0], func(engine Engine, source documents.Source) error {
				report, err := engine.Analyze(cmd.Context(), source)
				var file *documents.FileError
				if errors.As(err, &file) && asJSON {
					if err := writeReport(cmd, output, true, args[0], documents.Failure(file, time.Now())); err != nil {
						return err
					}
				}
				if err != nil {
					return unreadable(args[0], err)
				}
				if err := writeReport(cmd, output, asJSON, args[0], report); err != nil {
					return err
				}
				if report.Failed() {
					return &ExitError{Code: ExitFindings}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the report as JSON")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the report to a file instead of standard output")
	addPassword(cmd)
	cmd.SetFlagErrorFunc(usage)
	return cmd
}

// writeReport writes a report to where the user wants it.
func writeReport(cmd *cobra.Command, output string, asJSON bool, path string, report *documents.Report) error {
	out, done, err := destination(cmd, output)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(out, report)
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
	if path == "" || path == standardOutput {
		return cmd.OutOrStdout(), func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, nil, &ExitError{Code: ExitUsage, Err: fmt.Errorf("open the output: %w", err)}
	}
	return file, file.Close, nil
}
