package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/projections"
)

func projectionsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "projections",
		Short: "List, rebuild and repair read models",
		Args:  knownCommand,
		RunE:  showHelp,
	}
	command.AddCommand(listProjectionsCommand(), statusOfProjectionsCommand(), rebuildProjectionCommand(),
		rollbackProjectionCommand(), dropGenerationCommand(), pruneProjectionsCommand(),
		verifyProjectionCommand(), stepProjectionCommand(), parkedCommand())
	return command
}

func listProjectionsCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "list",
		Short: "List all generations of all projections",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				generations, err := engine.Generations(cmd.Context())
				if err != nil {
					return err
				}
				return out.write(cmd, each(generations, generationOf), func(w io.Writer) error { return printGenerations(w, generations) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printGenerations(w io.Writer, generations []projections.Generation) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "projection\tgeneration\tversion\tstate\tevents\tposition\tlast event\tparked\tfailure")
	for _, g := range generations {
		last := "–"
		if !g.LastEventAt.IsZero() {
			last = g.LastEventAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%d\t%s\t%s\t%d\t%s\n", g.Projection, g.ID, g.Version, g.State,
			g.Events, strconv.FormatUint(g.Position.Commit, 10), last, g.Parked, g.Failure)
	}
	return table.Flush()
}

func rebuildProjectionCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "rebuild NAME",
		Short: "Build a projection anew beside the live one, and put it in its place",
		Long: `Build a new generation of a projection from the beginning of the log, beside
the live one, and put it in its place once it has caught up. A running server
goes on serving meanwhile. The former generation is kept.`,
		Args: oneProjection("rebuild"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				bar := newBuildBar(cmd.ErrOrStderr())
				err := engine.Rebuild(cmd.Context(), args[0], bar.show)
				bar.finish()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s was rebuilt from %d events\n", args[0], bar.last.Events)
				return err
			})
		},
	}
	dataFlag(command, &data)
	return command
}

func rollbackProjectionCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "rollback NAME [GENERATION]",
		Short: "Put a retired generation back in the place of the live one",
		Long: `Put a retired generation back in the place of the live one, once it has caught
up with the log by its own reducers; without a number, the one that was retired
last. Running servers then build no other in its place until the projection is
rebuilt.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var id int64
			if len(args) == 2 {
				var err error
				if id, err = generationNumber(args[1]); err != nil {
					return err
				}
			}
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				bar := newBuildBar(cmd.ErrOrStderr())
				err := engine.Rollback(cmd.Context(), args[0], id, bar.show)
				bar.finish()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s shows an earlier generation\n", args[0])
				return err
			})
		},
	}
	dataFlag(command, &data)
	return command
}

func dropGenerationCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "drop GENERATION",
		Short: "Delete a retired generation with its tables",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := generationNumber(args[0])
			if err != nil {
				return err
			}
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				if err := engine.Drop(cmd.Context(), id); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "generation %d is deleted\n", id)
				return err
			})
		},
	}
	dataFlag(command, &data)
	return command
}

// generationNumber reads a generation as list shows it.
func generationNumber(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is not the number of a generation: see perfectworks projections list", text)
	}
	return id, nil
}

func parkedCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "parked",
		Short: "List parked events and decide about them",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	command.AddCommand(
		listParkedCommand(),
		decideCommand("retry NAME STREAM", "Take the parked events of a stream into the live tables",
			(*projections.Engine).RetryParked),
		decideCommand("skip NAME STREAM", "Leave the first parked event of a stream out for good, and take in the rest",
			(*projections.Engine).SkipParked),
	)
	return command
}

func listParkedCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "list NAME",
		Short: "List the parked events of a projection",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				parked, err := engine.Parked(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return out.write(cmd, each(parked, parkedOf), func(w io.Writer) error { return printParked(w, parked) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printParked(w io.Writer, parked []projections.Parked) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "generation\tstream\trevision\ttype\tparked at\tfailure")
	for _, p := range parked {
		failure := p.Failure
		if failure == "" {
			failure = "waits behind an earlier event"
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%s\n", p.Generation, p.Stream, p.Revision, p.EventType,
			p.ParkedAt.Format(time.RFC3339), failure)
	}
	return table.Flush()
}

func decideCommand(use, short string, decide func(*projections.Engine, context.Context, string, string) (int, error)) *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withEngine(cmd, data, func(engine *projections.Engine) error {
				taken, err := decide(engine, cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d events of %s were taken in\n", taken, args[1])
				return err
			})
		},
	}
	dataFlag(command, &data)
	return command
}

func withEngine(cmd *cobra.Command, data string, use func(*projections.Engine) error) error {
	settings, err := settingsFor(cmd, data)
	if err != nil {
		return err
	}
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
	if err != nil {
		return err
	}
	return folderError(cmd, app.WithEngine(cmd.Context(), settings, logger, use))
}
