package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections/tokens"
)

func tokensCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "tokens",
		Short: "Adjust token accounts, and write and verify their statements",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	command.AddCommand(adjustTokensCommand(), verifyStatementCommand(), statementCommand(), statementKeysCommand(), newStatementKeyCommand())
	return command
}

func adjustTokensCommand() *cobra.Command {
	var flags decisionFlags
	var organization, expireAt string
	var amount int64
	command := &cobra.Command{
		Use:   "adjust",
		Short: "Correct the token account of an organization by hand",
		Long: `Correct the token account of an organization by hand: upwards by a grant,
downwards by taking available tokens. The reason is kept with the transaction.`,
		Example: `  perfectworks tokens adjust --organization org_01jd9z3q5we8x9v6m2k4t7r1b9 --amount -10 \
      --as fay@operator.example --reason 'charged too little: ticket 4711'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !id.Valid(id.Organization(organization)) {
				return usageError{errors.New("--organization must be the id of an organization: org_…")}
			}
			until, err := timeFlag("expire-at", expireAt)
			if err != nil {
				return usageError{err}
			}
			return withFinance(cmd, flags.data, func(f *app.Finance) error {
				account, err := f.AdjustTokens(cmd.Context(), flags.by, id.Organization(organization), amount, until, personal.New(flags.reason))
				if err != nil {
					return err
				}
				b := account.Balance
				return flags.out.write(cmd, map[string]any{
					"organizationId": organization, "amount": amount, "available": b.Available, "settled": b.Settled(), "debt": -b.Debt,
				}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "adjusted by %d: %d are available, %d are held, %d are owed\n", amount, b.Available, b.Held, -b.Debt)
					return err
				})
			})
		},
	}
	command.Flags().StringVar(&organization, "organization", "", "id of the organization (required)")
	command.Flags().Int64Var(&amount, "amount", 0, "how many tokens; negative for a correction downwards (required)")
	for _, name := range []string{"organization", "amount"} {
		_ = command.MarkFlagRequired(name) // The flag exists.
	}
	command.Flags().StringVar(&expireAt, "expire-at", "", "when tokens brought in expire, RFC 3339; by default never")
	flags.add(command)
	return command
}

func verifyStatementCommand() *cobra.Command {
	var keyFile string
	command := &cobra.Command{
		Use:   "verify STATEMENT",
		Short: "Verify a statement offline",
		Long: `Verify a statement offline: recompute opening, movements, balances, the chain of
hashes, closing and signature. The file of keys may hold several; statements that
were signed before a rotation need the key of then. "-" reads from standard input.`,
		Example: "  perfectworks tokens verify statement.csv --key public.pem",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			text, err := os.ReadFile(keyFile)
			if err != nil {
				return fmt.Errorf("read the public key: %w", err)
			}
			keys, err := statement.ReadPublicKeys(text)
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("read the statement: %w", err)
				}
				defer file.Close()
				in = file
			}
			v, err := statement.Verify(in, keys)
			if err != nil {
				return err
			}
			return printVerified(cmd.OutOrStdout(), v)
		},
	}
	command.Flags().StringVar(&keyFile, "key", "", "file of public keys, as PEM (required)")
	_ = command.MarkFlagRequired("key") // The flag exists.
	return command
}

func printVerified(w io.Writer, v statement.Verified) error {
	_, err := fmt.Fprintf(w, `verified
organization  %s
period        %s to %s
entries       %d, %d to %d
opening       available %d, held %d, frozen %d, debt %d
closing       available %d, held %d, frozen %d, debt %d
issued        %s
signed with   %s
`,
		printable(string(v.OrganizationID)), openEnd(v.Period.From, "the beginning"), openEnd(v.Period.To, "the last entry"),
		v.Entries, v.Opening.Sequence+1, v.Closing.Sequence,
		v.Opening.Balance.Available, v.Opening.Balance.Held, v.Opening.Balance.Frozen, -v.Opening.Balance.Debt,
		v.Closing.Balance.Available, v.Closing.Balance.Held, v.Closing.Balance.Frozen, -v.Closing.Balance.Debt,
		openEnd(v.IssuedAt, "at an unknown time"), v.KeyID)
	return err
}

func openEnd(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func statementCommand() *cobra.Command {
	var data, organization, from, to string
	command := &cobra.Command{
		Use:   "statement",
		Short: "Write a signed statement of an organization's token account",
		Example: `  perfectworks tokens statement --organization org_01jd9z3q5we8x9v6m2k4t7r1b9 \
      --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z >statement.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			subject := statement.Subject{OrganizationID: id.Organization(organization)}
			if !id.Valid(subject.OrganizationID) {
				return errors.New("--organization must be the id of an organization: org_…")
			}
			var err error
			if subject.Period.From, err = timeFlag("from", from); err != nil {
				return err
			}
			if subject.Period.To, err = timeFlag("to", to); err != nil {
				return err
			}
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
			if err != nil {
				return err
			}
			return app.WithTokens(cmd.Context(), settings, logger, func(queries tokens.Queries, keys *statement.Keys) error {
				of, err := queries.Statement(cmd.Context(), subject.OrganizationID, subject.Period)
				if err != nil {
					return err
				}
				return statement.Write(cmd.OutOrStdout(), subject, of, keys, time.Now())
			})
		},
	}
	command.Flags().StringVar(&organization, "organization", "", "id of the organization (required)")
	_ = command.MarkFlagRequired("organization") // The flag exists.
	command.Flags().StringVar(&from, "from", "", "first instant of the period, RFC 3339; by default the beginning")
	command.Flags().StringVar(&to, "to", "", "instant at which the period has ended, RFC 3339; by default after the last entry")
	dataFlag(command, &data)
	return command
}

func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--%s must be an RFC 3339 time, for example 2026-01-01T00:00:00Z", name)
	}
	return t.UTC(), nil
}

func statementKeysCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "keys",
		Short: "Print the public keys of statements: the one that signs first, then those before it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			keys, err := app.StatementKeys(settings)
			if err != nil {
				return err
			}
			for _, key := range keys.Public() {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "# %s\n%s", key.ID, key.PEM); err != nil {
					return err
				}
			}
			return nil
		},
	}
	dataFlag(command, &data)
	return command
}

func newStatementKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new-key",
		Short: "Print a new private key for PERFECTWORKS_STATEMENT_KEY",
		Long: `Print a new private key for PERFECTWORKS_STATEMENT_KEY. To rotate, put it before
the keys that are in the file: the first key signs, and all of them are published.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := statement.NewKey()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(key)
			}
			return err
		},
	}
}
