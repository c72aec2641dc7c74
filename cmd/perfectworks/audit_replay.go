package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

type (
	replayedJSON struct {
		auditlog.Entry

		State any `json:"state"`
	}
	scratchRowJSON struct {
		Table string          `json:"table"`
		Row   json.RawMessage `json:"row"`
	}
)

// replay is what the command is asked to do.
type replay struct {
	data           string
	into, from, to string
	json           bool
	// state prints the whole state after each event, step waits for a key.
	state, step bool
	// keep leaves the scratch tables.
	keep bool
	who  operatorFlags
}

func auditReplayCommand() *cobra.Command {
	var r replay
	command := &cobra.Command{
		Use:   "replay [STREAM]",
		Short: "Step through a stream, or replay a part of the log into scratch tables",
		Long: `With the name of a stream, print each of its events with what it changed in the
aggregate, or with the whole state after it (--state). --step waits for Enter after
each event; q ends it.

With --into, take the events of the log between two positions into scratch tables of a
projection, from an empty state, and print their rows: what would this read model say
of these events alone? Positions are those that perfectworks audit log --json tells;
--from is excluded, --to is included. The tables are deleted at the end; with --keep
they stay for a day, to be queried, or until perfectworks projections drop. Nothing
that is live is touched. Data about people is hidden.`,
		Example: `  perfectworks audit replay organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 --step
  perfectworks audit replay --into members --from C:1024/P:1024 --to C:4096/P:4096`,
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 1) == (r.into != "") || len(args) > 1 {
				return errors.New("name a stream, or a projection by --into")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.into == "" {
				return r.stream(cmd, args[0])
			}
			return r.scratch(cmd)
		},
	}
	flags := command.Flags()
	flags.StringVar(&r.into, "into", "", "the projection into whose scratch tables a part of the log is replayed")
	flags.StringVar(&r.from, "from", "", "the position after which it begins; the beginning of the log if absent")
	flags.StringVar(&r.to, "to", "", "the position up to which it goes; the end of the log if absent")
	flags.BoolVar(&r.state, "state", false, "print the whole state after each event")
	flags.BoolVar(&r.step, "step", false, "wait for Enter after each event")
	flags.BoolVar(&r.keep, "keep", false, "keep the scratch tables for a day instead of printing their rows")
	flags.BoolVar(&r.json, "json", false, "print each event with the state after it, or each row, as a line of JSON")
	r.who.flags(command)
	dataFlag(command, &r.data)
	return command
}

// errQuit ends stepping.
var errQuit = errors.New("the operator has seen enough")

// stream goes through the events of a stream.
func (r *replay) stream(cmd *cobra.Command, stream string) error {
	if r.step && r.json {
		return usageError{errors.New("--step and --json exclude each other")}
	}
	keys, w, n := bufio.NewReader(cmd.InOrStdin()), cmd.OutOrStdout(), 0
	err := withAudit(cmd, r.data, func(a *app.Audit) error {
		return a.Replay(cmd.Context(), stream, func(e auditlog.Entry, before, after any) error {
			if r.json {
				return writeLine(w, replayedJSON{e, after})
			}
			if n++; r.step && n > 1 {
				if err := nextStep(cmd, keys); err != nil {
					return err
				}
			}
			if err := (&entries{}).write(w, e); err != nil {
				return err
			}
			if !r.state {
				return printChanges(w, before, after)
			}
			text, err := indentedJSON(after)
			if err == nil {
				_, err = fmt.Fprintf(w, "%s\n", text)
			}
			return err
		})
	})
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// nextStep waits for Enter. The end of the input ends the stepping, as q does.
func nextStep(cmd *cobra.Command, keys *bufio.Reader) error {
	if isTerminal(cmd.ErrOrStderr()) {
		fmt.Fprint(cmd.ErrOrStderr(), "Enter for the next event, q to end: ")
	}
	line, err := keys.ReadString('\n')
	if errors.Is(err, io.EOF) || strings.TrimSpace(line) == "q" {
		return errQuit
	}
	return err
}

// scratch replays a part of the log into scratch tables.
func (r *replay) scratch(cmd *cobra.Command) error {
	var begin, end event.Position
	for _, p := range []struct {
		flag, text string
		position   *event.Position
	}{{"--from", r.from, &begin}, {"--to", r.to, &end}} {
		if p.text == "" {
			continue
		}
		var err error
		if *p.position, err = event.ParsePosition(p.text); err != nil {
			return usageError{fmt.Errorf("%s: %w", p.flag, err)}
		}
	}
	return withAudit(cmd, r.data, func(a *app.Audit) error {
		head, err := a.Head(cmd.Context())
		if err != nil {
			return err
		}
		if end.IsZero() || end.Compare(head) > 0 {
			end = head
		}
		if begin.Compare(end) > 0 {
			return usageError{errors.New("--from must not be after --to, or after the end of the log")}
		}
		what := commands.BeginAct{Kind: act.ReplayIntoScratch, Target: r.into, Details: map[string]string{"from": begin.String(), "to": end.String()}}
		return r.who.do(cmd, a.Acts, what, func(ctx context.Context) (string, error) { return r.fill(ctx, cmd, a, begin, end) })
	})
}

// fill fills the scratch tables, shows what is in them, and drops them.
func (r *replay) fill(ctx context.Context, cmd *cobra.Command, a *app.Audit, begin, end event.Position) (note string, err error) {
	people := cmd.ErrOrStderr()
	if !isTerminal(people) {
		people = io.Discard
	}
	bar, began := newBuildBar(people), time.Now()
	g, err := a.Projections.Replay(ctx, r.into, begin, end, func(position event.Position, events int64) {
		bar.show(projections.BuildProgress{
			Projection: r.into, Phase: projections.PhaseReading, Position: position, Head: end,
			Events: events, EventsPerSecond: float64(events) / time.Since(began).Seconds(),
		})
	})
	bar.finish()
	if err != nil {
		return "", err
	}
	w := cmd.OutOrStdout()
	note = fmt.Sprintf("%d events are in the tables of the schema %s", g.Events, g.Schema())
	if r.keep {
		_, err := fmt.Fprintf(w, "%s, which is deleted after a day, or by perfectworks projections drop %d\n", note, g.ID)
		return note, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
		defer cancel()
		err = errors.Join(err, a.Projections.Drop(ctx, g.ID))
	}()
	rows, of := 0, ""
	err = a.Projections.Rows(ctx, g, func(table string, row json.RawMessage) error {
		rows++
		if r.json {
			return writeLine(w, scratchRowJSON{table, row})
		}
		if table != of {
			of = table
			fmt.Fprintf(w, "%s\n", table)
		}
		_, err := fmt.Fprintf(w, "    %s\n", escapedJSON(row))
		return err
	})
	if err == nil && !r.json {
		_, err = fmt.Fprintf(w, "%d events made %d rows\n", g.Events, rows)
	}
	return fmt.Sprintf("%d events made %d rows", g.Events, rows), err
}

// dropTimeout bounds the dropping of scratch tables at the end, also of a command that
// was interrupted.
const dropTimeout = 30 * time.Second
