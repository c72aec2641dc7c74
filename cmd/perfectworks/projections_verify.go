package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

func verifyProjectionCommand() *cobra.Command {
	var data string
	var o projections.VerifyOptions
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "verify NAME",
		Short: "Compare the rows of a projection with a rebuild",
		Long: `Build a projection anew in scratch tables, and compare them row by row with the
live ones, which are served and projected meanwhile. What differs is printed with
its likely cause: a missed event, one that was applied twice, a change by hand or
by code. Data about people is hidden. The command fails if rows differ; with
--repair those rows, and no others, are written as the rebuild has them.`,
		Example: `  perfectworks projections verify members
  perfectworks projections verify audit --sample 10000
  perfectworks projections verify members --repair`,
		Args: oneProjection("verify"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				bar := newBuildBar(cmd.ErrOrStderr())
				began := time.Now()
				o.Progress = func(position, upTo event.Position, events int64) {
					bar.show(projections.BuildProgress{
						Projection: args[0], Phase: projections.PhaseReading, Position: position, Head: upTo,
						Events: events, EventsPerSecond: float64(events) / time.Since(began).Seconds(),
					})
				}
				var v projections.Verification
				verify := func(ctx context.Context) (note string, err error) {
					v, err = models.Verify(ctx, args[0], o)
					return fmt.Sprintf("%d of %d rows differed, %d were repaired", v.Different, v.Rows, v.Repaired), err
				}
				var err error
				if o.Repair {
					err = who.do(cmd, models.Acts, commands.BeginAct{Kind: act.RepairProjection, Target: args[0]}, verify)
				} else {
					_, err = verify(cmd.Context())
				}
				bar.finish()
				if err != nil {
					return err
				}
				if err := out.write(cmd, verificationOf(v), func(w io.Writer) error { return printVerification(w, v) }); err != nil {
					return err
				}
				if v.Different > v.Repaired {
					return fmt.Errorf("%d of %d rows differ from a rebuild", v.Different-v.Repaired, v.Rows)
				}
				return nil
			})
		},
	}
	command.Flags().Int64Var(&o.Sample, "sample", 0, "compare about so many rows of each table; all when 0")
	command.Flags().BoolVar(&o.Repair, "repair", false, "write the rows that differ as the rebuild has them")
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// oneProjection takes the name of one projection.
func oneProjection(to string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New("name the one projection to " + to + ": see perfectworks projections list")
		}
		return nil
	}
}

type (
	verificationJSON struct {
		Projection  string           `json:"projection"`
		Version     int              `json:"version"`
		Generation  int64            `json:"generation"`
		Position    string           `json:"position"`
		Events      int64            `json:"events"`
		Rows        int64            `json:"rows"`
		Different   int64            `json:"different"`
		Repaired    int64            `json:"repaired"`
		Differences []differenceJSON `json:"differences"`
	}
	differenceJSON struct {
		Table   string          `json:"table"`
		Key     []string        `json:"key"`
		Cause   string          `json:"cause"`
		Live    json.RawMessage `json:"live"`
		Rebuilt json.RawMessage `json:"rebuilt"`
	}
)

func verificationOf(v projections.Verification) verificationJSON {
	return verificationJSON{
		Projection: v.Projection, Version: v.Version, Generation: v.Generation, Position: v.Position.String(), Events: v.Events,
		Rows: v.Rows, Different: v.Different, Repaired: v.Repaired,
		Differences: each(v.Differences, differenceOf),
	}
}

func differenceOf(d projections.Difference) differenceJSON {
	return differenceJSON{Table: d.Table, Key: d.Key, Cause: d.Cause, Live: d.Live, Rebuilt: d.Rebuilt}
}

func printVerification(w io.Writer, v projections.Verification) error {
	if v.Different == 0 {
		_, err := fmt.Fprintf(w, "%s: %d rows are those of a rebuild from %d events, up to %s\n", v.Projection, v.Rows, v.Events, v.Position)
		return err
	}
	table, colouring := newTable(w), paletteOf(w)
	fmt.Fprintln(table, "table\tkey\tcause\tcolumn\tlive\trebuilt")
	for _, d := range v.Differences {
		place := d.Table + "\t" + printable(strings.Join(d.Key, ", ")) + "\t" + printable(d.Cause)
		for _, c := range changedColumns(d.Live, d.Rebuilt) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", place, c.name, colouring.cell(red, shortened(c.before, cellWidth)), colouring.cell(green, shortened(c.after, cellWidth)))
			place = "\t\t"
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %d rows differ, %d were repaired\n", v.Different, v.Rows, v.Repaired)
	return err
}

// cellWidth bounds what is shown of a value.
const cellWidth = 60

func stepProjectionCommand() *cobra.Command {
	var data, table string
	var key []string
	var out printer
	command := &cobra.Command{
		Use:   "step NAME",
		Short: "Show what each event made of a row, one by one",
		Long: `Show the events that changed a row of a projection, with what it was before and
after each, by the code of this program. The whole log is read; nothing is changed.
Data about people is hidden.`,
		Example: `  perfectworks projections step organizations --key org_01jd9z3q5we8x9v6m2k4t7r1b9
  perfectworks projections step members --table members \
      --key org_01jd9z3q5we8x9v6m2k4t7r1b9 --key user_01jd9z3q5we8x9v6m2k4t7r1b9 --json`,
		Args: oneProjection("step through"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				steps, err := models.Steps(cmd.Context(), args[0], table, key)
				if err != nil {
					return err
				}
				return out.write(cmd, each(steps, stepOf), func(w io.Writer) error { return printSteps(w, steps) })
			})
		},
	}
	command.Flags().StringVar(&table, "table", "", "the table of the row, if the projection has several")
	command.Flags().StringArrayVar(&key, "key", nil, "the primary key of the row; again for each of its columns")
	_ = command.MarkFlagRequired("key") // The flag exists.
	out.flag(command)
	dataFlag(command, &data)
	return command
}

type stepJSON struct {
	Stream    string          `json:"stream"`
	Revision  int64           `json:"revision"`
	Position  string          `json:"position"`
	EventID   string          `json:"eventId"`
	EventType string          `json:"eventType"`
	Time      time.Time       `json:"time"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
}

func stepOf(s projections.Step) stepJSON {
	return stepJSON{
		Stream: s.Stream, Revision: int64(s.Revision), Position: s.Position.String(), EventID: s.EventID.String(),
		EventType: s.EventType, Time: s.Time.UTC(), Before: s.Before, After: s.After,
	}
}

func printSteps(w io.Writer, steps []projections.Step) error {
	if len(steps) == 0 {
		_, err := fmt.Fprintln(w, "no event has changed this row")
		return err
	}
	for _, s := range steps {
		table, colouring := newTable(w), paletteOf(w)
		fmt.Fprintf(w, "%s  %s  %s@%d\n", colouring.paint(faint, s.Time.UTC().Format(time.RFC3339)), colouring.paint(cyan, s.EventType), printable(s.Stream), s.Revision)
		for _, c := range changedColumns(s.Before, s.After) {
			fmt.Fprintf(table, "    %s\t%s\t→\t%s\n", c.name, colouring.cell(red, shortened(c.before, cellWidth)), colouring.cell(green, shortened(c.after, cellWidth)))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}
