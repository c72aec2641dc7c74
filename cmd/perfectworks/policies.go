package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/act"
)

func policiesCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "policies",
		Short: "List policies, and start them where they should",
		Long: `List policies, and start them where they should. What a policy decided and could
not be carried out is a failed job: see perfectworks jobs.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	command.AddCommand(listPoliciesCommand(), startPolicyCommand())
	return command
}

func listPoliciesCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "list",
		Short: "List all policies, how far they are and how many of their jobs have failed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withWork(cmd, data, func(w *app.Work) error {
				all, err := w.Policies.Status(cmd.Context())
				if err != nil {
					return err
				}
				lengths, err := w.Jobs.Lengths(cmd.Context())
				if err != nil {
					return err
				}
				listed := each(all, func(s policyengine.Status) policyJSON {
					return policyOf(s, lengths[policyengine.KindPrefix+s.Policy])
				})
				return out.write(cmd, listed, func(w io.Writer) error { return printPolicies(w, all, lengths) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

var policyColours = map[policyengine.State]colour{
	policyengine.StateLive: green, policyengine.StateCatchingUp: yellow,
	policyengine.StateStopped: red, policyengine.StateUnowned: red,
}

func printPolicies(w io.Writer, all []policyengine.Status, lengths map[string]jobs.Length) error {
	table, colouring := newTable(w), paletteOf(w)
	fmt.Fprintln(table, "policy\treacts to\tstate\tbegan from\tposition\tbytes behind\tlast event\tjobs\twaiting\tfailed\treason")
	for _, s := range all {
		last := "–"
		if !s.LastEventAt.IsZero() {
			last = s.LastEventAt.UTC().Format(time.RFC3339)
		}
		l := lengths[policyengine.KindPrefix+s.Policy]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%d\t%d\t%s\n", s.Policy, s.EventType, colouring.cell(policyColours[s.State], string(s.State)), s.BeganFrom,
			strconv.FormatUint(s.Position.Commit, 10), s.LagBytes, last, s.Jobs, l.Waiting, l.Failed, printable(s.Reason))
	}
	return table.Flush()
}

func startPolicyCommand() *cobra.Command {
	var data, from string
	var who operatorFlags
	var out printer
	command := &cobra.Command{
		Use:   "start NAME --from now|beginning|POSITION",
		Short: "Start a policy from now, from the beginning, or after a position of the log",
		Long: `Start a policy from now, from the beginning, or after a position of the log. It
reacts to no event before that, and to each one after it: again, where it has
done so before, which changes nothing for commands, as their ids are the same.
A running server goes on from there.`,
		Example: "  perfectworks policies start revoke-keys-of-removed-member --from now",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name the one policy to start: see perfectworks policies list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			start, err := policies.ParseStart(from)
			if err != nil {
				return usageError{fmt.Errorf("--from: %w", err)}
			}
			return withWork(cmd, data, func(w *app.Work) error {
				begin := commands.BeginAct{Kind: act.StartPolicy, Target: args[0], Details: map[string]string{"from": fmt.Sprint(start)}}
				err := who.do(cmd, w.Acts, begin, func(ctx context.Context) (string, error) {
					return "", w.Policies.Start(ctx, args[0], start)
				})
				if err != nil {
					return err
				}
				started := map[string]string{"policy": args[0], "from": fmt.Sprint(start)}
				return out.write(cmd, started, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s starts from %s\n", args[0], start)
					return err
				})
			})
		},
	}
	out.flag(command)
	who.flags(command)
	command.Flags().StringVar(&from, "from", "", "now, beginning, or a position such as C:1234/P:1234 (required)")
	dataFlag(command, &data)
	return command
}
