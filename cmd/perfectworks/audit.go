package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/event"
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
	command.AddCommand(auditLogCommand(), auditFollowCommand(), auditTraceCommand(), auditShowCommand(), auditReplayCommand(), auditExportCommand(),
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

// details are what a filter asks for, as it is recorded with an act.
func (f *filterFlags) details() map[string]string {
	details := map[string]string{
		"organization": f.filter.Organization, "actor": f.filter.Actor, "aggregate": f.filter.Aggregate, "type": f.filter.Type,
		"correlation": f.filter.Correlation, "since": f.since, "until": f.until,
	}
	maps.DeleteFunc(details, func(_, value string) bool { return value == "" })
	return details
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
	who := entry.ActorKind + " " + entry.ActorID
	if entry.OrganizationID != "" {
		who += " in " + entry.OrganizationID
	}
	colouring := paletteOf(w)
	_, err := fmt.Fprintf(w, "%s  %s  %s@%d  by %s\n", colouring.paint(faint, entry.Time.Format(time.RFC3339)), colouring.kind(entry),
		printable(entry.Stream), entry.Revision, printable(who))
	return err
}

// kind is the type of an event, or why it is not known.
func (p palette) kind(e auditlog.Entry) string {
	if e.Failure != "" {
		return p.paint(red, "cannot be read: "+printable(e.Failure))
	}
	return p.paint(cyan, e.Type)
}

func writeLine(w io.Writer, v any) error {
	line, err := compactJSON(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", line)
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
		Short: "Draw what followed from what: commands, events, policies, jobs and webhooks",
		Long: `Draw all that one request set in motion, as a tree: commands with their events,
and below each event the jobs and commands that follow from it, and the webhooks that
answer it. Policies are the actors of the commands that they issue. The id is that of a
request, a correlation, a command, an event, or an event of the payment provider. The
log has no index of ids: all of it is read, up to three times.`,
		Example: `  perfectworks audit trace 01JD9Z3Q5W8X0V6M2K4T7R1B9C
  perfectworks audit trace evt_1PqXyz2eZvKYlo2C --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAudit(cmd, data, func(a *app.Audit) error {
				roots, err := a.Trace(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return out.write(cmd, roots, func(w io.Writer) error { return printTrace(w, roots) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// printTrace draws commands and what is below them.
func printTrace(w io.Writer, commands []*auditlog.Command) error {
	out, p := bufio.NewWriter(w), paletteOf(w)
	for _, c := range commands {
		t := treePrinter{out: out}
		if c.Webhook != nil {
			fmt.Fprintln(out, webhookLine(c.Webhook))
			t.children(append(p.jobs(c.Webhook.Jobs), p.commands([]*auditlog.Command{c})...))
			continue
		}
		fmt.Fprintln(out, commandLine(c))
		t.children(p.events(c.Events))
	}
	return out.Flush()
}

// treeNode is a line of a tree, with those below it.
type treeNode struct {
	line  string
	below func() []treeNode
}

// treePrinter draws the nodes below one that is drawn already.
type treePrinter struct {
	out    io.Writer
	indent string
}

func (t treePrinter) children(nodes []treeNode) {
	for i, n := range nodes {
		mark, below := branch(i == len(nodes)-1)
		fmt.Fprintf(t.out, "%s%s%s\n", t.indent, mark, n.line)
		if n.below != nil {
			treePrinter{t.out, t.indent + below}.children(n.below())
		}
	}
}

func commandLine(c *auditlog.Command) string {
	return fmt.Sprintf("command %s by %s %s", printable(c.ID), printable(c.ActorKind), printable(c.ActorID))
}

func webhookLine(w *auditlog.Webhook) string {
	return fmt.Sprintf("webhook %s  %s  %s, by %s  %s", printable(w.ID), printable(w.Type), w.State, w.Source, w.ReceivedAt.Format(time.RFC3339))
}

func (p palette) commands(commands []*auditlog.Command) []treeNode {
	return each(commands, func(c *auditlog.Command) treeNode {
		return treeNode{commandLine(c), func() []treeNode { return p.events(c.Events) }}
	})
}

func (p palette) events(events []*auditlog.Event) []treeNode {
	return each(events, func(e *auditlog.Event) treeNode {
		line := fmt.Sprintf("%s  %s@%d  %s", p.kind(e.Entry), printable(e.Stream), e.Revision, p.paint(faint, e.Time.Format(time.RFC3339)))
		return treeNode{line, func() []treeNode {
			webhooks := each(e.Webhooks, func(w *auditlog.Webhook) treeNode {
				return treeNode{webhookLine(w), func() []treeNode { return append(p.jobs(w.Jobs), p.commands(w.Commands)...) }}
			})
			return slices.Concat(p.jobs(e.Jobs), p.commands(e.Commands), webhooks)
		}}
	})
}

func (p palette) jobs(all []auditlog.Job) []treeNode {
	return each(all, func(j auditlog.Job) treeNode {
		return treeNode{line: fmt.Sprintf("job %d  %s  %s", j.ID, printable(j.Kind), p.paint(jobColours[jobs.State(j.State)], j.State))}
	})
}

// branch is what leads to a node, and what stands before those below it.
func branch(last bool) (mark, below string) {
	if last {
		return "└─ ", "   "
	}
	return "├─ ", "│  "
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
