package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

func doctorCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check settings, folders, connections, clocks, keys and read models",
		Long: `Check the settings, the data folder and its space, the database and its clock, the
event log and its identity, the encryption keys, the journal of erasures, other
processes, jobs and read models, and say what is wrong. It ends with 1 if a check
fails; warnings are for you to judge. A server may run at the same time.`,
		Example: `  perfectworks doctor
  perfectworks doctor --json | jq '.[] | select(.health != "ok")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := settingsFor(cmd, data)
			if err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "error")
			if err != nil {
				return err
			}
			all := app.Doctor(cmd.Context(), settings, logger)
			if err := out.write(cmd, all, func(w io.Writer) error { return printFindings(w, all) }); err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(f app.Finding) bool { return f.Health == app.Broken }) {
				return app.ErrUnhealthy
			}
			return nil
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printFindings(w io.Writer, all []app.Finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Health, f.Check, printable(f.Says))
	}
	return table.Flush()
}
