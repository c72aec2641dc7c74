package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
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

type (
	stateDifferenceJSON struct {
		From    auditlog.State `json:"from"`
		To      auditlog.State `json:"to"`
		Changes []changeJSON   `json:"changes"`
	}
	// changeJSON is a field whose value differs, by its path; null where there is none.
	changeJSON struct {
		Field string `json:"field"`
		From  any    `json:"from"`
		To    any    `json:"to"`
	}
)

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
		return out.write(cmd, stateDifferenceJSON{from, to, changesOf("", from.State, to.State)}, func(w io.Writer) error {
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
	table, colouring := newTable(w), paletteOf(w)
	for _, c := range changesOf("", before, after) {
		fmt.Fprintf(table, "    %s\t%s\t→\t%s\n", printable(c.Field), colouring.cell(red, changedCell(c.From)), colouring.cell(green, changedCell(c.To)))
	}
	return table.Flush()
}

func changedCell(v any) string {
	if v == nil {
		return "–"
	}
	text, err := compactJSON(v)
	if err != nil {
		return "?" // What Plain returns has a form.
	}
	return shortened(string(text), cellWidth)
}

// changesOf returns what differs between two values in the forms of JSON, in the order
// of the paths. Objects that are on both sides are compared field by field.
func changesOf(path string, before, after any) []changeJSON {
	was, isObject := before.(map[string]any)
	is, stays := after.(map[string]any)
	// At the top, no state is one without fields.
	if path == "" && (before == nil || after == nil) {
		isObject, stays = true, true
	}
	if !isObject || !stays {
		if reflect.DeepEqual(before, after) {
			return nil
		}
		return []changeJSON{{path, before, after}}
	}
	names := slices.Collect(maps.Keys(was))
	for name := range is {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	changes := []changeJSON{}
	for _, name := range names {
		field := name
		if path != "" {
			field = path + "." + name
		}
		changes = append(changes, changesOf(field, was[name], is[name])...)
	}
	return changes
}
