package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/app"
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
		Long: `Print a token of the development issuer of a data folder, in which a server has
run before. It need not run now.`,
		Args: cobra.NoArgs,
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
			if settings.OIDCIssuer != "" {
				return errors.New("OIDC_ISSUER is set: servers accept the tokens of that issuer, and none of the development issuer")
			}
			dir, err := settings.ExistingDataFolder()
			if err != nil {
				return folderError(cmd, err)
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

// folderError makes a folder that is not a data folder a usage error where the
// command line named it.
func folderError(cmd *cobra.Command, err error) error {
	if errors.Is(err, app.ErrNoDataFolder) && cmd.Flags().Changed("data") {
		return usageError{err}
	}
	return err
}

// dataFlag is the flag of all commands that work on a data folder.
func dataFlag(command *cobra.Command, into *string) {
	command.Flags().StringVar(into, "data", "", "data folder (default $PERFECTWORKS_DATA, else .data)")
}
