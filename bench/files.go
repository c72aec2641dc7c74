package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/command"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/adapters/documents/router"
)

const (
	// fileClients is how many files the known client sends at a time.
	fileClients = 10
	// listedFiles is how many files the organization has whose files are listed.
	listedFiles = 100_000
	typePDF     = "application/pdf"
)

// measureFiles measures what files cost beside the work on their documents.
func measureFiles(ctx context.Context, p plan) (rows []measurement, err error) {
	err = withServer(ctx, func(server *child, c client) error {
		whole, err := c.measureSequence(ctx, p)
		if err != nil {
			return fmt.Errorf("the sequence: %w", err)
		}
		queued, err := c.measureQueued(ctx, p.files)
		if err != nil {
			return fmt.Errorf("queued files: %w", err)
		}
		listed, err := c.measureFileLists(ctx, server.DatabaseURL, p)
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		rows = append([]measurement{whole, queued}, listed...)
		return nil
	})
	return rows, err
}

// engineAlone makes a document accessible by the engine, without anything around it.
func engineAlone() (func(context.Context) error, error) {
	engine, err := documents.New(nil)
	if err != nil {
		return nil, err
	}
	data := pdftest.Pages(2).Bytes()
	return func(ctx context.Context) error {
		in, err := temporaryFile(data)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := temporaryFile(nil)
		if err != nil {
			return err
		}
		defer out.Close()
		_, err = engine.Process(ctx, documents.Source{File: in, Format: documents.PDF}, out)
		return err
	}, nil
}

// temporaryFile has no name.
func temporaryFile(data []byte) (*os.File, error) {
	file, err := os.CreateTemp("", "perfectworks-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	_, err = file.WriteAt(data, 0)
	return file, err
}

// documentsCommand makes this program the command that works on documents.
const documentsCommand = "documents"

// runDocuments is that command, as cmd/perfectworks has it.
func runDocuments(ctx context.Context) error {
	root := command.New(func() (command.Engine, error) { //nolint:contextcheck // ExecuteContext passes it.
		engine, err := documents.New(nil)
		if err != nil {
			return nil, err
		}
		return router.New(engine, &engines.Found{}), nil
	})
	root.SetArgs(os.Args[2:])
	err := root.ExecuteContext(ctx)
	var exit *command.ExitError
	if errors.As(err, &exit) && exit.Code == command.ExitFindings {
		return nil // The result is there.
	}
	return err
}

// commandAlone makes a document accessible by the command alone.
func commandAlone(folder string) (func(context.Context) error, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "in.pdf")
	if err := os.WriteFile(file, pdftest.Pages(2).Bytes(), 0o600); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, executable, documentsCommand, "process", file, "--output", "-") //nolint:gosec // This program.
		var said bytes.Buffer
		cmd.Stderr = &said
		made, err := cmd.Output()
		if err == nil && !bytes.HasPrefix(made, []byte("%PDF-")) {
			err = errors.New("it is no PDF")
		}
		if err != nil {
			return fmt.Errorf("the command: %w: %s", err, said.String())
		}
		return nil
	}, nil
}

// sequenceSlice is how long each side of the sequence is measured at a time. With
// several files under way on each processor, one takes a good part of a second.
const sequenceSlice = 4 * time.Second

// measureSequence compares the whole sequence of the known client with the engine's
// command alone, with as many files at a time.
func (c client) measureSequence(ctx context.Context, p plan) (_ measurement, err error) {
	row := measurement{
		What: fmt.Sprintf("upload to download of a two-page PDF, %d at a time; the latency is that beyond the command's", fileClients),
		Unit: "files/s", LimitedBy: "the engine's command alone", AimP50: 30,
	}
	folder, err := os.MkdirTemp("", "perfectworks-bench-")
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	alone, err := commandAlone(folder)
	if err != nil {
		return row, err
	}
	data := pdftest.Pages(2).Bytes()
	compared, err := compare(ctx, max(1, p.rounds/2),
		drivenFor(fileClients, sequenceSlice, func(ctx context.Context, _ int) error {
			_, err := c.makeAccessible(ctx, data)
			return err
		}),
		drivenFor(fileClients, sequenceSlice, func(ctx context.Context, _ int) error { return alone(ctx) }))
	if err != nil {
		return row, err
	}
	row = row.from(compared)
	row.P50 -= percentile(compared.limit.Latencies, .5)
	row.P99 -= percentile(compared.limit.Latencies, .99)
	return row, nil
}

func (c client) keyed() http.Header { return http.Header{"X-Api-Key": {c.key}} }

// ask posts, and reads members of the data of the answer.
func (c client) ask(ctx context.Context, path string, body any, headers http.Header) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	answer, err := c.do(ctx, http.MethodPost, path, string(text), headers)
	if err != nil {
		return nil, err
	}
	var envelope struct{ Data map[string]any }
	return envelope.Data, json.Unmarshal(answer, &envelope)
}

// upload makes a PDF a file.
func (c client) upload(ctx context.Context, data []byte) (id string, err error) {
	issued, err := c.ask(ctx, "/files/upload-url", map[string]any{"filename": "a.pdf", "contentType": typePDF, "sizeBytes": len(data)}, c.keyed())
	if err != nil {
		return "", err
	}
	if _, err := c.transfer(ctx, http.MethodPut, issued["uploadUrl"], data); err != nil {
		return "", err
	}
	file, err := c.ask(ctx, "/files", map[string]any{"filename": "a.pdf", "objectKey": issued["objectKey"]}, c.keyed())
	if err != nil {
		return "", err
	}
	id, _ = file["id"].(string)
	return id, nil
}

// makeAccessible is the sequence of the known client.
func (c client) makeAccessible(ctx context.Context, data []byte) ([]byte, error) {
	id, err := c.upload(ctx, data)
	if err != nil {
		return nil, err
	}
	made, err := c.ask(ctx, "/files/"+id+"/accessibility", struct{}{}, c.keyed())
	if err != nil {
		return nil, err
	}
	processed, _ := made["processedFileId"].(string)
	if _, err := c.do(ctx, http.MethodGet, "/files/"+processed, "", c.keyed()); err != nil {
		return nil, err
	}
	link, err := c.ask(ctx, "/files/"+processed+"/download-url", struct{}{}, c.keyed())
	if err != nil {
		return nil, err
	}
	return c.transfer(ctx, http.MethodGet, link["downloadUrl"], nil)
}

func (c client) transfer(ctx context.Context, method string, url any, data []byte) ([]byte, error) {
	address, _ := url.(string)
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", typePDF)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // It has been read.
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", method, response.Status)
	}
	return body, err
}

// measureQueued compares the workers, which have many files to do, with the engine
// alone in as many loops.
func (c client) measureQueued(ctx context.Context, files int) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("%d queued two-page PDFs", files), Unit: "files/s", LimitedBy: "the engine alone, in a loop for each worker", Aim: 0.9,
	}
	data := pdftest.Pages(2).Bytes()
	group, uploading := errgroup.WithContext(ctx)
	group.SetLimit(fileClients)
	begin := time.Now()
	for range files {
		group.Go(func() error {
			id, err := c.upload(uploading, data)
			if err != nil {
				return err
			}
			headers := c.keyed()
			headers.Set("Prefer", "respond-async")
			_, err = c.ask(uploading, "/files/"+id+"/accessibility", struct{}{}, headers)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return row, err
	}
	// What was done while the files were uploaded is not counted.
	began, left := time.Now(), 0
	fmt.Fprintf(os.Stderr, "uploaded in %s\n", time.Since(begin).Round(time.Second))
	for first := true; ; first = false {
		unended, err := c.unended(ctx)
		if err != nil {
			return row, err
		}
		if first {
			left = unended
		}
		if unended == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	row.Value = float64(left) / time.Since(began).Seconds()
	alone, err := engineAlone()
	if err != nil {
		return row, err
	}
	const workers = 2
	engine, err := drive(ctx, workers, 5*time.Second, func(ctx context.Context, _ int) error { return alone(ctx) })
	if err != nil {
		return row, err
	}
	row.Limit = engine.perSecond()
	row.Ratio = row.Value / row.Limit
	return row, nil
}

// unended is how many files are being worked on or wait.
func (c client) unended(ctx context.Context) (int, error) {
	answer, err := c.do(ctx, http.MethodGet, "/files?limit=1&status=processing", "", c.keyed())
	if err != nil {
		return 0, err
	}
	var envelope struct {
		Data struct{ Pagination struct{ Total int } }
	}
	err = json.Unmarshal(answer, &envelope)
	return envelope.Data.Pagination.Total, err
}

// measureFileLists measures the first and the last page of a long list.
func (c client) measureFileLists(ctx context.Context, databaseURL string, p plan) ([]measurement, error) {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // It has done its work.
	if _, err := conn.Exec(ctx, `INSERT INTO files.files (id, organization_id, user_id, type, format, filename, filename_folded, status, uploaded_at, revision, created_at, updated_at)
		SELECT 'file_00' || lpad(i::text, 24, '0'), f.organization_id, '', 'original', 'pdf', 'file ' || i, 'file ' || i, 'uploaded', t, 0, t, t
		FROM (SELECT organization_id FROM files.files LIMIT 1) f, generate_series(1, $1::int) i, LATERAL (SELECT '2026-01-01'::timestamptz + i * interval '1 second' AS t) x`,
		listedFiles); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "UPDATE files.totals SET files = files + $1 WHERE organization_id = (SELECT organization_id FROM files.files LIMIT 1)", listedFiles); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "VACUUM ANALYZE files.files"); err != nil {
		return nil, err
	}
	// The cursor of the last page is that of the page before.
	var envelope struct {
		Data struct {
			Pagination struct {
				NextCursor string
				TotalPages int
			}
		}
	}
	for _, path := range []func() string{
		func() string { return "/files?limit=10" },
		func() string { return fmt.Sprintf("/files?limit=10&page=%d", envelope.Data.Pagination.TotalPages-1) },
	} {
		answer, err := c.do(ctx, http.MethodGet, path(), "", c.keyed())
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(answer, &envelope); err != nil {
			return nil, err
		}
	}
	var rows []measurement
	for _, page := range []struct{ what, path string }{
		{"first page", "/files?limit=10"}, {"last page", "/files?limit=10&cursor=" + envelope.Data.Pagination.NextCursor},
	} {
		row, err := atPace(ctx, 50, p.lasting, func(ctx context.Context, _ int) error {
			_, err := c.do(ctx, http.MethodGet, page.path, "", c.keyed())
			return err
		})
		if err != nil {
			return nil, err
		}
		row.What, row.Unit, row.AimP99 = fmt.Sprintf("list of %d files, %s by cursor", listedFiles, page.what), "requests/s", 20
		rows = append(rows, row)
	}
	return rows, nil
}
