package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/id"
)

func referralsCommand() *cobra.Command {
	command := &cobra.Command{Use: "referrals", Short: "Pay withdrawals of referrers", Args: cobra.NoArgs, RunE: showHelp}
	payouts := &cobra.Command{Use: "payouts", Short: "Approve, export and settle withdrawals", Args: cobra.NoArgs, RunE: showHelp}
	payouts.AddCommand(approvePayoutCommand(), exportPayoutsCommand(), importPayoutsCommand())
	command.AddCommand(payouts)
	return command
}

// payoutsTool is a command on withdrawals, on behalf of a system user.
func payoutsTool(use, short, example string, args cobra.PositionalArgs, run func(*cobra.Command, []string, *app.Payouts) error) *cobra.Command {
	var data, as string
	command := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
			if err != nil {
				return err
			}
			return app.WithPayouts(cmd.Context(), settings, logger, id.SystemUser(as), func(p *app.Payouts) error { return run(cmd, args, p) })
		},
	}
	command.Flags().StringVar(&as, "as", "", "id of the system user of finance who does this (required)")
	_ = command.MarkFlagRequired("as") // The flag exists.
	dataFlag(command, &data)
	return command
}

func approvePayoutCommand() *cobra.Command {
	return payoutsTool("approve ID", "Approve a withdrawal: above an amount, two people must",
		"  perfectworks referrals payouts approve rtx_01jd9z3q5we8x9v6m2k4t7r1b9_3 --as sysuser_01jd9z3q5we8x9v6m2k4t7r1b9",
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string, p *app.Payouts) error {
			w, err := p.Approve(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s, approved by %d\n", w.Status, len(w.ApprovedBy))
			return err
		})
}

func exportPayoutsCommand() *cobra.Command {
	return payoutsTool("export", "Send what is approved, and write all payments under way as CSV",
		"  perfectworks referrals payouts export --as sysuser_01jd9z3q5we8x9v6m2k4t7r1b9 >payouts.csv",
		cobra.NoArgs, func(cmd *cobra.Command, _ []string, p *app.Payouts) error {
			n, err := p.Export(cmd.Context(), cmd.OutOrStdout())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%d payments\n", n)
			return err
		})
}

func importPayoutsCommand() *cobra.Command {
	return payoutsTool("import FILE", "Note what became of payments: CSV with the columns reference and outcome",
		"  perfectworks referrals payouts import results.csv --as sysuser_01jd9z3q5we8x9v6m2k4t7r1b9",
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string, p *app.Payouts) error {
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("read the results of payouts: %w", err)
			}
			defer file.Close()
			n, err := p.Import(cmd.Context(), file)
			_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d results were noted\n", n)
			return err
		})
}
