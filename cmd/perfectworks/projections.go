package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/projections"
)

func projectionsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "projections",
		Short: "List, rebuild and repair read models",
		Args:  knownCommand,
		RunE:  showHelp,
	}
	command.AddCommand(listProjectionsCommand(), statusOfProjectionsCommand(), rebuildProjectionCommand(), diffProjectionCommand(),
		confirmProjectionCommand(), cancelProjectionCommand(), rollbackProjectionCommand(), dropGenerationCommand(), pruneProjectionsCommand(),
		verifyProjectionCommand(), stepProjectionCommand(), parkedCommand())
	return command
}

func listProjectionsCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:     "list",
		Short:   "List all generations of all projections",
		Example: "  perfectworks projections list\n  perfectworks projections list --json | jq '.[] | select(.state == \"retired\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				generations, err := models.Generations(cmd.Context())
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
	table := newTable(w)
	fmt.Fprintln(table, "projection\tgeneration\tversion\tstate\tevents\tposition\tlast event\tparked\tfailure")
	for _, g := range generations {
		last := "–"
		if !g.LastEventAt.IsZero() {
			last = g.LastEventAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%d\t%s\t%s\t%d\t%s\n", g.Projection, g.ID, g.Version, stateOf(g),
			g.Events, strconv.FormatUint(g.Position.Commit, 10), last, g.Parked, printable(g.Failure))
	}
	return table.Flush()
}

// stateOf is the state of a generation, with what an operator asked of it.
func stateOf(g projections.Generation) string {
	state := string(g.State)
	switch o := g.Order; {
	case g.Pinned:
		state += ", pinned"
	case g.State != projections.Building || o == nil:
	case o.Cancelled:
		state += ", cancelled"
	case o.Failure != "":
		state += ", failed: " + printable(o.Failure)
	case o.Ready:
		state += ", waits for a confirmation"
	}
	return state
}

func rollbackProjectionCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "rollback NAME [GENERATION]",
		Short: "Put a retired generation back in the place of the live one",
		Long: `Put a retired generation back in the place of the live one, once it has caught
up with the log by its own reducers; without a number, the one that was retired
last. Running servers then build no other in its place until the projection is
rebuilt. It is refused by a program that does not have the reducers of that version, if
something has happened since.`,
		Example: "  perfectworks projections rollback members --reason 'release 41 shows wrong roles'",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var id int64
			if len(args) == 2 {
				var err error
				if id, err = generationNumber(args[1]); err != nil {
					return err
				}
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				bar := newBuildBar(cmd.ErrOrStderr())
				begin := commands.BeginAct{Kind: act.RollBackProjection, Target: args[0]}
				if id != 0 {
					begin.Details = map[string]string{"generation": args[1]}
				}
				err := who.do(cmd, models.Acts, begin, func(ctx context.Context) (string, error) {
					return "", models.Rollback(ctx, args[0], id, bar.show)
				})
				bar.finish()
				if err != nil {
					return err
				}
				live := bar.of(args[0]).Generation
				if live == 0 {
					live = id
				}
				return out.write(cmd, map[string]any{"projection": args[0], "generation": live}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s shows an earlier generation\n", args[0])
					return err
				})
			})
		},
	}
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func dropGenerationCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:     "drop GENERATION",
		Short:   "Delete a retired generation with its tables",
		Example: "  perfectworks projections drop 17",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := generationNumber(args[0])
			if err != nil {
				return err
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				err := who.do(cmd, models.Acts, commands.BeginAct{Kind: act.DropGeneration, Target: args[0]}, func(ctx context.Context) (string, error) {
					return "", models.Drop(ctx, id)
				})
				if err != nil {
					return err
				}
				return out.write(cmd, map[string]int64{"dropped": id}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "generation %d is deleted\n", id)
					return err
				})
			})
		},
	}
	who.flags(command)
	out.flag(command)
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

func withReadModels(cmd *cobra.Command, data string, use func(*app.ReadModels) error) error {
	settings, err := settingsFor(cmd, data)
	if err != nil {
		return err
	}
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
	if err != nil {
		return err
	}
	return folderError(cmd, app.WithReadModels(cmd.Context(), settings, logger, use))
}
