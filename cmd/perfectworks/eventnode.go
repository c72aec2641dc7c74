package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

// usersVariable holds what the file of --users would.
const usersVariable = "EVENTNODE_USERS"

func eventnodeCommand() *cobra.Command {
	var (
		node  app.EventNodeSettings
		users string
		data  string
	)
	command := &cobra.Command{
		Use:   "eventnode --listen ADDR [--tls-cert F --tls-key F --users F] [--data DIR]",
		Short: "Serve the embedded EventStoreDB node alone",
		Long: `Serve the embedded EventStoreDB node alone. Its log is in the Postgres of
DATABASE_URL, else in a private one in the data folder.

Users are NAME:PASSWORD, one on each line, in a file that only its owner can
read, or in the variable ` + usersVariable + `. Each of them may do everything.
Without TLS and users the node serves only loopback, and never in production.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if node.Credentials, err = readUsers(users); err != nil {
				return usageError{err}
			}
			switch {
			case (node.CertFile == "") != (node.KeyFile == ""):
				return usageError{errors.New("--tls-cert and --tls-key go together")}
			case (node.CertFile == "") != (len(node.Credentials) == 0):
				return usageError{errors.New("users (--users or " + usersVariable + ") and TLS go together: passwords do not travel in the clear, and TLS without a user would let everybody in")}
			}
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			if err := app.CheckEventNode(cmd.Context(), settings, node); err != nil {
				return usageError{err}
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
	flags.StringVar(&users, "users", "", "file of the users who may do everything, NAME:PASSWORD on each line")
	dataFlag(command, &data)
	_ = command.MarkFlagRequired("listen") // The flag exists.
	return command
}

// readUsers reads the users from a file, else from the environment: a command line
// is seen by everybody on the machine.
func readUsers(file string) (map[string]string, error) {
	if file == "" {
		return credentials(usersVariable, os.Getenv(usersVariable))
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("--users: %w", err)
	}
	const others fs.FileMode = 0o077
	if info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("--users: others than its owner can read or write %s: change its mode to 0600", file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--users: %w", err)
	}
	all, err := credentials("--users", string(content))
	if err == nil && len(all) == 0 {
		return nil, fmt.Errorf("--users: there is no user in %s", file)
	}
	return all, err
}

// credentials reads lines of NAME:PASSWORD. Its errors name the line and do not
// repeat it.
func credentials(source, lines string) (map[string]string, error) {
	all := map[string]string{}
	number := 0
	for line := range strings.Lines(lines) {
		number++
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		name, password, found := strings.Cut(line, ":")
		if !found || name == "" || password == "" {
			return nil, fmt.Errorf("%s: line %d is not NAME:PASSWORD, neither of them empty", source, number)
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("%s: line %d has the name of another line", source, number)
		}
		all[name] = password
	}
	return all, nil
}
