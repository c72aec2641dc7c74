package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/event"
)

// export is what the command is asked to do.
type export struct {
	data, format, output string
	reveal               bool
	filters              filterFlags
	who                  operatorFlags
}

// The formats of exports.
const (
	formatLines = "jsonl"
	formatCSV   = "csv"
)

func auditExportCommand() *cobra.Command {
	var x export
	command := &cobra.Command{
		Use:   "export",
		Short: "Write events of the log as JSON lines or CSV",
		Long: `Write events of the whole log, or those that a filter wants, in their order, as JSON
lines or as CSV. They are written as they are read, so that a log of any length can be
exported. Data about people is hidden; --reveal decrypts it, for a --reason. Each export
is recorded in the log before it begins, with who did it. In CSV, texts that a
spreadsheet would take for a formula have a ' before them.`,
		Example: `  perfectworks audit export --since 2026-03-01T00:00:00Z --until 2026-04-01T00:00:00Z -o march.jsonl
  perfectworks audit export --format csv --organization org_01jd9z3q5we8x9v6m2k4t7r1b9 \
      --reveal --as grace@operator.example --reason 'request of the customer: ticket 4711' -o org.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return x.run(cmd) },
	}
	x.filters.add(command)
	x.filters.addTimes(command)
	flags := command.Flags()
	flags.StringVar(&x.format, "format", formatLines, "jsonl or csv")
	flags.StringVarP(&x.output, "output", "o", "", "the file to write, which must not exist; standard output if absent")
	flags.BoolVar(&x.reveal, "reveal", false, "decrypt data about people, for a reason")
	x.who.flags(command)
	dataFlag(command, &x.data)
	return command
}

func (x *export) run(cmd *cobra.Command) error {
	filter, err := x.filters.parse()
	switch {
	case err != nil:
		return usageError{err}
	case x.format != formatLines && x.format != formatCSV:
		return usageError{fmt.Errorf("--format must be %s or %s", formatLines, formatCSV)}
	}
	what := commands.BeginAct{Kind: act.ExportAudit, Details: x.filters.details()}
	if x.reveal {
		what.Kind = act.RevealPersonal
		if err := x.who.mustSay("why data about people is exported"); err != nil {
			return err
		}
	}
	what.Target = "audit log as " + x.format
	return withAudit(cmd, x.data, func(a *app.Audit) (err error) {
		out := cmd.OutOrStdout()
		if x.output != "" {
			// An export is not written over an older one, and is nobody else's to read.
			file, err := os.OpenFile(x.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return err
			}
			out = file
			defer func() { err = errors.Join(err, file.Close()) }()
		}
		return x.who.do(cmd, a.Acts, what, func(ctx context.Context) (string, error) {
			n, err := x.write(ctx, out, a, filter)
			return fmt.Sprintf("%d events were exported", n), err
		})
	})
}

// write writes the events up to the present end of the log, and returns how many.
func (x *export) write(ctx context.Context, out io.Writer, a *app.Audit, filter auditlog.Filter) (n int, err error) {
	head, err := a.Head(ctx)
	if err != nil {
		return 0, err
	}
	buffered := bufio.NewWriter(out)
	write := func(e auditlog.Entry) error { return writeLine(buffered, e) }
	if x.format == formatCSV {
		lines := csv.NewWriter(buffered)
		if err := lines.Write(exportColumns); err != nil {
			return 0, err
		}
		write = func(e auditlog.Entry) error {
			record, err := exportRecord(e)
			if err == nil {
				err = lines.Write(record)
			}
			return err
		}
		defer func() {
			lines.Flush()
			err = errors.Join(err, lines.Error(), buffered.Flush())
		}()
	} else {
		defer func() { err = errors.Join(err, buffered.Flush()) }()
	}
	err = a.Entries(ctx, filter, event.Position{}, head, x.reveal, func(e auditlog.Entry) error {
		n++
		return write(e)
	})
	return n, err
}

// exportColumns are the columns of an export as CSV.
var exportColumns = []string{
	"position", "time", "type", "stream", "revision", "id", "actorKind", "actorId", "actorUserId", "organizationId",
	"requestId", "correlationId", "commandId", "causeEventId", "clientAddress", "userAgent", "data", "failure",
}

func exportRecord(e auditlog.Entry) ([]string, error) {
	data, err := compactJSON(e.Data)
	if err != nil {
		return nil, err
	}
	record := []string{
		e.Position, e.Time.Format(time.RFC3339Nano), e.Type, e.Stream, strconv.FormatInt(e.Revision, 10), e.ID, e.ActorKind, e.ActorID, e.ActorUserID,
		e.OrganizationID, e.RequestID, e.CorrelationID, e.CommandID, e.CauseEventID, e.ClientAddress, e.UserAgent, string(data), e.Failure,
	}
	for i, cell := range record {
		if cell = printable(cell); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			cell = "'" + cell
		}
		record[i] = cell
	}
	return record, nil
}
