package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/domain/event"
)

func auditShowCommand() *cobra.Command {
	var data, at string
	var compared []string
	var out printer
	command := &cobra.Command{
		Use:   "show STREAM",
		Short: "Show what an aggregate is, or was at a time or a revision",
		Long: `Show what an aggregate is, folded from its events, or what it was at a time or a
revision. With --diff A B, show what changed from A to B; without B, from A to now.
Data about people is hidden.`,
		Example: `  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9
  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 --at 2026-03-01T12:00:00Z
  perfectworks audit show organization-org_01jd9z3q5we8x9v6m2k4t7r1b9 --diff 3 17`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			compared = append(compared, args[1:]...) // The second of --diff A B.
			switch {
			case len(args) > 1 && len(compared) != 2, len(compared) > 2:
				return usageError{errors.New("--diff takes two times or revisions")}
			case len(compared) > 0 && at != "":
				return usageError{errors.New("--at and --diff exclude each other")}
			}
			point, err := pointOf(at)
			if err != nil {
				return usageError{err}
			}
			if len(compared) > 0 {
				return showDifference(cmd, data, args[0], compared, out)
			}
			return withAudit(cmd, data, func(a *app.Audit) error {
				s, err := a.State(cmd.Context(), args[0], point)
				if err != nil {
					return err
				}
				return out.write(cmd, s, func(w io.Writer) error { return printState(w, s) })
			})
		},
	}
	command.Flags().StringVar(&at, "at", "", "a time such as 2026-03-01T12:00:00Z, or a revision")
	command.Flags().StringArrayVar(&compared, "diff", nil, "show what changed between two times or revisions: --diff A B")
	out.flag(command)
	dataFlag(command, &data)
	return command
}

// pointOf reads a time or a revision.
func pointOf(text string) (auditlog.Point, error) {
	if text == "" {
		return auditlog.Point{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return auditlog.Point{Revision: new(event.Revision(n))}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return auditlog.Point{}, fmt.Errorf("%q is neither a time such as 2026-03-01T12:00:00Z nor a revision", text)
	}
	return auditlog.Point{Time: t}, nil
}

type stateDifferenceJSON struct {
	From auditlog.State `json:"from"`
	To   auditlog.State `json:"to"`
}

func showDifference(cmd *cobra.Command, data, stream string, compared []string, out printer) error {
	var points [2]auditlog.Point // The second is the present when it is not given.
	for i, text := range compared {
		var err error
		if points[i], err = pointOf(text); err != nil {
			return usageError{err}
		}
	}
	return withAudit(cmd, data, func(a *app.Audit) error {
		from, err := a.State(cmd.Context(), stream, points[0])
		if err != nil {
			return err
		}
		to, err := a.State(cmd.Context(), stream, points[1])
		if err != nil {
			return err
		}
		return out.write(cmd, stateDifferenceJSON{from, to}, func(w io.Writer) error {
			fmt.Fprintf(w, "%s from revision %d to %d\n", printable(stream), from.Revision, to.Revision)
			return printChanges(w, from.State, to.State)
		})
	})
}

func printState(w io.Writer, s auditlog.State) error {
	when := "before its first event"
	if s.Time != nil {
		when = fmt.Sprintf("after revision %d, of %s", s.Revision, s.Time.Format(time.RFC3339))
	}
	text, err := indentedJSON(s.State)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s %s\n%s\n", printable(s.Stream), when, text)
	}
	return err
}

// printChanges prints the fields that differ between two states.
func printChanges(w io.Writer, before, after any) error {
	was, beforeErr := json.Marshal(before)
	is, afterErr := json.Marshal(after)
	if err := errors.Join(beforeErr, afterErr); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range changedColumns(was, is) {
		fmt.Fprintf(table, "    %s\t%s\t→\t%s\n", c.name, shortened(c.before, cellWidth), shortened(c.after, cellWidth))
	}
	return table.Flush()
}
