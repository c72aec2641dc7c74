package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/projections"
)

func rebuildProjectionCommand() *cobra.Command {
	var data, throttle string
	var all bool
	var o projections.RebuildOptions
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "rebuild NAME... | --all",
		Short: "Build projections anew beside the live ones, and put them in their place",
		Long: `Build new generations of projections from the beginning of the log, all in one pass,
beside the live ones, and put each in its place once it has caught up. Running servers
go on serving meanwhile. The former generations are kept: see rollback and prune.

By default a rebuild rests as long as it works, so that readers and writers notice
little of it. With --throttle it takes in so many events a second at most, or with
--throttle none as many as it can.

With --confirm the new generations wait, and what they would change is shown, until they
are confirmed or cancelled. A rebuild that was interrupted, by Ctrl-C or a crash, goes on
with --resume.`,
		Example: `  perfectworks projections rebuild members organizations
  perfectworks projections rebuild --all --throttle 20000
  perfectworks projections rebuild members --confirm --reason 'ticket 4711'`,
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("name the projections to rebuild, or say --all: see perfectworks projections list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Throttle, err = throttleOf(throttle); err != nil {
				return usageError{err}
			}
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				names := args
				if all {
					names = models.Names()
				}
				return rebuild(cmd, models, names, o, who, out)
			})
		},
	}
	command.Flags().BoolVar(&all, "all", false, "rebuild all projections")
	command.Flags().StringVar(&throttle, "throttle", "", "take in so many events a second at most, or none for no limit")
	command.Flags().BoolVar(&o.Confirm, "confirm", false, "show what would change, and wait until it is confirmed")
	command.Flags().BoolVar(&o.Resume, "resume", false, "go on with a rebuild that was interrupted")
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// throttleOf reads --throttle.
func throttleOf(text string) (int, error) {
	switch text {
	case "":
		return projections.Unhurried, nil
	case "none":
		return projections.Unthrottled, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("--throttle: %q is neither a number of events a second nor none", text)
	}
	return n, nil
}

type rebuiltJSON struct {
	Projection string            `json:"projection"`
	Generation int64             `json:"generation"`
	State      projections.Phase `json:"state"`
	Events     int64             `json:"events"`
	// Changes is what it would change; null unless it waits for a confirmation.
	Changes *verificationJSON `json:"changes"`
}

func rebuild(cmd *cobra.Command, models *app.ReadModels, names []string, o projections.RebuildOptions, who operatorFlags, out printer) error {
	bar := newBuildBar(cmd.ErrOrStderr())
	o.Progress = bar.show
	begin := commands.BeginAct{Kind: act.RebuildProjection, Target: strings.Join(names, " "), Details: detailsOf(o)}
	err := who.do(cmd, models.Acts, begin, func(ctx context.Context) (string, error) {
		err := models.RebuildWith(ctx, names, o)
		var notes []string
		for _, name := range names {
			notes = append(notes, fmt.Sprintf("%s: %d events, %s", name, bar.of(name).Events, bar.of(name).Phase))
		}
		return strings.Join(notes, "; "), err
	})
	bar.finish()
	if err != nil && cmd.Context().Err() != nil {
		named := strings.Join(names, " ")
		return fmt.Errorf("the rebuild is interrupted: go on with projections rebuild %s --resume, or give it up with projections cancel %s", named, named)
	}
	if err != nil {
		return err
	}
	answer := make([]rebuiltJSON, len(names))
	for i, name := range names {
		p := bar.of(name)
		answer[i] = rebuiltJSON{Projection: name, Generation: p.Generation, State: p.Phase, Events: p.Events}
	}
	if o.Confirm {
		return propose(cmd, models, answer, who, out)
	}
	return out.write(cmd, answer, func(w io.Writer) error {
		for _, r := range answer {
			if _, err := fmt.Fprintf(w, "%s was rebuilt from %d events\n", r.Projection, r.Events); err != nil {
				return err
			}
		}
		return nil
	})
}

func detailsOf(o projections.RebuildOptions) map[string]string {
	details := map[string]string{}
	if o.Throttle != projections.Unhurried {
		details["throttle"] = strconv.Itoa(o.Throttle)
	}
	for name, set := range map[string]bool{"confirm": o.Confirm, "resume": o.Resume} {
		if set {
			details[name] = "true"
		}
	}
	return details
}

// propose shows what new generations would change, and asks the person at the terminal
// whether they are to be live. Without one they go on waiting.
func propose(cmd *cobra.Command, models *app.ReadModels, answer []rebuiltJSON, who operatorFlags, out printer) error {
	for i := range answer {
		v, err := models.Diff(cmd.Context(), answer[i].Projection)
		if err != nil {
			return err
		}
		answer[i].Changes = new(verificationOf(v))
		if !out.json {
			if err := printDiff(cmd.OutOrStdout(), v); err != nil {
				return err
			}
		}
	}
	var named []string
	for _, r := range answer {
		named = append(named, r.Projection)
	}
	if out.json || !isTerminal(cmd.InOrStdin()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "perfectworks: waiting: go on with projections confirm %[1]s, or give it up with projections cancel %[1]s\n", strings.Join(named, " "))
		return out.write(cmd, answer, func(io.Writer) error { return nil })
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Is %s to be live? [y/N] ", strings.Join(named, ", "))
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(line))) {
		return cancelAll(cmd, models, named, who, out)
	}
	return confirmAll(cmd, models, named, who, out)
}

func diffProjectionCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "diff NAME",
		Short: "Show what a new generation that waits for a confirmation would change",
		Long: `Compare the new generation of a projection, which waits for a confirmation, row by row
with the live one, and show what would change. Both are compared as they are at one
position of the log, while reads and writes go on. Data about people is hidden.`,
		Example: "  perfectworks projections rebuild members --confirm\n  perfectworks projections diff members",
		Args:    oneProjection("compare"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				v, err := models.Diff(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return out.write(cmd, verificationOf(v), func(w io.Writer) error { return printDiff(w, v) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// shownChanges bounds how many rows are shown to a person.
const shownChanges = 50

func printDiff(w io.Writer, v projections.Verification) error {
	for _, name := range v.NotCompared {
		fmt.Fprintf(w, "%s: %s is in one of both versions only\n", v.Projection, printable(name))
	}
	if v.Different == 0 {
		_, err := fmt.Fprintf(w, "%s: no row of %d would change\n", v.Projection, v.Rows)
		return err
	}
	fmt.Fprintf(w, "%s: %d rows of %d would change\n", v.Projection, v.Different, v.Rows)
	table := newTable(w)
	fmt.Fprintln(table, "table\tkey\tcolumn\tlive\tnew")
	shown := v.Differences[:min(len(v.Differences), shownChanges)]
	for _, d := range shown {
		place := d.Table + "\t" + printable(strings.Join(d.Key, ", "))
		for _, c := range changedColumns(d.Live, d.Rebuilt) {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", place, c.name, shortened(c.before, cellWidth), shortened(c.after, cellWidth))
			place = "\t"
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if left := v.Different - int64(len(shown)); left > 0 {
		_, err := fmt.Fprintf(w, "and %d more\n", left)
		return err
	}
	return nil
}

func someProjections(to string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("name the projections to " + to + ": see perfectworks projections list")
		}
		return nil
	}
}

func confirmProjectionCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "confirm NAME...",
		Short: "Put new generations that wait for it in the place of the live ones",
		Long: `Put new generations that wait for a confirmation in the place of the live ones, once
they have caught up with what came since. Each is swapped in one short transaction:
readers never wait.`,
		Example: "  perfectworks projections confirm members --reason 'ticket 4711'",
		Args:    someProjections("confirm"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				return confirmAll(cmd, models, args, who, out)
			})
		},
	}
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func confirmAll(cmd *cobra.Command, models *app.ReadModels, names []string, who operatorFlags, out printer) error {
	answer := make([]rebuiltJSON, 0, len(names))
	for _, name := range names {
		bar := newBuildBar(cmd.ErrOrStderr())
		err := who.do(cmd, models.Acts, commands.BeginAct{Kind: act.ConfirmRebuild, Target: name}, func(ctx context.Context) (string, error) {
			err := models.Confirm(ctx, name, bar.show)
			return fmt.Sprintf("live with %d events", bar.of(name).Events), err
		})
		bar.finish()
		if err != nil {
			return err
		}
		p := bar.of(name)
		answer = append(answer, rebuiltJSON{Projection: name, Generation: p.Generation, State: p.Phase, Events: p.Events})
	}
	return out.write(cmd, answer, func(w io.Writer) error {
		for _, r := range answer {
			if _, err := fmt.Fprintf(w, "%s was rebuilt from %d events\n", r.Projection, r.Events); err != nil {
				return err
			}
		}
		return nil
	})
}

func cancelProjectionCommand() *cobra.Command {
	var data string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "cancel NAME...",
		Short: "Give up rebuilds, and delete what they have built",
		Long: `Give up rebuilds, whichever process works on them, and delete what they have built: also
those that were interrupted or wait for a confirmation. The live generations stay.`,
		Example: "  perfectworks projections cancel members --reason 'wrong release'",
		Args:    someProjections("cancel the rebuild of"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withReadModels(cmd, data, func(models *app.ReadModels) error {
				return cancelAll(cmd, models, args, who, out)
			})
		},
	}
	who.flags(command)
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func cancelAll(cmd *cobra.Command, models *app.ReadModels, names []string, who operatorFlags, out printer) error {
	type cancelled struct {
		Projection string `json:"projection"`
		Generation int64  `json:"generation"`
	}
	answer := make([]cancelled, 0, len(names))
	for _, name := range names {
		err := who.do(cmd, models.Acts, commands.BeginAct{Kind: act.CancelRebuild, Target: name}, func(ctx context.Context) (string, error) {
			g, err := models.CancelBuild(ctx, name)
			answer = append(answer, cancelled{name, g.ID})
			return fmt.Sprintf("generation %d was deleted", g.ID), err
		})
		if err != nil {
			return err
		}
	}
	return out.write(cmd, answer, func(w io.Writer) error {
		for _, c := range answer {
			if _, err := fmt.Fprintf(w, "the rebuild of %s is given up\n", c.Projection); err != nil {
				return err
			}
		}
		return nil
	})
}
