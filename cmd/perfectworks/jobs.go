package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
)

func jobsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "jobs",
		Short: "Look at jobs, and decide about those that have failed",
		Long: `Look at jobs, and decide about those that have failed. A job carries out what a
policy decided on an event, or what is due by the clock. One that has failed is
kept until somebody retries or discards it.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	command.AddCommand(listJobsCommand(), showJobCommand(), retryJobCommand(), discardJobCommand(), decisionsCommand())
	return command
}

func listJobsCommand() *cobra.Command {
	var data, state string
	var out printer
	var q jobs.Query
	states := []string{
		string(jobs.StateFailed), string(jobs.StateWaiting), string(jobs.StateRunning),
		string(jobs.StateCompleted), string(jobs.StateCancelled), "any",
	}
	command := &cobra.Command{
		Use:     "list",
		Short:   "List jobs, the latest first; those that have failed, unless another state is named",
		Example: "  perfectworks jobs list --state waiting --kind policy/revoke-keys-of-removed-member",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(states, state) {
				return usageError{fmt.Errorf("--state must be one of %s", strings.Join(states, ", "))}
			}
			if state != "any" {
				q.State = jobs.State(state)
			}
			return withWork(cmd, data, func(w *app.Work) error {
				all, err := w.Jobs.List(cmd.Context(), q)
				if err != nil {
					return err
				}
				return out.write(cmd, each(all, jobOf), func(w io.Writer) error { return printJobs(w, all) })
			})
		},
	}
	command.Flags().StringVar(&state, "state", string(jobs.StateFailed), strings.Join(states, ", "))
	command.Flags().StringVar(&q.Kind, "kind", "", "only jobs of this kind")
	command.Flags().Int64Var(&q.Before, "before", 0, "only jobs with lesser numbers")
	limitFlag(command, &q.Limit, 100)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

var jobColours = map[jobs.State]colour{jobs.StateRunning: cyan, jobs.StateCompleted: green, jobs.StateFailed: red, jobs.StateCancelled: yellow}

func printJobs(w io.Writer, all []jobs.Record) error {
	table, colouring := newTable(w), paletteOf(w)
	fmt.Fprintln(table, "job\tkind\tstate\tattempts\tcreated\tlast failure")
	for _, j := range all {
		last := ""
		if n := len(j.Failures); n > 0 {
			last = shortened(j.Failures[n-1].Error, 100)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%d of %d\t%s\t%s\n", j.ID, j.Kind, colouring.cell(jobColours[j.State], string(j.State)), j.Attempt, j.MaxAttempts,
			j.CreatedAt.Format(time.RFC3339), last)
	}
	return table.Flush()
}

func showJobCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:     "show JOB",
		Short:   "Show a job with its arguments and all its failures",
		Example: "  perfectworks jobs show 4711",
		Args:    oneJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withJob(cmd, data, args, func(w *app.Work, id int64) error {
				j, err := w.Jobs.Get(cmd.Context(), id)
				if err != nil {
					return err
				}
				return out.write(cmd, jobOf(j), func(w io.Writer) error { return printJob(w, j) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printJob(w io.Writer, j jobs.Record) error {
	table := newTable(w)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	line("job", strconv.FormatInt(j.ID, 10))
	line("kind", j.Kind)
	line("state", string(j.State))
	line("arguments", printable(string(j.Args)))
	if j.Key != uuid.Nil {
		line("key", j.Key.String())
	}
	line("queue", j.Queue)
	line("attempts", fmt.Sprintf("%d of %d", j.Attempt, j.MaxAttempts))
	line("created", j.CreatedAt.Format(time.RFC3339))
	line("due", j.ScheduledAt.Format(time.RFC3339))
	if !j.EndedAt.IsZero() {
		line("ended", j.EndedAt.Format(time.RFC3339))
	}
	if j.Process != uuid.Nil {
		line("process", j.Process.String())
	}
	for _, f := range j.Failures {
		line(fmt.Sprintf("attempt %d", f.Attempt), f.At.UTC().Format(time.RFC3339)+"  "+printable(f.Error))
	}
	return table.Flush()
}

func retryJobCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:     "retry JOB",
		Short:   "Let a failed job be tried once more",
		Example: "  perfectworks jobs retry 4711",
		Args:    oneJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withJob(cmd, data, args, func(w *app.Work, id int64) error {
				err := who.do(cmd, w.Acts, commands.BeginAct{Kind: act.RetryJob, Target: args[0]}, func(ctx context.Context) (string, error) {
					return "", w.Jobs.Retry(ctx, id, account())
				})
				if err != nil {
					return err
				}
				return decided(cmd, out, id, "retry", "will be tried again")
			})
		},
	}
	out.flag(command)
	who.flags(command)
	dataFlag(command, &data)
	return command
}

func discardJobCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:     "discard JOB --reason TEXT",
		Short:   "Give a failed job up, for a reason that is kept",
		Example: "  perfectworks jobs discard 4711 --reason 'the customer has left'",
		Args:    oneJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := who.mustSay("why the job is given up"); err != nil {
				return err
			}
			return withJob(cmd, data, args, func(w *app.Work, id int64) error {
				err := who.do(cmd, w.Acts, commands.BeginAct{Kind: act.DiscardJob, Target: args[0]}, func(ctx context.Context) (string, error) {
					return "", w.Jobs.Discard(ctx, id, account(), who.reason)
				})
				if err != nil {
					return err
				}
				return decided(cmd, out, id, "discard", "was discarded")
			})
		},
	}
	out.flag(command)
	who.flags(command)
	dataFlag(command, &data)
	return command
}

// decided says what was decided about a job.
func decided(cmd *cobra.Command, out printer, id int64, decision, sentence string) error {
	answer := map[string]any{"jobId": id, "decision": decision}
	return out.write(cmd, answer, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "job %d %s\n", id, sentence)
		return err
	})
}

func decisionsCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "decisions",
		Short: "List what was decided about failed jobs, by whom and why",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withWork(cmd, data, func(w *app.Work) error {
				all, err := w.Jobs.Decisions(cmd.Context(), 0)
				if err != nil {
					return err
				}
				return out.write(cmd, each(all, decisionOf), func(w io.Writer) error { return printDecisions(w, all) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printDecisions(w io.Writer, all []jobs.Decision) error {
	table := newTable(w)
	fmt.Fprintln(table, "at\tby\tdecision\tjob\tkind\treason\tlast failure")
	for _, d := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.DecidedAt.UTC().Format(time.RFC3339), printable(d.DecidedBy),
			d.Decision, d.JobID, d.Kind, printable(d.Reason), shortened(d.Failure, 100))
	}
	return table.Flush()
}

func oneJob(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name the one job by its number: see perfectworks jobs list")
	}
	if _, err := strconv.ParseInt(args[0], 10, 64); err != nil {
		return fmt.Errorf("%q is not the number of a job", args[0])
	}
	return nil
}

func withJob(cmd *cobra.Command, data string, args []string, use func(*app.Work, int64) error) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return usageError{err}
	}
	return withWork(cmd, data, func(w *app.Work) error { return use(w, id) })
}

func withWork(cmd *cobra.Command, data string, use func(*app.Work) error) error {
	settings, logger, err := forTool(cmd, data)
	if err != nil {
		return err
	}
	return app.WithWork(cmd.Context(), settings, logger, use)
}

// forTool returns what a tool works with that opens the data of a server.
func forTool(cmd *cobra.Command, data string) (app.Settings, *slog.Logger, error) {
	settings, err := settingsFor(cmd, data)
	if err != nil {
		return app.Settings{}, nil, err
	}
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
	return settings, logger, err
}

// printable makes a text safe for a terminal and for a line of a table.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

func shortened(text string, length int) string {
	text = printable(text)
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}
