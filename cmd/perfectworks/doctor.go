package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

func doctorCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check settings, permissions, connections, versions, clocks, space, keys, log and read models",
		Long: `Check an installation and say what is wrong:

  the settings, and what production requires of them
  the data folder and secret files: who owns them, and who may read and write them
  free space, and how many files may be open
  what is reached over the network: identity, store of files, mail, payments, traces
  the database: version, clock, durability, privileges, connections, schema
  the event log: its version, and whether it is the log that the read models know
  encryption keys, the journal of erasures, other processes, jobs, policies and
  read models

It ends with 1 if a check fails; warnings are for you to judge. A server may run at
the same time. Nothing is changed, but for a probe that is written into the store of
files and deleted.`,
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

var healthColours = map[app.Health]colour{app.Healthy: green, app.Doubtful: yellow, app.Broken: red}

func printFindings(w io.Writer, all []app.Finding) error {
	table, colouring := newTable(w), paletteOf(w)
	fmt.Fprintln(table, "RESULT\tCHECK\tWHAT WAS FOUND")
	count := map[app.Health]int{}
	for _, f := range all {
		count[f.Health]++
		fmt.Fprintf(table, "%s\t%s\t%s\n", colouring.cell(healthColours[f.Health], string(f.Health)), f.Check, printable(f.Says))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d checks: %d ok, %d warnings, %d failures\n",
		len(all), count[app.Healthy], count[app.Doubtful], count[app.Broken])
	return err
}
