package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/projections/erasures"
)

func erasureCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "erasure",
		Short: "List erasures of people and organizations, and show their certificates",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	command.AddCommand(listErasuresCommand(), showErasureCommand(), renewJournalCommand())
	return command
}

func listErasuresCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "list",
		Short: "List all erasures, the latest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withErasures(cmd, data, false, func(e *app.Erasures) error {
				all, err := e.List(cmd.Context())
				if err != nil {
					return err
				}
				return printErasures(cmd.OutOrStdout(), all)
			})
		},
	}
	dataFlag(command, &data)
	return command
}

func printErasures(w io.Writer, all []erasures.Erasure) error {
	table := newTable(w)
	fmt.Fprintln(table, "id\tkind\tkeys destroyed\tbegun\tcompleted")
	for _, e := range all {
		completed := "under way"
		if !e.CompletedAt.IsZero() {
			completed = e.CompletedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", e.ID, e.Kind, e.Keys, e.BegunAt.UTC().Format(time.RFC3339), completed)
	}
	return table.Flush()
}

func showErasureCommand() *cobra.Command {
	var data string
	var out printer
	command := &cobra.Command{
		Use:     "show ID",
		Short:   "Show the certificate of an erasure, by the id of the person or the organization",
		Example: "  perfectworks erasure show user_01jd9z3q5we8x9v6m2k4t7r1b9 --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name the one erasure to show: see perfectworks erasure list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withErasures(cmd, data, false, func(e *app.Erasures) error {
				s, err := e.Show(cmd.Context(), erasure.ID(args[0]))
				if err != nil {
					return err
				}
				return out.write(cmd, certificateOf(s), func(w io.Writer) error { return printCertificate(w, s) })
			})
		},
	}
	out.flag(command)
	dataFlag(command, &data)
	return command
}

func printCertificate(w io.Writer, s erasure.State) error {
	table := newTable(w)
	fmt.Fprintf(table, "erased\t%s (%s)\nbegun\t%s\n", s.ID, s.Kind, s.BegunAt.UTC().Format(time.RFC3339))
	if s.CompletedAt.IsZero() {
		fmt.Fprintf(table, "state\tunder way: there is no certificate yet\n")
		return table.Flush()
	}
	fmt.Fprintf(table, "keys destroyed\t%d, at %s\n", len(s.Keys), s.Certificate.DestroyedAt.UTC().Format(time.RFC3339))
	for _, part := range []struct {
		title string
		all   []erasure.Statement
	}{{"destroyed", s.Certificate.Destroyed}, {"kept", s.Certificate.Kept}} {
		for _, each := range part.all {
			fmt.Fprintf(table, "%s\t%s: %s\n", part.title, each.What, each.Note)
		}
	}
	for _, r := range s.Certificate.Remains {
		fmt.Fprintf(table, "remains\tuntil %s in %s: %s\n", r.Until.UTC().Format(time.RFC3339), r.Where, r.Note)
	}
	return table.Flush()
}

type certificateJSON struct {
	ID          erasure.ID          `json:"id"`
	Kind        erasure.Kind        `json:"kind"`
	Keys        []string            `json:"keys"`
	BegunAt     time.Time           `json:"begunAt"`
	CompletedAt *time.Time          `json:"completedAt"`
	DestroyedAt *time.Time          `json:"destroyedAt"`
	Destroyed   []erasure.Statement `json:"destroyed"`
	Kept        []erasure.Statement `json:"kept"`
	Remains     []erasure.Remainder `json:"remains"`
}

func certificateOf(s erasure.State) certificateJSON {
	certificate := certificateJSON{
		ID: s.ID, Kind: s.Kind, Keys: s.Keys, BegunAt: s.BegunAt,
		Destroyed: s.Certificate.Destroyed, Kept: s.Certificate.Kept, Remains: s.Certificate.Remains,
	}
	if !s.CompletedAt.IsZero() {
		certificate.CompletedAt, certificate.DestroyedAt = &s.CompletedAt, &s.Certificate.DestroyedAt
	}
	return certificate
}

func renewJournalCommand() *cobra.Command {
	var data string
	command := &cobra.Command{
		Use:   "renew-journal",
		Short: "Make a new journal of erasures in the place of one that is lost",
		Long: `Make a new journal of erasures in the place of one that is lost, from what the
database knows. A backup of the database from before the last erasure must not be
restored any more: it would bring the keys of those who were erased back to use.
A journal that exists is not replaced.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withErasures(cmd, data, true, func(*app.Erasures) error {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "there is a new journal of erasures")
				return err
			})
		},
	}
	dataFlag(command, &data)
	return command
}

func withErasures(cmd *cobra.Command, data string, renew bool, use func(*app.Erasures) error) error {
	settings, err := settingsFor(cmd, data)
	if err != nil {
		return err
	}
	settings.RenewErasureJournal = renew
	logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), settings.LogFormat, "warn")
	if err != nil {
		return err
	}
	return folderError(cmd, app.WithErasures(cmd.Context(), settings, logger, use))
}
