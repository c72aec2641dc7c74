package httpapi

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	mediaCSV       = "text/csv"
	mediaJSONLines = "application/jsonl"
	// rowsBuffer is how many bytes of rows are collected before they are sent,
	// and rowsDelay how long they may wait for others.
	rowsBuffer = 32 << 10
	rowsDelay  = time.Second
)

// csvOf is an answer of comma-separated values, with a line of column names
// first: RFC 4180. It holds one row at a time in memory. Texts that a
// spreadsheet would take for a formula get an apostrophe before them.
func csvOf(columns []string, rows iter.Seq2[[]string, error]) *rawAnswer {
	return &rawAnswer{write: func(_ context.Context, w *rawWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
		out := newRowWriter(w)
		// Its own buffer is flushed into ours, and must not be taken for ours.
		lines := csv.NewWriter(struct{ io.Writer }{out.buffer})
		lines.UseCRLF = true
		write := func(row []string) error {
			if err := lines.Write(row); err != nil {
				return err
			}
			lines.Flush()
			return lines.Error()
		}
		if err := write(columns); err != nil {
			return err
		}
		for row, err := range rows {
			if err != nil {
				return err
			}
			safe := make([]string, len(row))
			for i, cell := range row {
				safe[i] = plainCell(cell)
			}
			if err := out.row(func(io.Writer) error { return write(safe) }); err != nil {
				return err
			}
		}
		return out.end()
	}}
}

// plainCell is a cell that no spreadsheet takes for a formula.
func plainCell(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// jsonLinesOf is an answer of one JSON text on each line. It holds one item at a
// time in memory.
func jsonLinesOf[T any](items iter.Seq2[T, error]) *rawAnswer {
	return &rawAnswer{write: func(_ context.Context, w *rawWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", mediaJSONLines)
		out := newRowWriter(w)
		for item, err := range items {
			if err != nil {
				return err
			}
			if err := out.row(func(line io.Writer) error { return writeJSON(line, item) }); err != nil {
				return err
			}
		}
		return out.end()
	}}
}

// rowWriter sends rows in pieces.
type rowWriter struct {
	buffer *bufio.Writer
	out    *rawWriter
	sent   time.Time
}

func newRowWriter(w *rawWriter) *rowWriter {
	return &rowWriter{buffer: bufio.NewWriterSize(w, rowsBuffer), out: w, sent: time.Now()}
}

// row writes a row, and sends what is due.
func (w *rowWriter) row(write func(io.Writer) error) error {
	if err := w.out.ctx.Err(); err != nil {
		return err
	}
	if err := write(w.buffer); err != nil {
		return err
	}
	if time.Since(w.sent) < rowsDelay {
		return nil
	}
	w.sent = time.Now()
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	return w.out.Flush()
}

func (w *rowWriter) end() error { return w.buffer.Flush() }
