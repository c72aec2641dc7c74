package main

import (
	"errors"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

func eventnodeCommand() *cobra.Command {
	var (
		node  app.EventNodeSettings
		users []string
		data  string
	)
	command := &cobra.Command{
		Use:   "eventnode --listen ADDR [--tls-cert F --tls-key F] [--user NAME:PASSWORD] [--data DIR]",
		Short: "Serve the embedded EventStoreDB node alone",
		Long: `Serve the embedded EventStoreDB node alone. Its log is in the Postgres of
DATABASE_URL, else in a private one in the data folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if node.Credentials, err = credentials(users); err != nil {
				return usageError{err}
			}
			switch {
			case (node.CertFile == "") != (node.KeyFile == ""):
				return usageError{errors.New("--tls-cert and --tls-key go together")}
			case (node.CertFile == "") != (len(users) == 0):
				return usageError{errors.New("--user and TLS go together: passwords do not travel in the clear, and TLS without a user would let everybody in")}
			}
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, settings.LogLevel)
			if err != nil {
				return err
			}
			return app.RunEventNode(cmd.Context(), settings, node, logger, func(at net.Addr) {
				logger.InfoContext(cmd.Context(), "the event node answers", "address", at.String())
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&node.Listen, "listen", "", "host and port to listen on")
	flags.StringVar(&node.CertFile, "tls-cert", "", "PEM file of the certificate")
	flags.StringVar(&node.KeyFile, "tls-key", "", "PEM file of its key")
	flags.StringArrayVar(&users, "user", nil, "NAME:PASSWORD of somebody who may do everything; can be repeated")
	dataFlag(command, &data)
	_ = command.MarkFlagRequired("listen") // The flag exists.
	return command
}

// credentials reads NAME:PASSWORD pairs. Its errors do not repeat them.
func credentials(users []string) (map[string]string, error) {
	all := make(map[string]string, len(users))
	for _, u := range users {
		name, password, found := strings.Cut(u, ":")
		if !found || name == "" || password == "" {
			return nil, errors.New("--user must be NAME:PASSWORD, neither of them empty")
		}
		all[name] = password
	}
	return all, nil
}
