// Command perfectworks is the PerfectWorks backend: its server and the tools of
// its operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker in releases.
var version = "development"

// Exit codes, as scripts rely on them.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err == nil {
		return
	}
	if code, isIt := documentsExit(err, os.Stderr); isIt {
		os.Exit(code)
	}
	fmt.Fprintln(os.Stderr, "perfectworks:", err)
	var usage usageError
	var failed runError
	if errors.As(err, &usage) || !errors.As(err, &failed) {
		os.Exit(exitUsage) // What never ran was not understood.
	}
	os.Exit(exitFailure)
}

func run(ctx context.Context) error {
	return rootCommand().ExecuteContext(ctx)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "perfectworks",
		Short:         "The PerfectWorks backend: makes documents accessible",
		Version:       version,
		Args:          cobra.NoArgs,
		RunE:          showHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(serveCommand(), tokenCommand(), eventnodeCommand(), projectionsCommand())
	markRunErrors(root)
	root.AddCommand(documentsCommands()...)
	return root
}

// showHelp is what a command does that only holds others. Being runnable, it
// refuses what it does not know.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// usageError says that the command line itself is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// runError is the error of a command that ran.
type runError struct{ error }

func (e runError) Unwrap() error { return e.error }

// markRunErrors tells the errors of commands from those of their parsing.
func markRunErrors(command *cobra.Command) {
	if run := command.RunE; run != nil {
		command.RunE = func(cmd *cobra.Command, args []string) error {
			if err := run(cmd, args); err != nil {
				return runError{err}
			}
			return nil
		}
	}
	for _, c := range command.Commands() {
		markRunErrors(c)
	}
}
