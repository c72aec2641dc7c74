package app

import (
	"context"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/projections"
)

const (
	// oddClock and brokenClock are how far clocks may differ.
	oddClock    = 500 * time.Millisecond
	brokenClock = 5 * time.Second
	// leastPostgres is the oldest version of the database, as server_version_num.
	leastPostgres = 140000
)

// server is what a database says of itself.
type server struct {
	Version     string
	Number      int
	Connections int
	Most        int
	Recovering  bool
	Encoding    string
	Fsync       string
	FullPages   string
	Synchronous string
	Creates     bool
	Superuser   bool
	Trigrams    bool
}

func (f *findings) database(ctx context.Context, db *database) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	rows, err := db.pool.Query(ctx, `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections, current_setting('max_connections')::int AS most,
		pg_is_in_recovery() AS recovering, current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
		current_setting('full_page_writes') AS full_pages, current_setting('synchronous_commit') AS synchronous,
		has_database_privilege(current_database(), 'CREATE') AS creates, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
		EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS trigrams`)
	if f.failed("database", err) {
		return
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[server])
	if f.failed("database", err) {
		return
	}
	where, private := "at DATABASE_URL", db.cluster != nil
	if private {
		where = "private"
	}
	f.server(s, where)
	f.durability(s)
	f.privileges(s, private)
	f.add("connections", doubted(s.Connections*10 > s.Most*9), "%d of at most %d", s.Connections, s.Most)
	skew, err := f.databaseClock(ctx, db)
	if !f.failed("clocks", err) {
		f.clock("clocks", skew, 0)
	}
	if s.Trigrams {
		f.add("extensions", Healthy, "pg_trgm is there")
	} else {
		f.add("extensions", Doubtful, "pg_trgm is missing: searching in long lists is slow")
	}
}

func (f *findings) server(s server, where string) {
	switch {
	case s.Number < leastPostgres:
		f.add("database", Broken, "Postgres %s, %s: it must be 14 or newer", s.Version, where)
	case s.Recovering:
		f.add("database", Broken, "Postgres %s, %s, is a standby, which takes no writes: name the primary", s.Version, where)
	case s.Encoding != "UTF8":
		f.add("database", Broken, "Postgres %s, %s: its encoding is %s, and must be UTF8", s.Version, where, s.Encoding)
	default:
		f.add("database", Healthy, "Postgres %s, %s", s.Version, where)
	}
}

// durability checks that what was acknowledged survives a crash of the database.
func (f *findings) durability(s server) {
	switch {
	case s.Fsync != "on", s.FullPages != "on":
		f.add("durability", Broken, "fsync is %s and full_page_writes is %s: a crash damages the database; both must be on", s.Fsync, s.FullPages)
	case s.Synchronous == "off":
		f.add("durability", Broken, "synchronous_commit is off: a crash loses what was acknowledged")
	default:
		f.add("durability", Healthy, "fsync and full_page_writes are on, synchronous_commit is %s", s.Synchronous)
	}
}

func (f *findings) privileges(s server, private bool) {
	switch {
	case !s.Creates:
		f.add("privileges", Broken, "the role of DATABASE_URL may not create schemas in the database, as each rebuild does: GRANT CREATE ON DATABASE")
	case s.Superuser && !private:
		f.add("privileges", Doubtful, "the role of DATABASE_URL is a superuser: a role that owns the database is enough")
	default:
		f.add("privileges", Healthy, "schemas can be created")
	}
}

func (f *findings) databaseClock(ctx context.Context, db *database) (time.Duration, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	var now time.Time
	asked := time.Now()
	err = conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return clockSkew(asked, now, time.Now()), err
}

// clock judges the difference of another clock, which may be imprecise.
func (f *findings) clock(check string, skew, imprecise time.Duration) {
	skew = max(skew-imprecise, 0)
	health := doubted(skew > oddClock)
	if skew > brokenClock {
		health = Broken
	}
	f.add(check, health, "this machine's clock and the other differ by %s", skew.Round(time.Millisecond))
}

// schema checks that a database is of this program's version, and reports whether it
// can be worked with as it is.
func (f *findings) schema(ctx context.Context, db *database, check string, files fs.FS, table string) bool {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	pending, unknown, err := postgres.Schema(ctx, db.pool, files, table)
	if f.failed(check, err) {
		return false
	}
	switch {
	case len(unknown) > 0:
		f.add(check, Broken, "the database has migrations of a newer program, up to %d: this program must not run on it", unknown[len(unknown)-1])
	case len(pending) > 0:
		f.add(check, Doubtful, "%d migrations are to be applied, which the next start does; what stands on them was not checked", len(pending))
	default:
		f.add(check, Healthy, "it is that of this program")
	}
	return len(pending) == 0 && len(unknown) == 0
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
	version, err := c.log.Version(ctx)
	if f.failed("event log", err) {
		return
	}
	known, err := projections.LogOf(ctx, c.db.pool)
	if f.failed("event log", err) {
		return
	}
	f.add("event log", Healthy, "%s, version %s, up to %s", where, version, head)
	if known == "" {
		f.add("log identity", Healthy, "no read model knows a log yet")
	} else {
		f.add("log identity", Healthy, "%s: it is the log of the read models", known)
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
	f.add("processes", doubted(alive == 0), "%d others run on this database", alive)
	f.add("jobs", doubted(failedJobs > 0 || waiting > 0),
		"%d have failed for good, %d wait for more than 5 minutes: see perfectworks jobs list", failedJobs, waiting)
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
		case !s.Head.IsZero() && s.Position.Compare(s.Head) > 0:
			f.add(name, Doubtful, "it has seen the log up to %s, which ends at %s: the log went back, and a start rebuilds it or waits, by EVENTSTORE_WENT_BACK", s.Position, s.Head)
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

// policies checks that none waits for an operator.
func (f *findings) policies(ctx context.Context, c *core) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	rows, err := c.db.pool.Query(ctx, "SELECT policy, stopped FROM policy.checkpoints WHERE stopped <> '' ORDER BY policy")
	if f.failed("policies", err) {
		return
	}
	var name, reason string
	stopped := 0
	_, err = pgx.ForEachRow(rows, []any{&name, &reason}, func() error {
		stopped++
		f.add("policy "+name, Broken, "it waits for an operator: %s: see perfectworks policies", reason)
		return nil
	})
	if !f.failed("policies", err) && stopped == 0 {
		f.add("policies", Healthy, "none waits for an operator")
	}
}
