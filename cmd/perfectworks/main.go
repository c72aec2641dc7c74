// Command perfectworks is the PerfectWorks backend: its server and the tools of
// its operators.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/documents/command"
	"github.com/perfectworks/backend/domain/failure"
)

// version is set by the linker in releases.
var version = "development"

// Exit codes, as scripts rely on them.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := untilSignal(os.Stderr)
	err := run(ctx)
	stop()
	if err == nil {
		return
	}
	if code, isIt := documentsExit(err, os.Stderr); isIt {
		os.Exit(code)
	}
	fmt.Fprintln(os.Stderr, "perfectworks:", err)
	if refused := failure.Of(err); refused != nil {
		for _, d := range refused.Details {
			fmt.Fprintf(os.Stderr, "  %s %s\n", d.Field, d.Message)
		}
	}
	var usage usageError
	var failed runError
	if errors.As(err, &usage) || !errors.As(err, &failed) {
		os.Exit(exitUsage) // What never ran was not understood.
	}
	os.Exit(exitFailure)
}

// untilSignal returns a context that ends with the first Ctrl-C or SIGTERM, which
// is confirmed on w. The second one ends the program at once.
func untilSignal(w io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			fmt.Fprintln(w, "perfectworks: stopping; what is under way is finished first. Ctrl-C again ends it at once.")
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

func run(ctx context.Context) error {
	return rootCommand().ExecuteContext(ctx)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "perfectworks",
		Short:         "The PerfectWorks backend: makes documents accessible",
		Version:       version,
		Args:          knownCommand,
		RunE:          showHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(
		serveCommand(), tokenCommand(), eventnodeCommand(), adminCommand(),
		auditCommand(), doctorCommand(), readyCommand(), keysCommand(), projectionsCommand(), policiesCommand(), jobsCommand(), erasureCommand(), tokensCommand(), referralsCommand(), paymentsCommand(),
	)
	markRunErrors(root)
	root.AddCommand(command.New(openDocuments))
	root.SetHelpCommand(helpCommand(root))
	return root
}

// helpCommand is that of the library, but for a command that does not exist it
// fails.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil {
				return usageError{err}
			}
			if err := knownCommand(found, rest); found.HasSubCommands() && err != nil {
				return usageError{err}
			}
			return found.Help()
		},
	}
}

// knownCommand refuses the name of a command that does not exist, and proposes
// those that are spelt almost like it.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // letters that may be wrong
	message := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		message += ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return errors.New(message)
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
