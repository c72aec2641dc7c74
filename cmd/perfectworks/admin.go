package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
)

func adminCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "admin",
		Short: "Set up those who work for the operator",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	command.AddCommand(bootstrapCommand())
	return command
}

func bootstrapCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "bootstrap",
		Short: "Print a one-time secret by which the first system user is registered",
		Long: `Print a one-time secret by which the first system user is registered, who is an
admin and registers all others. It is good for an hour, and replaces the one
before. Once there was a first system user it is refused. Only a hash of the
secret is stored. A server may run at the same time.`,
		Example: `  secret=$(perfectworks admin bootstrap)
  curl -X POST http://127.0.0.1:8080/api/v0/users/system \
       -H "X-Bootstrap-Secret: $secret" -H 'Content-Type: application/json' \
       -d '{"email":"you@example.com","roles":["admin"]}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, logger, err := forTool(cmd, data)
			if err != nil {
				return err
			}
			secret, until, err := app.IssueBootstrapSecret(cmd.Context(), settings, logger)
			if err != nil {
				return fmt.Errorf("issue a bootstrap secret: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "The secret is good until %s, for one use. It is not shown again.\n", until.UTC().Format(time.RFC3339))
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret.Reveal())
			return err
		},
	}
	dataFlag(command, &data)
	return command
}
