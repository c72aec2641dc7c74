package app

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/projections/directory"
)

// measureTimeout bounds what a scrape asks of the database and of the event store.
const measureTimeout = 3 * time.Second

// metricsPrefix starts the name of each of our metrics.
const metricsPrefix = "perfectworks_"

// The parts that this process stands on, as in readiness.
const (
	partPostgres   = "postgres"
	partEventStore = "eventstore"
	partIdentity   = "identity"
	partDirectory  = "directory"
)

// The faults of the event store that are told apart.
const (
	faultUnreachable = "unreachable"
	faultFull        = "storage_full"
	faultReadOnly    = "read_only"
	faultWrongLog    = "wrong_log"
)

// storeFault names what is wrong with the event store; empty for nothing.
func storeFault(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, eventstore.ErrWrongLog):
		return faultWrongLog
	case errors.Is(err, failure.ErrStorageFull), errors.Is(err, eventnode.ErrNoSpace):
		return faultFull
	case errors.Is(err, failure.ErrStorageReadOnly), errors.Is(err, eventnode.ErrReadOnly):
		return faultReadOnly
	default:
		return faultUnreachable
	}
}

// vitals are the metrics of the process itself and of what it stands on, measured at
// the moment of a scrape.
type vitals struct {
	pool   *pgxpool.Pool
	store  func(context.Context) error
	folder string
	// version and role are as build_info tells them.
	version, role string
	// tokens and directory are nil in a process without an API.
	tokens    func() error
	directory *directory.Directory

	build, ready, fault, skew, processes, free, size, age *prometheus.Desc
}

func newVitals(a *App) *vitals {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metricsPrefix+name, help, labels, nil)
	}
	v := &vitals{
		pool: a.db.pool, store: a.log.check, folder: a.data, version: a.settings.Version, role: string(cmp.Or(a.settings.Role, RoleAll)), directory: a.directory,
		build:     describe("build_info", "Always 1; the labels tell the version of the program, of Go, and the role.", "version", "go", "role"),
		ready:     describe("ready", "1 when a part that this process stands on works.", "part"),
		fault:     describe("eventstore_fault", "1 while the event store has a fault of a kind, as this process sees it.", "fault"),
		skew:      describe("clock_skew_seconds", "By how much the clocks of this process and of the database differ at least."),
		processes: describe("processes_alive", "Processes on this database that beat, tools of operators included."),
		free:      describe("data_free_bytes", "Free space where the data folder is."),
		size:      describe("data_size_bytes", "Size of the file system where the data folder is."),
		age:       describe("directory_age_seconds", "How old what this process knows of users, members and keys is at most."),
	}
	if a.tokens != nil {
		v.tokens = a.tokens.Ready
	}
	return v
}

// Describe implements prometheus.Collector.
func (v *vitals) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{v.build, v.ready, v.fault, v.skew, v.processes, v.free, v.size, v.age} {
		out <- d
	}
}

// Collect implements prometheus.Collector. What does not answer in time counts as not
// ready, and what only it knows is left out.
func (v *vitals) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), measureTimeout)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		err := v.store(ctx)
		gauge(v.ready, oneIf(err == nil), partEventStore)
		now := storeFault(err)
		for _, fault := range []string{faultUnreachable, faultFull, faultReadOnly, faultWrongLog} {
			gauge(v.fault, oneIf(now == fault), fault)
		}
	})
	asking.Go(func() {
		skew, alive, err := askDatabase(ctx, v.pool)
		gauge(v.ready, oneIf(err == nil), partPostgres)
		if err == nil {
			gauge(v.skew, skew.Seconds())
			gauge(v.processes, float64(alive))
		}
	})
	if free, size, err := spaceAt(v.folder); err == nil {
		gauge(v.free, float64(free))
		gauge(v.size, float64(size))
	}
	if v.tokens != nil {
		gauge(v.ready, oneIf(v.tokens() == nil), partIdentity)
	}
	if v.directory != nil {
		gauge(v.ready, oneIf(v.directory.Ready() == nil), partDirectory)
		if age, known := v.directory.Age(); known {
			gauge(v.age, age.Seconds())
		}
	}
	gauge(v.build, 1, v.version, runtime.Version(), v.role)
	asking.Wait()
}

// askDatabase asks for the difference of the clocks, and how many processes beat.
func askDatabase(ctx context.Context, pool *pgxpool.Pool) (skew time.Duration, alive int, err error) {
	var now time.Time
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Release()
	asked := time.Now()
	err = conn.QueryRow(ctx, "SELECT clock_timestamp(), (SELECT count(*) FROM processes WHERE alive_until > now())").Scan(&now, &alive)
	return clockSkew(asked, now, time.Now()), alive, err
}

// clockSkew is by how much another clock, which was read between two moments of this
// one, differs at least.
func clockSkew(asked, other, answered time.Time) time.Duration {
	return max(asked.Sub(other), other.Sub(answered), 0)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// connections are the metrics of the pool of connections to the database.
type connections struct {
	pool *pgxpool.Pool

	now, most, acquires, waited, cancelled, waiting *prometheus.Desc
}

func newConnections(pool *pgxpool.Pool) *connections {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(metricsPrefix+"postgres_"+name, help, labels, nil)
	}
	return &connections{
		pool:      pool,
		now:       describe("connections", "Connections of the pool, by what they are doing.", "state"),
		most:      describe("connections_max", "The most connections that the pool opens."),
		acquires:  describe("acquires_total", "How often a connection was taken from the pool."),
		waited:    describe("acquires_waited_total", "How often all connections were in use, and one was waited for or opened."),
		cancelled: describe("acquires_cancelled_total", "How often waiting for a connection was given up."),
		waiting:   describe("acquire_wait_seconds_total", "For how long connections were waited for in all."),
	}
}

// Describe implements prometheus.Collector.
func (c *connections) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.now, c.most, c.acquires, c.waited, c.cancelled, c.waiting} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *connections) Collect(out chan<- prometheus.Metric) {
	s := c.pool.Stat()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value)
	}
	gauge(c.now, float64(s.AcquiredConns()), "in_use")
	gauge(c.now, float64(s.IdleConns()), "idle")
	gauge(c.now, float64(s.ConstructingConns()), "opening")
	gauge(c.most, float64(s.MaxConns()))
	counter(c.acquires, float64(s.AcquireCount()))
	counter(c.waited, float64(s.EmptyAcquireCount()))
	counter(c.cancelled, float64(s.CanceledAcquireCount()))
	counter(c.waiting, s.EmptyAcquireWaitTime().Seconds())
}

// countUnreadable counts events that this program cannot decode, by who reads them:
// the projections, which park them, and the directory, which refuses whom they are
// about.
func countUnreadable(registry prometheus.Registerer) *prometheus.CounterVec {
	unreadable := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: metricsPrefix + "events_unreadable_total", Help: "Readings of events that this program cannot decode, by reader.",
	}, []string{"reader"})
	registry.MustRegister(unreadable)
	return unreadable
}

// outages are the codes of answers for which operators can do something.
func outages() []string {
	codes := httpapi.Outages()
	for _, e := range []*failure.Failure{
		eventstore.ErrUnavailable, eventstore.ErrOutcomeUnknown, failure.ErrStorageFull, failure.ErrStorageReadOnly,
		directory.ErrBehind, identity.ErrIssuerUnavailable, commands.ErrPaymentsUnavailable, commands.ErrInspectionBusy, commands.ErrContended,
	} {
		codes = append(codes, e.Code)
	}
	return codes
}

// measure registers the metrics of the process itself.
func (a *App) measure() error {
	for _, c := range []prometheus.Collector{newVitals(a), newConnections(a.db.pool)} {
		if err := a.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}
