package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

func serveCommand() *cobra.Command {
	var addr, data, role string
	command := &cobra.Command{
		Use:   "serve [--addr 127.0.0.1:8080] [--data DIR] [--role all]",
		Short: "Serve the API, with everything behind it that no setting names",
		Long: `Serve the API, with everything behind it that no setting names.

To share the work between processes on one database and one event store, give
each a role:

  api        answers requests, and knows who may call
  projector  follows the log: builds the read models and runs the policies
  worker     works jobs: what policies decided, and what is due by the clock
  all        is all of them, and the default`,
		Example: "  perfectworks serve --role worker",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("addr") {
				if strings.TrimSpace(addr) == "" {
					return usageError{errors.New("--addr must not be empty: that would be any port of all addresses")}
				}
				settings.Addr, settings.AddrFrom = addr, "--addr"
			}
			if cmd.Flags().Changed("role") {
				settings.Role = app.Role(role)
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, settings.LogLevel)
			if err != nil {
				return err
			}
			app.TuneMemory(logger)
			server, err := app.New(cmd.Context(), settings, logger)
			if err != nil {
				return err
			}
			go func() {
				if server.WaitReady(cmd.Context()) == nil {
					tellManager(cmd.Context(), logger, daemon.SdNotifyReady)
					welcome(cmd.OutOrStdout(), settings, server.Addr())
				}
			}()
			defer context.AfterFunc(cmd.Context(), func() { tellManager(context.WithoutCancel(cmd.Context()), logger, daemon.SdNotifyStopping) })()
			return server.Run(cmd.Context())
		},
	}
	command.Flags().StringVar(&addr, "addr", "", "host and port (default $PERFECTWORKS_ADDR, else 127.0.0.1:8080)")
	command.Flags().StringVar(&role, "role", "", "all, api, projector or worker (default $PERFECTWORKS_ROLE, else all)")
	dataFlag(command, &data)
	return command
}

// tellManager tells systemd of a state, where it has started this process as a service
// of type notify.
func tellManager(ctx context.Context, logger *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		logger.WarnContext(ctx, "the service manager could not be told", slog.String("state", state), slog.Any("error", err))
	}
}

// settingsFor are the settings of the environment, with the data folder of the
// command line.
func settingsFor(cmd *cobra.Command, data string) (app.Settings, error) {
	settings, err := app.SettingsFromEnvironment()
	if err != nil {
		return app.Settings{}, err
	}
	if cmd.Flags().Changed("data") {
		if strings.TrimSpace(data) == "" {
			return app.Settings{}, usageError{errors.New("--data must not be empty: that would be the current folder")}
		}
		settings.Data, settings.DataFrom = data, "--data"
	}
	settings.Version = version
	return settings, nil
}

// welcome prints what to paste into another terminal.
func welcome(w io.Writer, settings app.Settings, addr net.Addr) {
	if addr == nil {
		fmt.Fprintf(w, "\nPerfectWorks is ready as %s.\n", settings.Role)
		return
	}
	base := "http://" + addr.String()
	if settings.OIDCIssuer != "" {
		fmt.Fprintf(w, "\nPerfectWorks is ready at %s; its documentation is at %s/docs\n", base, base)
		return
	}
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	data, err := filepath.Abs(settings.Data)
	if err != nil {
		data = settings.Data
	}
	fmt.Fprintf(w, `
PerfectWorks is ready. Paste this into another terminal:

    API=%s/api/v0
    TOKEN=$(%s token --subject ada --email ada@example.org --verified --data %s)
    json() { curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; echo; }
    json $API/users/client -d '{"firstName": "Ada", "lastName": "Lovelace"}'
    json $API/organizations -d '{"name": "Analytical Engines"}'
    KEY=$(json $API/api-keys -d '{"description": "my first key"}' | sed 's/.*"key":"\([^"]*\)".*/\1/')
    curl -sS -H "X-API-Key: $KEY" $API/organizations/current; echo

The API is documented at %s/docs. Ctrl-C stops the server; the data stays in %s.

`, base, quoted(program), quoted(data), base, data)
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsAny(path, " '\"$`\\&;|<>()*?[]#~!{}\t\n") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
