package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/migrations"
)

// Health is what a check of an installation found.
type Health string

// The healths.
const (
	Healthy Health = "ok"
	// Doubtful: it works, and should be looked at.
	Doubtful Health = "warning"
	Broken   Health = "failure"
)

// Finding is the result of one check. What it says holds no secret.
type Finding struct {
	Check  string `json:"check"`
	Health Health `json:"health"`
	Says   string `json:"says"`
}

// doctorTimeout bounds what is asked of one part.
const doctorTimeout = 10 * time.Second

// findings collects the results of checks. Its methods that ask other machines may run
// at the same time.
type findings struct {
	mu  sync.Mutex
	all []Finding
}

func (f *findings) add(check string, health Health, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, Finding{check, health, fmt.Sprintf(format, args...)})
}

// failed adds a failure, if there is one, and reports whether there was.
func (f *findings) failed(check string, err error) bool {
	if err != nil {
		f.add(check, Broken, "%v", err)
	}
	return err != nil
}

// doubted is Doubtful if it is true, else Healthy.
func doubted(doubt bool) Health {
	if doubt {
		return Doubtful
	}
	return Healthy
}

// ErrUnhealthy says that a check has failed.
var ErrUnhealthy = errors.New("something is wrong: see the failures")

// Doctor checks settings, folders and their permissions, space, connections, versions,
// clocks, keys, the event log and read models of an installation, and returns what it
// found. It changes nothing but for a probe that it writes into the store of files and
// deletes. A server may run at the same time. What depends on a part that does not
// answer is not checked; all else is.
func Doctor(ctx context.Context, settings Settings, logger *slog.Logger) []Finding {
	f := &findings{}
	f.program(settings)
	if f.failed("settings", settings.Check()) {
		return f.all
	}
	f.add("settings", Healthy, "%s", settings.Environment)
	f.machine(settings)
	f.services(ctx, settings)
	f.installation(ctx, settings, logger)
	return f.all
}

// installation checks what stands on the database.
func (f *findings) installation(ctx context.Context, settings Settings, logger *slog.Logger) {
	data, err := settings.toolsFolder()
	if f.failed("data folder", err) {
		return
	}
	db, err := openDatabase(ctx, settings, data, nil, logger)
	if f.failed("database", err) {
		return
	}
	f.database(ctx, db)
	if !f.schema(ctx, db, "schema", migrations.App, migrations.AppTable) ||
		settings.EventStoreURL == "" && !f.schema(ctx, db, "schema of the node", migrations.EventNode, migrations.EventNodeTable) {
		f.closed(db.close())
		return
	}
	c, err := openCoreOn(ctx, db, telemetry.Untraced(), settings, data, logger, telemetry.NewRegistry())
	if f.failed("start", err) {
		return
	}
	defer func() { f.closed(c.close()) }()
	f.add("journal of erasures", Healthy, "it can be read, and belongs to the database")
	f.eventLog(ctx, settings, c)
	f.keys(ctx, c)
	f.processes(ctx, c)
	f.readModels(ctx, c)
	f.policies(ctx, c)
}

// closed tells that the end of the checks went wrong.
func (f *findings) closed(err error) {
	if err != nil {
		f.add("end", Doubtful, "%v", err)
	}
}
