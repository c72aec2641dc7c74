package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

func parkedCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "parked",
		Short: "Look at parked events and decide about them",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	command.AddCommand(listParkedCommand(), showParkedCommand(), retryParkedCommand(), skipParkedCommand())
	return command
}

func listParkedCommand() *cobra.Command {
	var data string
	var limit int
	var out printer
	command := &cobra.Command{
		Use:     "list NAME",
		Short:   "List the first parked events of a projection",
		Example: "  perfectworks projections parked list members",
		Args:    oneProjection("look into"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				parked, all, err := models.Parked(cmd.Context(), args[0], limit)
				if err != nil {
					return err
				}
				return out.write(cmd, each(parked, parkedOf), func(w io.Writer) error { return printParked(w, parked, all) })
			})
		},
	}
	limitFlag(command, &limit, 100)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// waitsBehind is why an event is parked that could be taken in.
const waitsBehind = "waits behind an earlier event"

func printParked(w io.Writer, parked []projections.Parked, all int64) error {
	table := newTable(w)
	fmt.Fprintln(table, "generation\tstream\trevision\ttype\tparked at\tfailure")
	for _, p := range parked {
		failure := p.Failure
		if failure == "" {
			failure = waitsBehind
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%s\n", p.Generation, printable(p.Stream), p.Revision, printable(p.EventType),
			p.ParkedAt.Format(time.RFC3339), printable(failure))
	}
	if more := all - int64(len(parked)); more > 0 {
		fmt.Fprintf(table, "and %d more\n", more)
	}
	return table.Flush()
}

// projectionAndStream takes the name of a projection and that of a stream.
func projectionAndStream(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return errors.New("name a projection and a stream: see perfectworks projections parked list")
	}
	return nil
}

func showParkedCommand() *cobra.Command {
	var data string
	var reveal bool
	var limit int
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "show NAME STREAM",
		Short: "Show the first parked events of a stream with what they hold",
		Long: `Show the first parked events of a stream, in their order, with what they hold and why
they are parked. Data about people is hidden; with --reveal it is shown, which needs a
reason and is recorded in the audit log first.`,
		Example: `  perfectworks projections parked show members organization-org_01jd9z3q5we8x9v6m2k4t7r1b9
  perfectworks projections parked show members organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 \
      --reveal --reason 'ticket 4711'`,
		Args: projectionAndStream,
		RunE: func(cmd *cobra.Command, args []string) error {
			if reveal {
				if err := who.mustSay("why data about people is shown"); err != nil {
					return err
				}
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				var shown []parkedEvent
				read := func(ctx context.Context) (_ string, err error) {
					shown, err = readParked(ctx, models, args[0], args[1], limit, reveal)
					return fmt.Sprintf("%d events were shown", len(shown)), err
				}
				var err error
				if reveal {
					begin := commands.BeginAct{Kind: act.RevealParked, Target: args[0], Details: map[string]string{"stream": args[1]}}
					err = who.do(cmd, models.Acts, begin, read)
				} else {
					_, err = read(cmd.Context())
				}
				if err != nil {
					return err
				}
				return out.write(cmd, shown, func(w io.Writer) error { return printParkedEvents(w, shown) })
			})
		},
	}
	limitFlag(command, &limit, 100)
	command.Flags().BoolVar(&reveal, "reveal", false, "show data about people, for a reason")
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// parkedEvent is a parked event with what it holds.
type parkedEvent struct {
	parkedJSON

	Event auditlog.Entry `json:"event"`
}

func readParked(ctx context.Context, models *app.ReadModels, projection, stream string, limit int, reveal bool) ([]parkedEvent, error) {
	shown := []parkedEvent{}
	err := models.ShowParked(ctx, projection, stream, limit, func(p projections.Parked, r event.Recorded, err error) error {
		shown = append(shown, parkedEvent{parkedOf(p), auditlog.EntryOf(r, err, reveal)})
		return nil
	})
	return shown, err
}

func printParkedEvents(w io.Writer, all []parkedEvent) error {
	for _, e := range all {
		failure := e.Failure
		if failure == "" {
			failure = waitsBehind
		}
		table := newTable(w)
		line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, printable(value)) }
		line("event", fmt.Sprintf("%s@%d  %s", e.Stream, e.Revision, e.EventType))
		line("recorded", e.Event.Time.Format(time.RFC3339)+"  by "+e.Event.ActorKind+" "+e.Event.ActorID)
		line("parked", e.ParkedAt.Format(time.RFC3339))
		line("because", failure)
		if e.Event.Failure != "" {
			line("content", "cannot be read: "+e.Event.Failure)
		} else {
			content, err := json.Marshal(e.Event.Data)
			if err != nil {
				return err
			}
			line("content", string(content))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}

func retryParkedCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "retry NAME STREAM",
		Short: "Take the parked events of a stream into the live tables",
		Long: `Take the parked events of a stream into the live tables, in their order, until one
of them still cannot be taken in. A running server goes on meanwhile. Events that were
taken in are no longer parked; if the command is interrupted, all of them still are.`,
		Example: "  perfectworks projections parked retry members organization-org_01jd9z3q5we8x9v6m2k4t7r1b9",
		Args:    projectionAndStream,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				return decideParked(cmd, models, who, out, act.RetryParked, args, models.RetryParked)
			})
		},
	}
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func skipParkedCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "skip NAME STREAM --reason TEXT",
		Short: "Leave the first parked event of a stream out for good, and take in the rest",
		Long: `Leave the first parked event of a stream out for good, for a reason that is kept in
the audit log, and take in those that wait behind it. Rebuilds of this version of the
projection leave it out, too.`,
		Example: `  perfectworks projections parked skip members organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 \
      --reason 'ticket 4711: written by a faulty release'`,
		Args: projectionAndStream,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := who.mustSay("why the event is left out"); err != nil {
				return err
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				return decideParked(cmd, models, who, out, act.SkipParked, args, models.SkipParked)
			})
		},
	}
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// decideParked carries out what an operator decides about the parked events of a
// stream.
func decideParked(cmd *cobra.Command, models *app.ReadModels, who operatorFlags, out printer, kind act.Kind, args []string,
	decide func(ctx context.Context, projection, stream string) (taken int, err error),
) error {
	var taken int
	begin := commands.BeginAct{Kind: kind, Target: args[0], Details: map[string]string{"stream": args[1]}}
	err := who.do(cmd, models.Acts, begin, func(ctx context.Context) (note string, err error) {
		taken, err = decide(ctx, args[0], args[1])
		return fmt.Sprintf("%d events were taken in", taken), err
	})
	if err != nil {
		return err
	}
	answer := map[string]any{"projection": args[0], "stream": args[1], "decision": kind, "taken": taken}
	return out.write(cmd, answer, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d events of %s were taken in\n", taken, printable(args[1]))
		return err
	})
}
