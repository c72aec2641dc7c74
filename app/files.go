package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/engines"
	"github.com/perfectworks/backend/adapters/documents/router"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/readmodels"
)

const (
	// sealLength is how much of a keyed hash seals the key of an upload: 96 bits.
	sealLength = 24
	// orphanLife is how long an object of no file is left alone: longer than any
	// operation takes.
	orphanLife = 25 * time.Hour
	// leastMemory is what the work on one document needs at least, in bytes.
	leastMemory = 256 << 20
	// maxDocumentWorkers is how many can be set.
	maxDocumentWorkers = 1024
	workFolder         = "work"
)

func (s Settings) checkDocuments() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if s.DocumentWorkers < 0 || s.DocumentWorkers > maxDocumentWorkers {
		refuse("PERFECTWORKS_DOCUMENT_WORKERS lies outside 1 to %d", maxDocumentWorkers)
	}
	if s.DocumentsPerOrganization < 0 || s.DocumentsPerOrganization > maxDocumentWorkers {
		refuse("PERFECTWORKS_DOCUMENTS_PER_ORGANIZATION lies outside 1 to %d", maxDocumentWorkers)
	}
	if s.DocumentMemory < 0 || s.DocumentMemory > 0 && s.memoryOfDocument() < leastMemory {
		refuse("PERFECTWORKS_DOCUMENT_MEMORY gives less than %d MiB to each document", leastMemory>>20)
	}
	if s.FileGrace < 0 || s.FileGrace > maxGrace {
		refuse("PERFECTWORKS_FILE_GRACE lies outside 0 to %s", maxGrace)
	}
	return errors.Join(wrong...)
}

// memoryOfDocument is what each child process may take, in bytes. While documents are
// worked on, as many may be counted.
func (s Settings) memoryOfDocument() int64 { return s.DocumentMemory / int64(2*s.documentWorkers()) }

func (s Settings) documentWorkers() int {
	if s.DocumentWorkers > 0 {
		return s.DocumentWorkers
	}
	return runtime.GOMAXPROCS(0)
}

// openProcessing puts together what works on documents. The process that serves the
// API only counts their pages.
func (c *core) openProcessing(settings Settings, data string, objects *blob.Store, logger *slog.Logger, registry prometheus.Registerer) (*processing.Service, error) {
	chosen, err := env.ParseAs[engines.Settings]()
	if err != nil {
		return nil, fmt.Errorf("read the settings of the documents engines: %w", namingVariables(err))
	}
	chosen.Production = settings.Environment == Production
	found, err := engines.Find(chosen)
	if err != nil {
		return nil, fmt.Errorf("find the documents engines: %w", err)
	}
	limits := documents.Limits{FileBytes: settings.MaxFileSize, OutputBytes: settings.MaxFileSize}
	if settings.MaxFileSize == 0 {
		limits.FileBytes, limits.OutputBytes = commands.DefaultMaxFileSize, commands.DefaultMaxFileSize
	}
	workers := settings.documentWorkers()
	if settings.DocumentMemory > 0 {
		limits.Memory = settings.memoryOfDocument()
	}
	working, err := documents.NewWith(logger, workers)
	if err != nil {
		return nil, fmt.Errorf("set up the documents engine: %w", err)
	}
	// Counts do not wait for the work on documents: a claim is answered at once.
	counting, err := documents.NewWith(logger, workers)
	if err != nil {
		return nil, fmt.Errorf("set up the documents engine: %w", err)
	}
	working.Limits, counting.Limits = limits, limits
	observer := telemetry.NewDocuments(c.tracing, registry)
	working.Observe, counting.Observe = observer.Begin, observer.Begin
	folder := filepath.Join(data, workFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of documents under work: %w", err)
	}
	share := settings.DocumentsPerOrganization
	if share == 0 {
		share = processing.DefaultShare(workers)
	}
	return processing.New(processing.Config{
		Pool: c.db.pool, Objects: objects, Documents: router.New(working, found), Counter: counting,
		Files: readmodels.NewQueries(c.db.pool).Files, Logger: logger, Registerer: measured(settings.Role.worker(), registry), Folder: folder, Workers: workers, Share: share,
		Stored: readmodels.NewQueries(c.db.pool).Statistics.Stored, TraceParent: telemetry.TraceParent,
		Observe: func(ctx context.Context, traceParent string, w processing.Attempt) (context.Context, func(error)) {
			return c.tracing.Working(ctx, traceParent, w.JobID, w.FileID, w.Number, w.Waited)
		},
	})
}

// downloadable refuses the download of an object whose file was deleted, or is not
// active: signed URLs die with the file.
func downloadable(do *commands.Commands) func(context.Context, string) error {
	return func(ctx context.Context, object string) error {
		rest, ok := strings.CutPrefix(object, commands.FilesPrefix)
		parts := strings.Split(rest, "/")
		if !ok || len(parts) != 3 {
			return file.ErrNotFound
		}
		_, err := do.ReadFile(ctx, commands.Request{
			Now: time.Now().UTC(), Principal: access.ByPolicy("download", id.Organization(parts[0]), access.WorkOnFiles),
		}, commands.ReadFile{FileID: id.File(parts[1])})
		return err
	}
}

// purgeFiles deletes the bytes of deleted files whose grace is over; each of them
// decides whether it is.
func purgeFiles(ctx context.Context, due files.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	purged, err := forEachDue(
		func(after files.Due) ([]files.Due, error) { return due.DueForPurge(ctx, now, after, duePage) },
		func(f files.Due) error {
			req := policies.ByClock("purge-files", string(f.ID), f.PurgeAt, now, f.OrganizationID, access.WorkOnFiles)
			if _, err := do.PurgeFile(ctx, req, commands.PurgeFile{FileID: f.ID}); err != nil {
				return fmt.Errorf("purge %s: %w", f.ID, err)
			}
			return nil
		})
	if purged > 0 {
		logger.InfoContext(ctx, "the bytes of deleted files were deleted", "files", purged)
	}
	return err
}

// expireFiles deletes the files that organizations have had for as long as they keep
// files. Most keep them for ever.
func expireFiles(ctx context.Context, homes organizations.Queries, old files.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	_, err := forEachDue(
		func(after organizations.Retention) ([]organizations.Retention, error) {
			return homes.Retaining(ctx, after, duePage)
		},
		func(home organizations.Retention) error {
			expired := 0
			_, err := forEachDue(
				func(after files.Old) ([]files.Old, error) {
					return old.Before(ctx, home.ID, now.AddDate(0, 0, -home.Days), after, duePage)
				},
				func(f files.Old) error {
					req := policies.ByClock("expire-files", string(f.ID), f.CreatedAt.AddDate(0, 0, home.Days), now, home.ID, access.WriteFilesOfOthers)
					_, err := do.ExpireFile(ctx, req, commands.ExpireFile{FileID: f.ID})
					switch {
					case err == nil:
						expired++
						return nil
					case errors.Is(err, organization.ErrRetained), errors.Is(err, file.ErrNotFound):
						return nil // It was decided otherwise a moment ago.
					}
					return fmt.Errorf("delete %s: %w", f.ID, err)
				})
			if expired > 0 {
				logger.InfoContext(ctx, "files were deleted that an organization keeps for a time", "organization", home.ID, "files", expired)
			}
			return err
		})
	return err
}

// collectObjects deletes objects that no file refers to: what workers and claims
// left when they were killed. The read model only spares the question: an object that
// it does not know is not deleted before its file has said so, for the read model may
// be about to be built again.
func collectObjects(ctx context.Context, objects *blob.Store, known files.Queries, do *commands.Commands, before, now time.Time, logger *slog.Logger) error {
	collected, err := objects.Collect(ctx, commands.FilesPrefix, before, func(ctx context.Context, object string) (bool, error) {
		parts := strings.Split(strings.TrimPrefix(object, commands.FilesPrefix), "/")
		if len(parts) != 3 {
			return true, nil // Not ours.
		}
		if stored, err := known.Stored(ctx, id.File(parts[1]), object); err != nil || stored {
			return true, err
		}
		req := policies.ByClock("collect-objects", object, now, now, id.Organization(parts[0]), access.WorkOnFiles)
		held, err := do.HoldsObject(ctx, req, commands.HoldsObject{FileID: id.File(parts[1]), Object: object})
		return held.Value || err != nil, err
	})
	if collected > 0 {
		logger.WarnContext(ctx, "objects that no file refers to were deleted", "objects", collected)
	}
	return err
}

// CollectObjects deletes the objects of no file that were stored before a time. A
// server does so by itself once they are old: sooner, what is being worked on would
// be among them.
func (a *App) CollectObjects(ctx context.Context, before time.Time) error {
	return collectObjects(ctx, a.work.objects, readmodels.NewQueries(a.db.pool).Files, a.work.commands, before, time.Now(), a.logger)
}
