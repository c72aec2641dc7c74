package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/identity"
)

func tokenCommand() *cobra.Command {
	var (
		data, subject, email string
		verified             bool
		ttl                  time.Duration
	)
	command := &cobra.Command{
		Use:   "token --subject S --email E [--verified]",
		Short: "Print a token of the development issuer, whether or not the server runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case subject == "":
				return usageError{errors.New("--subject must not be empty")}
			case ttl <= 0:
				return usageError{errors.New("--ttl must be positive")}
			}
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			dir, err := settings.DataFolder()
			if err != nil {
				return err
			}
			token, err := identity.MintToken(dir, subject, email, verified, ttl)
			if err != nil {
				return fmt.Errorf("mint a token: %w", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	flags := command.Flags()
	flags.StringVar(&subject, "subject", "", "who the token is about, as the identity provider names them")
	flags.StringVar(&email, "email", "", "their email address")
	flags.BoolVar(&verified, "verified", false, "the provider has verified that address")
	flags.DurationVar(&ttl, "ttl", time.Hour, "how long the token is good for")
	dataFlag(command, &data)
	_ = command.MarkFlagRequired("subject") // The flag exists.
	_ = command.MarkFlagRequired("email")   // The flag exists.
	return command
}

// dataFlag is the flag of all commands that work on a data folder.
func dataFlag(command *cobra.Command, into *string) {
	command.Flags().StringVar(into, "data", "", "data folder (default $PERFECTWORKS_DATA, else .data)")
}
