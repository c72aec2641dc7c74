package main

import (
	"errors"
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
		Short: "List and rebuild read models",
		Args:  knownCommand,
		RunE:  showHelp,
	}
	command.AddCommand(listProjectionsCommand(), rebuildProjectionCommand())
	return command
}

func listProjectionsCommand() *cobra.Command {
	var data string
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
				return printGenerations(cmd.OutOrStdout(), generations)
			})
		},
	}
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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name the one projection to rebuild: see perfectworks projections list")
			}
			return nil
		},
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
