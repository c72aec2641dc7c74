package command

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/documents"
)

// standardOutput is the name of standard output as a file.
const standardOutput = "-"

// rework is a command that writes another file.
type rework struct {
	open   func() (Engine, error)
	asJSON bool
	output string
	// standard gives the name of the result where the user gives none.
	standard func(path string) (string, error)
	work     func(cmd *cobra.Command, engine Engine, source documents.Source, result *result) (*documents.Outcome, error)
}

func process(open func() (Engine, error)) *cobra.Command {
	r := &rework{open: open}
	var dropSignatures bool
	r.standard = func(path string) (string, error) {
		extension := filepath.Ext(path)
		return strings.TrimSuffix(path, extension) + ".accessible" + extension, nil
	}
	r.work = func(cmd *cobra.Command, engine Engine, source documents.Source, result *result) (*documents.Outcome, error) {
		source.DropSignatures = dropSignatures
		return engine.Process(cmd.Context(), source, result.File)
	}
	cmd := r.command(&cobra.Command{
		Use: "process FILE", Short: "Write an accessible version of a PDF or HTML file",
		Long: "Write an accessible version of a PDF or HTML file, beside it as NAME.accessible.pdf or .html, or to OUT.\n" +
			"The report tells what was repaired and what a person must still do. Exit code 1 says that findings remain.",
	})
	cmd.Flags().BoolVar(&dropSignatures, "drop-signatures", false, "process a signed PDF, whose signatures are void afterwards")
	return cmd
}

func convert(open func() (Engine, error)) *cobra.Command {
	r := &rework{open: open}
	var to string
	target := func(path string) (documents.Format, error) {
		switch {
		case to == string(documents.PDF) || to == string(documents.HTML):
			return documents.Format(to), nil
		case to != "":
			return "", &ExitError{Code: ExitUsage, Err: fmt.Errorf("--to is pdf or html, not %q", to)}
		case strings.EqualFold(filepath.Ext(path), ".pdf"):
			return documents.HTML, nil
		}
		return documents.PDF, nil
	}
	r.standard = func(path string) (string, error) {
		format, err := target(path)
		return strings.TrimSuffix(path, filepath.Ext(path)) + "." + string(format), err
	}
	r.work = func(cmd *cobra.Command, engine Engine, source documents.Source, result *result) (*documents.Outcome, error) {
		format, err := target(source.File.Name())
		if err != nil {
			return nil, err
		}
		source.Folder = filepath.Dir(source.File.Name())
		return engine.Convert(cmd.Context(), source, format, result.File)
	}
	cmd := r.command(&cobra.Command{
		Use: "convert FILE", Short: "Convert HTML to PDF/UA, or a PDF to accessible HTML",
		Long: "Convert HTML to PDF/UA, or a PDF to accessible HTML, beside the file as NAME.pdf or NAME.html, or to OUT.\n" +
			"A file that is named .pdf becomes HTML, any other a PDF. Images and\n" +
			"style sheets below the folder of an HTML file become part of the PDF; nothing is fetched. Exit code 1 says that the result has findings.",
	})
	cmd.Flags().StringVar(&to, "to", "", "the format to convert to, pdf or html")
	return cmd
}

// command completes a command by its flags and what it does.
func (r *rework) command(cmd *cobra.Command) *cobra.Command {
	cmd.Args, cmd.SilenceUsage, cmd.SilenceErrors = oneFile, true, true
	cmd.Flags().BoolVar(&r.asJSON, "json", false, "write the report as JSON")
	addPassword(cmd)
	cmd.Flags().StringVarP(&r.output, "output", "o", "", "write the result to this file; - is standard output, the report then goes to standard error")
	cmd.SetFlagErrorFunc(usage)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return r.run(cmd, args[0]) }
	return cmd
}

func (r *rework) run(cmd *cobra.Command, path string) error {
	output, err := r.standard(path)
	if err != nil {
		return err
	}
	report := cmd.OutOrStdout()
	if r.output != "" {
		output = r.output
	}
	if output == standardOutput {
		report = cmd.ErrOrStderr()
	}
	return withFile(cmd, r.open, path, func(engine Engine, source documents.Source) error {
		result, err := create(output, source.File)
		if err != nil {
			return err
		}
		defer result.discard()
		outcome, err := r.work(cmd, engine, source, result)
		var file *documents.FileError
		var exit *ExitError
		switch {
		case errors.As(err, &exit):
			return exit
		case errors.As(err, &file) && r.asJSON:
			if err := writeJSON(report, documents.FailedOutcome(file, time.Now())); err != nil {
				return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("write the report: %w", err)}
			}
		}
		if err != nil {
			return unreadable(path, err)
		}
		if err := result.keep(cmd.OutOrStdout()); err != nil {
			return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("write the result: %w", err)}
		}
		return r.tell(report, path, output, outcome)
	})
}

func (r *rework) tell(out io.Writer, path, output string, outcome *documents.Outcome) error {
	var err error
	if r.asJSON {
		err = writeJSON(out, outcome)
	} else {
		err = writeOutcome(out, path, output, outcome)
	}
	if err != nil {
		return &ExitError{Code: ExitUnreadable, Err: fmt.Errorf("write the report: %w", err)}
	}
	if outcome.Failed() {
		return &ExitError{Code: ExitFindings}
	}
	return nil
}
