package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/httpapi"
	paymentservice "github.com/perfectworks/backend/adapters/payments"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/payments"
)

func paymentsCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "payments",
		Short: "Look at payments, decide about those that are kept back, and compare with the provider",
		Long: `Look at payments, decide about those that are kept back, and compare with the
payment provider. A payment is quarantined when it is not as its checkout session
says, and parked when its organization was deleted before it was paid. Neither is
credited until it is released, rejected or refunded.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	command.AddCommand(
		listPaymentsCommand("quarantined", "List payments that are not as their checkout sessions say", payments.HoldingQuarantined),
		listPaymentsCommand("parked", "List payments for organizations that were deleted", payments.HoldingParked),
		showPaymentCommand(), refundPaymentCommand(), releasePaymentCommand(), rejectPaymentCommand(), reconcileCommand(),
	)
	return command
}

func listPaymentsCommand(name, short string, holding payments.Holding) *cobra.Command {
	var data, cursor string
	var limit int
	var out printer
	command := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Example: "  perfectworks payments " + name + " --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFinance(cmd, data, func(f *app.Finance) error {
				page, err := f.Payments.List(cmd.Context(), list.Request{
					Limit: limit, Cursor: cursor, Filters: map[string][]string{"holding": {string(holding)}},
				})
				if err != nil {
					return err
				}
				return out.write(cmd, each(page.Items, shownPayment), func(w io.Writer) error {
					if err := printPayments(w, page.Items); err != nil || page.NextCursor == "" {
						return err
					}
					_, err := fmt.Fprintf(w, "%d in all; for the next ones: --cursor %s\n", page.Total, page.NextCursor)
					return err
				})
			})
		},
	}
	command.Flags().IntVar(&limit, "limit", list.MaxLimit, "how many at most")
	command.Flags().StringVar(&cursor, "cursor", "", "go on where an earlier list ended")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func shownPayment(p payments.Payment) httpapi.FinancePayment {
	return httpapi.FinancePaymentOf(p, time.Now())
}

func printPayments(w io.Writer, all []payments.Payment) error {
	table := newTable(w)
	fmt.Fprintln(table, "payment\torganization\tstate\texpected\tpaid\treturned\ttokens\tcreated")
	for _, p := range all {
		s := p.State()
		state := string(s.Status())
		if p.Quarantine != "" {
			state += " (" + string(p.Quarantine) + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d %s\t%d %s\t%d\t%d\t%s\n", p.ID, p.OrganizationID, state, p.UnitAmount*p.Quantity, p.Currency,
			p.AmountSubtotal, printable(p.PaidCurrency), s.Returned(), p.Tokens, p.CreatedAt.UTC().Format(time.RFC3339))
	}
	return table.Flush()
}

// onePayment takes the id of a payment.
func onePayment(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !id.Valid(id.Payment(args[0])) {
		return errors.New("name one payment by its id: pay_…")
	}
	return nil
}

func showPaymentCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use: "show PAYMENT", Short: "Show a payment with its refunds and disputes", Args: onePayment,
		Example: "  perfectworks payments show pay_01jd9z3q5we8x9v6m2k4t7r1b9",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withFinance(cmd, data, func(f *app.Finance) error {
				p, err := f.Payments.Get(cmd.Context(), id.Payment(args[0]))
				if err != nil {
					return err
				}
				return out.write(cmd, shownPayment(p), func(w io.Writer) error { return printPayment(w, p) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printPayment(w io.Writer, p payments.Payment) error {
	s := p.State()
	table := newTable(w)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("payment", "%s", p.ID)
	line("organization", "%s", p.OrganizationID)
	line("session", "%s", printable(p.SessionID))
	line("product", "%d × %s, %d tokens", p.Quantity, p.ProductID, p.Tokens)
	line("state", "%s", s.Status())
	line("holding", "%s", p.Holding())
	line("expected", "%d %s before tax", p.UnitAmount*p.Quantity, p.Currency)
	if s.Paid != nil {
		line("paid", "%d %s before tax, %d in all, at %s", p.AmountSubtotal, printable(p.PaidCurrency), p.AmountTotal, p.PaidAt.UTC().Format(time.RFC3339))
		line("returned", "%d, and %d tokens", s.Returned(), s.ClawedBack())
	}
	for _, r := range p.Refunds {
		line("refund", "%s: %d %s", printable(r.ID), r.Amount, r.Status)
	}
	for _, d := range p.Disputes {
		outcome := string(d.Outcome)
		if outcome == "" {
			outcome = "open"
		}
		line("dispute", "%s: %d %s", printable(d.ID), d.Amount, outcome)
	}
	if p.TokenTransactionID != "" {
		line("credited", "%s, at %s", p.TokenTransactionID, p.FulfilledAt.UTC().Format(time.RFC3339))
	}
	return table.Flush()
}

// decisionFlags are those of every decision of finance.
type decisionFlags struct {
	data, by, reason string
	out              printer
}

func (d *decisionFlags) add(command *cobra.Command) {
	command.Flags().StringVar(&d.by, "as", "", "id or email address of the system user of finance who decides (required)")
	command.Flags().StringVar(&d.reason, "reason", "", "why (required)")
	for _, name := range []string{"as", "reason"} {
		_ = command.MarkFlagRequired(name) // The flag exists.
	}
	d.out.flag(command)
	dataFlag(command, &d.data)
}

// decisionCommand is a decision of finance about a payment.
func decisionCommand(command *cobra.Command, done string, decide func(*cobra.Command, *app.Finance, id.Payment, decisionFlags) (payment.State, error)) *cobra.Command {
	var flags decisionFlags
	command.Args = onePayment
	command.RunE = func(cmd *cobra.Command, args []string) error {
		return withFinance(cmd, flags.data, func(f *app.Finance) error {
			s, err := decide(cmd, f, id.Payment(args[0]), flags)
			if err != nil {
				return err
			}
			return flags.out.write(cmd, shownPayment(payments.Of(s)), func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %s\n", s.ID, done)
				return err
			})
		})
	}
	flags.add(command)
	return command
}

func refundPaymentCommand() *cobra.Command {
	var amount int64
	command := decisionCommand(&cobra.Command{
		Use: "refund PAYMENT", Short: "Return the money of a payment, or a part of it",
		Long: `Return the money of a payment, or a part of it. A server asks the provider; the
refund then shows in the payment, and tokens that were credited are taken back in
proportion.`,
		Example: "  perfectworks payments refund pay_01jd9z3q5we8x9v6m2k4t7r1b9 --amount 4900 --as fay@operator.example --reason 'ticket 4711'",
	}, "the refund was requested", func(cmd *cobra.Command, f *app.Finance, name id.Payment, flags decisionFlags) (payment.State, error) {
		if cmd.Flags().Changed("amount") && amount <= 0 {
			return payment.State{}, usageError{errors.New("--amount must be positive; without it, all that is left is returned")}
		}
		return f.RefundPayment(cmd.Context(), flags.by, commands.RefundPayment{PaymentID: name, Amount: amount, Reason: personal.New(flags.reason)})
	})
	command.Flags().Int64Var(&amount, "amount", 0, "how much, in the minor unit of the currency; by default all that is left")
	return command
}

func releasePaymentCommand() *cobra.Command {
	return decisionCommand(&cobra.Command{
		Use: "release PAYMENT", Short: "Credit a payment that is quarantined or parked",
		Example: "  perfectworks payments release pay_01jd9z3q5we8x9v6m2k4t7r1b9 --as fay@operator.example --reason 'ticket 4711'",
	}, "released: the tokens are granted", func(cmd *cobra.Command, f *app.Finance, name id.Payment, flags decisionFlags) (payment.State, error) {
		return f.ReleasePayment(cmd.Context(), flags.by, commands.ReleasePayment{PaymentID: name, Reason: personal.New(flags.reason)})
	})
}

func rejectPaymentCommand() *cobra.Command {
	return decisionCommand(&cobra.Command{
		Use: "reject PAYMENT", Short: "Decide that a payment that is quarantined or parked is never credited",
		Example: "  perfectworks payments reject pay_01jd9z3q5we8x9v6m2k4t7r1b9 --as fay@operator.example --reason 'ticket 4711'",
	}, "rejected: it is never credited, and can be refunded", func(cmd *cobra.Command, f *app.Finance, name id.Payment, flags decisionFlags) (payment.State, error) {
		return f.RejectPayment(cmd.Context(), flags.by, commands.RejectPayment{PaymentID: name, Reason: personal.New(flags.reason)})
	})
}

func reconcileCommand() *cobra.Command {
	var data string
	var look paymentservice.Look
	var out printer
	command := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare the payments with what the provider shows, and repair what was missed",
		Long: `Compare the payments with what the provider shows, and repair what was missed. A
server does this every ten minutes by itself; here all checkout sessions of a time
are looked at. With --dry-run nothing is changed: each difference is printed with
both sides and its likely cause. The exit code is 1 when a difference is left.`,
		Example: "  perfectworks payments reconcile --dry-run --since 720h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if look.Back <= 0 || look.Back > paymentservice.LongestLook {
				return usageError{fmt.Errorf("--since must be more than nothing and at most %s: the provider keeps its events for that long", paymentservice.LongestLook)}
			}
			var left int
			err := withFinance(cmd, data, func(f *app.Finance) error {
				report, err := f.Reconcile(cmd.Context(), look)
				if err != nil {
					return err
				}
				for _, d := range report.Drifts {
					if !d.Repaired {
						left++
					}
				}
				return out.write(cmd, report, func(w io.Writer) error { return printReport(w, report) })
			})
			if err == nil && left > 0 {
				err = fmt.Errorf("%d payments differ from what the provider shows", left)
			}
			return err
		},
	}
	command.Flags().BoolVar(&look.DryRun, "dry-run", false, "change nothing")
	command.Flags().DurationVar(&look.Back, "since", paymentservice.DeepLook, "how far to look back")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printReport(w io.Writer, r paymentservice.Report) error {
	fmt.Fprintf(w, "since %s: %d sessions and %d events were looked at; no webhook had brought %d of the events\n",
		r.Since.UTC().Format(time.RFC3339), r.Sessions, r.Events, r.Missed)
	if len(r.Drifts) == 0 {
		_, err := fmt.Fprintln(w, "no payment differs")
		return err
	}
	table := newTable(w)
	fmt.Fprintln(table, "payment\tsession\tours\ttheirs\trepaired\tlikely cause")
	for _, d := range r.Drifts {
		repaired := "no"
		if d.Repaired {
			repaired = "yes"
		}
		fmt.Fprintln(table, strings.Join([]string{string(d.PaymentID), printable(d.SessionID), d.Ours, d.Theirs, repaired, d.Cause}, "\t"))
	}
	return table.Flush()
}

func withFinance(cmd *cobra.Command, data string, use func(*app.Finance) error) error {
	settings, logger, err := forTool(cmd, data)
	if err != nil {
		return err
	}
	return folderError(cmd, app.WithFinance(cmd.Context(), settings, logger, use))
}
