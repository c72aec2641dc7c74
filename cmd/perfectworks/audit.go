package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

func auditCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "audit",
		Short: "Look into the event log: what happened, by whom and why, and what was when",
		Long: `Look into the event log: what happened, by whom and why, what an aggregate was at
any time, and what followed from what. Nothing is changed, and data about people is
hidden. All commands work while servers run.`,
		Args: knownCommand,
		RunE: showHelp,
	}
	command.AddCommand(auditLogCommand(), auditFollowCommand(), auditTraceCommand(), auditShowCommand(), auditReplayCommand(),
		checkpointCommand(), verifyLogCommand(), proveCommand(), checkProofCommand(), checkpointKeysCommand(), newCheckpointKeyCommand())
	return command
}

// filterFlags are the flags of a filter. Times are read by filter.
type filterFlags struct {
	filter       auditlog.Filter
	since, until string
}

func (f *filterFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.filter.Organization, "organization", "", "only events in this organization")
	flags.StringVar(&f.filter.Actor, "actor", "", "only events of this actor, or of the person behind one")
	flags.StringVar(&f.filter.Aggregate, "aggregate", "", "only events of this stream, or of streams of this category")
	flags.StringVar(&f.filter.Type, "type", "", "only events of this type")
	flags.StringVar(&f.filter.Correlation, "correlation", "", "only what this request set in motion, by its correlation or request id")
}

func (f *filterFlags) addTimes(command *cobra.Command) {
	command.Flags().StringVar(&f.since, "since", "", "only events from this time on, such as 2026-03-01T12:00:00Z")
	command.Flags().StringVar(&f.until, "until", "", "only events before this time")
}

func (f *filterFlags) parse() (auditlog.Filter, error) {
	var sinceErr, untilErr error
	f.filter.Since, sinceErr = timeOf("--since", f.since)
	f.filter.Until, untilErr = timeOf("--until", f.until)
	return f.filter, errors.Join(sinceErr, untilErr)
}

// timeOf reads the time of a flag; zero when it is absent.
func timeOf(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a time such as 2026-03-01T12:00:00Z", flag, text)
	}
	return t, nil
}

// entries writes events, as JSON lines or for people.
type entries struct{ json bool }

func (e *entries) flag(command *cobra.Command) {
	command.Flags().BoolVar(&e.json, "json", false, "print each event as a line of JSON")
}

func (e *entries) write(w io.Writer, entry auditlog.Entry) error {
	if e.json {
		return writeLine(w, entry)
	}
	kind := entry.Type
	if entry.Failure != "" {
		kind = "cannot be read: " + printable(entry.Failure)
	}
	who := entry.ActorKind + " " + entry.ActorID
	if entry.OrganizationID != "" {
		who += " in " + entry.OrganizationID
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s@%d  by %s\n", entry.Time.Format(time.RFC3339), kind, printable(entry.Stream), entry.Revision, printable(who))
	return err
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", escapedJSON(line))
	}
	return err
}

func auditLogCommand() *cobra.Command {
	var data string
	var flags filterFlags
	var out entries
	command := &cobra.Command{
		Use:   "log",
		Short: "List events of the whole log, in their order",
		Example: `  perfectworks audit log --organization org_01jd9z3q5we8x9v6m2k4t7r1b9 --since 2026-03-01T00:00:00Z
  perfectworks audit log --aggregate apiKey --type ApiKeyRevoked --json | jq .actorId`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.parse()
			if err != nil {
				return usageError{err}
			}
			return withAudit(cmd, data, func(a *app.Audit) error {
				head, err := a.Head(cmd.Context())
				if err != nil {
					return err
				}
				return a.Log(cmd.Context(), filter, event.Position{}, head, func(e auditlog.Entry) error { return out.write(cmd.OutOrStdout(), e) })
			})
		},
	}
	flags.add(command)
	flags.addTimes(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func auditFollowCommand() *cobra.Command {
	var data string
	var flags filterFlags
	var out entries
	command := &cobra.Command{
		Use:     "follow",
		Short:   "Print events as they come, until Ctrl-C",
		Example: `  perfectworks audit follow --actor user_01jd9z3q5we8x9v6m2k4t7r1b9`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAudit(cmd, data, func(a *app.Audit) error {
				return a.Follow(cmd.Context(), flags.filter, func(e auditlog.Entry) error { return out.write(cmd.OutOrStdout(), e) })
			})
		},
	}
	flags.add(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func auditTraceCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "trace ID",
		Short: "Draw what followed from what: commands, events, policies and jobs",
		Long: `Draw all that one request set in motion, as a tree: commands with their events,
and below each event the jobs and commands that follow from it. The id is that of
a request, a correlation, a command or an event.`,
		Example: `  perfectworks audit trace 01JD9Z3Q5W8X0V6M2K4T7R1B9C`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAudit(cmd, data, func(a *app.Audit) error {
				roots, err := a.Trace(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return out.write(cmd, roots, func(w io.Writer) error { return printTrace(w, roots, "", true) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// printTrace draws commands and what is below them. Those at the top have no branch
// that leads to them.
func printTrace(w io.Writer, commands []*auditlog.Command, indent string, top bool) error {
	for i, c := range commands {
		mark, below := branch(i == len(commands)-1)
		if top {
			mark, below = "", ""
		}
		if _, err := fmt.Fprintf(w, "%s%scommand %s by %s %s\n", indent, mark, c.ID, c.ActorKind, printable(c.ActorID)); err != nil {
			return err
		}
		for j, e := range c.Events {
			mark, deeper := branch(j == len(c.Events)-1)
			inner := indent + below
			fmt.Fprintf(w, "%s%s%s  %s@%d  %s\n", inner, mark, e.Type, printable(e.Stream), e.Revision, e.Time.Format(time.RFC3339))
			for k, job := range e.Jobs {
				mark, _ := branch(k == len(e.Jobs)-1 && len(e.Commands) == 0)
				fmt.Fprintf(w, "%s%s%sjob %d  %s  %s\n", inner, deeper, mark, job.ID, printable(job.Kind), job.State)
			}
			if err := printTrace(w, e.Commands, inner+deeper, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// branch is what leads to a node, and what stands before those below it.
func branch(last bool) (mark, below string) {
	if last {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
}

func auditShowCommand() *cobra.Command {
	var data, at string
	var compared []string
	var out printer
	command := &cobra.Command{
		Use:   "show STREAM",
		Short: "Show what an aggregate is, or was at a time or a revision",
		Example: `  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9
  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 --at 2026-03-01T12:00:00Z
  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 --diff 3 --diff 17`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			point, err := pointOf(at)
			if err != nil {
				return usageError{err}
			}
			if len(compared) > 0 {
				return showDifference(cmd, data, args[0], compared, out)
			}
			return withAudit(cmd, data, func(a *app.Audit) error {
				s, err := a.State(cmd.Context(), args[0], point)
				if err != nil {
					return err
				}
				return out.write(cmd, s, func(w io.Writer) error { return printState(w, s) })
			})
		},
	}
	command.Flags().StringVar(&at, "at", "", "a time such as 2026-03-01T12:00:00Z, or a revision")
	command.Flags().StringArrayVar(&compared, "diff", nil, "given twice: show what changed between two times or revisions")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// pointOf reads a time or a revision.
func pointOf(text string) (auditlog.Point, error) {
	if text == "" {
		return auditlog.Point{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return auditlog.Point{Revision: new(event.Revision(n))}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return auditlog.Point{}, fmt.Errorf("%q is neither a time such as 2026-03-01T12:00:00Z nor a revision", text)
	}
	return auditlog.Point{Time: t}, nil
}

type stateDifferenceJSON struct {
	From auditlog.State `json:"from"`
	To   auditlog.State `json:"to"`
}

func showDifference(cmd *cobra.Command, data, stream string, compared []string, out printer) error {
	if len(compared) != 2 {
		return usageError{errors.New("--diff is given twice")}
	}
	var points [2]auditlog.Point
	for i, text := range compared {
		var err error
		if points[i], err = pointOf(text); err != nil {
			return usageError{err}
		}
	}
	return withAudit(cmd, data, func(a *app.Audit) error {
		from, err := a.State(cmd.Context(), stream, points[0])
		if err != nil {
			return err
		}
		to, err := a.State(cmd.Context(), stream, points[1])
		if err != nil {
			return err
		}
		return out.write(cmd, stateDifferenceJSON{from, to}, func(w io.Writer) error {
			fmt.Fprintf(w, "%s from revision %d to %d\n", printable(stream), from.Revision, to.Revision)
			return printChanges(w, from.State, to.State)
		})
	})
}

func printState(w io.Writer, s auditlog.State) error {
	when := "before its first event"
	if s.Time != nil {
		when = fmt.Sprintf("after revision %d, of %s", s.Revision, s.Time.Format(time.RFC3339))
	}
	text, err := indentedJSON(s.State)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s %s\n%s\n", printable(s.Stream), when, text)
	}
	return err
}

// printChanges prints the fields that differ between two states.
func printChanges(w io.Writer, before, after any) error {
	was, beforeErr := json.Marshal(before)
	is, afterErr := json.Marshal(after)
	if err := errors.Join(beforeErr, afterErr); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range changedColumns(was, is) {
		fmt.Fprintf(table, "    %s\t%s\t→\t%s\n", c.name, shortened(c.before, cellWidth), shortened(c.after, cellWidth))
	}
	return table.Flush()
}

type replayedJSON struct {
	auditlog.Entry

	State any `json:"state"`
}

func auditReplayCommand() *cobra.Command {
	var data, into, from, to string
	var asJSON bool
	command := &cobra.Command{
		Use:   "replay [STREAM]",
		Short: "Step through a stream, or replay a part of the log into scratch tables",
		Long: `With the name of a stream, print each of its events with what it changed in the
aggregate. With --into, take the events of the log between two positions into
scratch tables of a projection, from an empty state: what would this read model say
of these events alone? Positions are those that perfectworks audit log --json tells;
--from is excluded, --to is included. The tables are deleted after a day, or by
perfectworks projections drop. Nothing that is live is touched.`,
		Example: `  perfectworks audit replay organization-org_01jd9z3q5we8x9v6m2k4t7r1b9
  perfectworks audit replay --into members --from C:1024/P:1024 --to C:4096/P:4096`,
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 1) == (into != "") || len(args) > 1 {
				return errors.New("name a stream, or a projection by --into")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if into != "" {
				return replayInto(cmd, data, into, from, to)
			}
			return withAudit(cmd, data, func(a *app.Audit) error {
				w := cmd.OutOrStdout()
				return a.Replay(cmd.Context(), args[0], func(e auditlog.Entry, before, after any) error {
					if asJSON {
						return writeLine(w, replayedJSON{e, after})
					}
					if err := (&entries{}).write(w, e); err != nil {
						return err
					}
					return printChanges(w, before, after)
				})
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&into, "into", "", "the projection into whose scratch tables a part of the log is replayed")
	flags.StringVar(&from, "from", "", "the position after which it begins; the beginning of the log if absent")
	flags.StringVar(&to, "to", "", "the position up to which it goes; the end of the log if absent")
	flags.BoolVar(&asJSON, "json", false, "print each event, with the state after it, as a line of JSON")
	dataFlag(command, &data)
	return command
}

func replayInto(cmd *cobra.Command, data, projection, from, to string) error {
	var begin, end event.Position
	for _, p := range []struct {
		flag, text string
		position   *event.Position
	}{{"--from", from, &begin}, {"--to", to, &end}} {
		if p.text == "" {
			continue
		}
		var err error
		if *p.position, err = event.ParsePosition(p.text); err != nil {
			return usageError{fmt.Errorf("%s: %w", p.flag, err)}
		}
	}
	return withAudit(cmd, data, func(a *app.Audit) error {
		head, err := a.Head(cmd.Context())
		if err != nil {
			return err
		}
		if end.IsZero() || end.Compare(head) > 0 {
			end = head
		}
		bar := newBuildBar(cmd.ErrOrStderr())
		began := time.Now()
		g, err := a.Projections.Replay(cmd.Context(), projection, begin, end, func(position event.Position, events int64) {
			bar.show(projections.BuildProgress{
				Projection: projection, Phase: projections.PhaseReading, Position: position, Head: end,
				Events: events, EventsPerSecond: float64(events) / time.Since(began).Seconds(),
			})
		})
		bar.finish()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d events are in the tables of the schema %s, which is deleted after a day, or by perfectworks projections drop %d\n",
			g.Events, g.Schema(), g.ID)
		return err
	})
}

func withAudit(cmd *cobra.Command, data string, use func(*app.Audit) error) error {
	settings, err := settingsFor(cmd, data)
	if err != nil {
		return err
	}
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
	if err != nil {
		return err
	}
	return folderError(cmd, app.WithAudit(cmd.Context(), settings, logger, use))
}
