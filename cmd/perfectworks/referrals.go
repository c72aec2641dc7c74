package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/clicks"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
)

func referralsCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "referrals", Short: "Pay withdrawals of referrers, suspend referrers, and judge clicks again",
		Args: cobra.NoArgs, RunE: showHelp,
	}
	payouts := &cobra.Command{Use: "payouts", Short: "Approve, reject, export and settle withdrawals", Args: cobra.NoArgs, RunE: showHelp}
	payouts.AddCommand(approvePayoutCommand(), rejectPayoutCommand(), exportPayoutsCommand(), importPayoutsCommand())
	command.AddCommand(payouts, suspendReferrerCommand(), reinstateReferrerCommand(), rejudgeCommand())
	return command
}

// payoutsTool is a command on withdrawals, on behalf of a system user.
func payoutsTool(use, short, example string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string, f *app.Finance, by string) error) *cobra.Command {
	var data, by string
	command := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withFinance(cmd, data, func(f *app.Finance) error { return run(cmd, args, f, by) })
		},
	}
	command.Flags().StringVar(&by, "as", "", "id or email address of the system user of finance who does this (required)")
	_ = command.MarkFlagRequired("as") // The flag exists.
	dataFlag(command, &data)
	return command
}

// oneWithdrawal takes the id of a withdrawal.
func oneWithdrawal(_ *cobra.Command, args []string) error {
	if len(args) == 1 {
		if _, _, ok := referrer.ParseTransactionID(args[0]); ok {
			return nil
		}
	}
	return errors.New("name one withdrawal by its id: rtx_…")
}

func approvePayoutCommand() *cobra.Command {
	return payoutsTool("approve ID", "Approve a withdrawal: above an amount, two people must",
		"  perfectworks referrals payouts approve rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3 --as fay@operator.example",
		oneWithdrawal, func(cmd *cobra.Command, args []string, f *app.Finance, by string) error {
			w, err := f.ApprovePayout(cmd.Context(), by, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, approved by %d\n", w.Status, len(w.ApprovedBy))
			return err
		})
}

func rejectPayoutCommand() *cobra.Command {
	var reason string
	command := payoutsTool("reject ID", "Reject a withdrawal that was not sent: the amount is given back",
		"  perfectworks referrals payouts reject rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3 --as fay@operator.example --reason 'ticket 4711'",
		oneWithdrawal, func(cmd *cobra.Command, args []string, f *app.Finance, by string) error {
			w, err := f.RejectPayout(cmd.Context(), by, args[0], personal.New(reason))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), w.Status)
			return err
		})
	reasonFlag(command, &reason)
	return command
}

func reasonFlag(command *cobra.Command, reason *string) {
	command.Flags().StringVar(reason, "reason", "", "why (required)")
	_ = command.MarkFlagRequired("reason") // The flag exists.
}

func exportPayoutsCommand() *cobra.Command {
	return payoutsTool("export", "Send what is approved, and write all payments under way as CSV",
		"  perfectworks referrals payouts export --as fay@operator.example >payouts.csv",
		cobra.NoArgs, func(cmd *cobra.Command, _ []string, f *app.Finance, by string) error {
			n, err := f.ExportPayouts(cmd.Context(), by, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%d payments\n", n)
			return err
		})
}

func importPayoutsCommand() *cobra.Command {
	return payoutsTool("import FILE", "Note what became of payments: CSV with the columns reference and outcome",
		"  perfectworks referrals payouts import results.csv --as fay@operator.example",
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string, f *app.Finance, by string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("read the results of payouts: %w", err)
			}
			defer file.Close()
			n, err := f.ImportPayouts(cmd.Context(), by, file)
			if n > 0 || err == nil {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d results were noted\n", n)
			}
			return err
		})
}

// standingTool is a command that changes the standing of a referrer, on behalf of a
// system user.
func standingTool(use, short, long, done string, change func(*cobra.Command, *app.Finance, id.Referrer, decisionFlags) (referrer.State, error)) *cobra.Command {
	var flags decisionFlags
	command := &cobra.Command{
		Use: use + " REFERRER", Short: short, Long: long,
		Example: "  perfectworks referrals " + use + " rfr_01jd9z3q5we8x9v6m2k4t7r1b9 --as fay@operator.example --reason 'ticket 4711'",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !id.Valid(id.Referrer(args[0])) {
				return errors.New("name one referrer by their id: rfr_…")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withFinance(cmd, flags.data, func(f *app.Finance) error {
				s, err := change(cmd, f, id.Referrer(args[0]), flags)
				if err != nil {
					return err
				}
				return flags.out.write(cmd, standingJSON{string(s.ID), string(s.UserID), s.Suspended}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s: %s\n", s.ID, done)
					return err
				})
			})
		},
	}
	flags.add(command)
	return command
}

type standingJSON struct {
	ReferrerID string `json:"referrerId"`
	UserID     string `json:"userId"`
	Suspended  bool   `json:"suspended"`
}

func suspendReferrerCommand() *cobra.Command {
	return standingTool("suspend", "Keep a referrer from earning and withdrawing",
		"Keep a referrer from earning and withdrawing. Their links go on to lead to the landing\npage, without counting. What they have earned stays, and a withdrawal under way is\nnot stopped: reject it.",
		"suspended", func(cmd *cobra.Command, f *app.Finance, name id.Referrer, flags decisionFlags) (referrer.State, error) {
			return f.SuspendReferrer(cmd.Context(), flags.by, commands.SuspendReferrer{ReferrerID: name, Reason: personal.New(flags.reason)})
		})
}

func reinstateReferrerCommand() *cobra.Command {
	return standingTool("reinstate", "End the suspension of a referrer",
		"End the suspension of a referrer. Payments that came meanwhile earn nothing later.",
		"reinstated", func(cmd *cobra.Command, f *app.Finance, name id.Referrer, flags decisionFlags) (referrer.State, error) {
			return f.ReinstateReferrer(cmd.Context(), flags.by, commands.ReinstateReferrer{ReferrerID: name, Reason: personal.New(flags.reason)})
		})
}

func rejudgeCommand() *cobra.Command {
	var data, agents string
	var dryRun bool
	var out printer
	command := &cobra.Command{
		Use:   "rejudge --dry-run",
		Short: "Try a list of bots over all clicks that were recorded, and tell how counts would change",
		Long: `Try a list of bots over all clicks that were recorded, and tell how counts would
change. Verdicts are events, and stay as they are: nothing is changed. The list is
that of this program, with the parts of agents that a file names, one a line. To
judge new clicks by the file, set PERFECTWORKS_CLICK_AGENTS to it.`,
		Example: "  perfectworks referrals rejudge --dry-run --agents bots.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !dryRun {
				return usageError{errors.New("only --dry-run is possible: verdicts that were recorded are not changed")}
			}
			settings, logger, err := forTool(cmd, data)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("agents") {
				settings.ClickAgents = agents
			}
			result, err := app.Rejudge(cmd.Context(), settings, logger)
			if err != nil {
				return folderError(cmd, err)
			}
			return out.write(cmd, result, func(w io.Writer) error { return printRejudged(w, result) })
		},
	}
	command.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing (required)")
	command.Flags().StringVar(&agents, "agents", "", "a file of parts of the agents of bots, one a line; by default that of PERFECTWORKS_CLICK_AGENTS")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printRejudged(w io.Writer, r clicks.Rejudged) error {
	table := newTable(w)
	fmt.Fprintf(table, "%d clicks in %d segments\tnow\twould be\tdifference\n", r.Clicks, r.Segments)
	row := func(name string, now, then int64) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%+d\n", name, now, then, then-now)
	}
	row("human", r.Now.Human, r.Then.Human)
	row("unique", r.Now.Unique, r.Then.Unique)
	row("bots", r.Now.Bots, r.Then.Bots)
	row("duplicates", r.Now.Duplicates, r.Then.Duplicates)
	for _, c := range r.Campaigns {
		row(printable(c.Name)+", human", c.Now.Human, c.Then.Human)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, a := range r.Agents {
		if _, err := fmt.Fprintf(w, "%d clicks of a bot that was none: %s\n", a.Clicks, printable(a.Agent)); err != nil {
			return err
		}
	}
	return nil
}
