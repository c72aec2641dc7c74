package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/projections"
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

const (
	// doctorTimeout bounds what is asked of one part.
	doctorTimeout = 10 * time.Second
	// leastSpace is below what a server should not run on.
	leastSpace = 2 << 30
	// oddClock and brokenClock are how far the clocks of this machine and of the
	// database may differ.
	oddClock    = 500 * time.Millisecond
	brokenClock = 5 * time.Second
	// leastPostgres is the oldest version of the database, as server_version_num.
	leastPostgres = 140000
)

// findings collects the results of checks.
type findings []Finding

func (f *findings) add(check string, health Health, format string, args ...any) {
	*f = append(*f, Finding{check, health, fmt.Sprintf(format, args...)})
}

// failed adds a failure, if there is one, and reports whether there was.
func (f *findings) failed(check string, err error) bool {
	if err != nil {
		f.add(check, Broken, "%v", err)
	}
	return err != nil
}

// Doctor checks settings, folders, connections, clocks, keys and read models of an
// installation, and returns what it found. A server may run at the same time. What
// depends on a part that does not answer is not checked.
func Doctor(ctx context.Context, settings Settings, logger *slog.Logger) []Finding {
	var f findings
	f.add("program", Healthy, "version %s, %s, %s/%s, %d processors", settings.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	if f.failed("settings", settings.Check()) {
		return f
	}
	f.add("settings", Healthy, "%s", settings.Environment)
	data, err := settings.toolsFolder()
	if f.failed("data folder", err) {
		return f
	}
	f.folder(settings, data)
	c, err := openCore(ctx, settings, data, logger, telemetry.NewRegistry())
	if f.failed("start", err) {
		return f
	}
	defer func() {
		if err := c.close(); err != nil {
			f.add("end", Doubtful, "%v", err)
		}
	}()
	f.add("journal of erasures", Healthy, "it can be read, and belongs to the database")
	f.database(ctx, c)
	f.eventLog(ctx, settings, c)
	f.keys(ctx, c)
	f.processes(ctx, c)
	f.readModels(ctx, c)
	return f
}

func (f *findings) folder(settings Settings, data string) {
	if data == "" {
		data = settings.Data
	}
	path, err := filepath.Abs(data)
	if f.failed("data folder", err) {
		return
	}
	if _, err := os.Stat(path); err != nil {
		f.add("data folder", Healthy, "there is none, and none is needed")
		return
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); f.failed("free space", err) {
		return
	}
	free, size := stat.Bavail*uint64(stat.Bsize), stat.Blocks*uint64(stat.Bsize) //nolint:gosec // A block has a size.
	health := Healthy
	if free < leastSpace {
		health = Doubtful
	}
	f.add("free space", health, "%.1f GiB of %.1f GiB at %s", gib(free), gib(size), path)
}

func gib(bytes uint64) float64 { return float64(bytes) / (1 << 30) }

func (f *findings) database(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var version string
	var number, connections, most int
	var now time.Time
	asked := time.Now()
	err := c.db.pool.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int, clock_timestamp(),
		(SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int`).Scan(&version, &number, &now, &connections, &most)
	if f.failed("database", err) {
		return
	}
	answered := time.Now()
	where := "at DATABASE_URL"
	if c.db.cluster != nil {
		where = "private"
	}
	health := Healthy
	if number < leastPostgres {
		health = Broken
	}
	f.add("database", health, "Postgres %s, %s; it needs at least 14", version, where)
	health = Healthy
	if connections*10 > most*9 {
		health = Doubtful
	}
	f.add("connections", health, "%d of at most %d", connections, most)
	// The clock was read between the two.
	skew := max(asked.Sub(now), now.Sub(answered), 0)
	health = Healthy
	switch {
	case skew > brokenClock:
		health = Broken
	case skew > oddClock:
		health = Doubtful
	}
	f.add("clocks", health, "this machine and the database differ by %s", skew.Round(time.Millisecond))
	var trigrams bool
	if err := c.db.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')").Scan(&trigrams); f.failed("extensions", err) {
		return
	}
	if trigrams {
		f.add("extensions", Healthy, "pg_trgm is there")
	} else {
		f.add("extensions", Doubtful, "pg_trgm is missing: searching in long lists is slow")
	}
}

func (f *findings) eventLog(ctx context.Context, settings Settings, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	head, err := c.log.ours(ctx)
	if f.failed("event log", err) {
		return
	}
	where := "embedded"
	if settings.EventStoreURL != "" {
		where = "at EVENTSTORE_URL"
	}
	known, err := projections.LogOf(ctx, c.db.pool)
	if f.failed("event log", err) {
		return
	}
	f.add("event log", Healthy, "%s, up to %s; it is the log of the read models", where, head)
	if known != "" {
		f.add("log identity", Healthy, "%s", known)
	}
}

func (f *findings) keys(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	if !f.failed("encryption keys", c.keys.Ping(ctx)) {
		f.add("encryption keys", Healthy, "the master key can be unwrapped")
	}
}

func (f *findings) processes(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	var alive, failedJobs, waiting int
	err := c.db.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM processes WHERE alive_until > now() AND id <> $1),
		(SELECT count(*) FROM jobs.river_job WHERE state = 'discarded'),
		(SELECT count(*) FROM jobs.river_job WHERE state IN ('available', 'retryable') AND scheduled_at < now() - interval '5 minutes')`,
		c.heart.ID()).Scan(&alive, &failedJobs, &waiting)
	if f.failed("processes", err) {
		return
	}
	health := Healthy
	if alive == 0 {
		health = Doubtful
	}
	f.add("processes", health, "%d others run on this database", alive)
	health = Healthy
	if failedJobs > 0 || waiting > 0 {
		health = Doubtful
	}
	f.add("jobs", health, "%d have failed for good, %d wait for more than 5 minutes: see perfectworks jobs list", failedJobs, waiting)
}

func (f *findings) readModels(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	all, err := c.engine.Status(ctx)
	if f.failed("read models", err) {
		return
	}
	for _, s := range all {
		name := "read model " + s.Projection
		switch {
		case s.State == projections.StateStuck, s.State == projections.StateLogWentBack:
			f.add(name, Broken, "%s: %s", s.State, s.Failure)
		case s.State != projections.StateLive:
			f.add(name, Doubtful, "%s, %s behind", s.State, s.Lag.Round(time.Second))
		case s.Parked > 0:
			f.add(name, Doubtful, "%d events are parked: see perfectworks projections parked list %s", s.Parked, s.Projection)
		case s.Outdated:
			f.add(name, Doubtful, "it is of another version than this program")
		default:
			f.add(name, Healthy, "%s", s.State)
		}
	}
}

// ErrUnhealthy says that a check has failed.
var ErrUnhealthy = errors.New("something is wrong: see the failures")
