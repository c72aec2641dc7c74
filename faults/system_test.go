package faults

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/migrations"
)

// zones are the time zones that processes are started in: east, west, with halves
// and quarters of hours, and with daylight saving time.
var zones = []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "Asia/Kathmandu", "Europe/Berlin"}

// system is one installation under test: its processes, its data, and the load on
// it.
type system struct {
	t       *testing.T
	choices *rand.Rand
	report  *report
	program string
	// data is the folder that all processes share.
	data string
	// settings are those of all processes and tools. The first two name the database
	// and, if it is not empty, the event store.
	settings []string
	// db leads to the database, log to that of the event log.
	db, log *pgxpool.Pool

	// mayFail says that operations on documents may fail, as on a full disk.
	mayFail bool

	processes []*process
	// zones are the time zones of the processes, of which the first is by chance.
	zones     []string
	firstZone int
	load      *load
	// counted are the goroutines of each process, with so many read models as it
	// projects, when it was first at rest.
	counted map[string]int
}

// place says where a system is to be.
type place struct {
	// databaseURL and eventStoreURL are as in the settings; logURL is the database of
	// the event log, that of the system when empty.
	databaseURL, eventStoreURL, logURL string
	// directURL leads to the database past what may stand before it; databaseURL when
	// empty.
	directURL string
	// data is the data folder, a new one when empty; program is what is run.
	data, program string
	settings      []string
}

// newDatabase creates a database on the server that the tests share, with the
// tables of the system in it.
func newDatabase(t *testing.T) string {
	t.Helper()
	return postgrestest.URL(t,
		postgrestest.WithMigrations(migrations.App, migrations.AppTable),
		postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
}

// newSystem prepares a system and starts nothing.
func newSystem(t *testing.T, r *report, at place) *system {
	t.Helper()
	if at.program == "" {
		at.program = program
	}
	if at.data == "" {
		at.data = t.TempDir()
	}
	if at.directURL == "" {
		at.directURL = at.databaseURL
	}
	s := &system{
		t: t, choices: choices(t), report: r, program: at.program, data: at.data, counted: map[string]int{},
		settings: append([]string{
			"DATABASE_URL=" + at.databaseURL, "EVENTSTORE_URL=" + at.eventStoreURL,
			"PERFECTWORKS_ADMIN_ADDR=127.0.0.1:0", "PERFECTWORKS_SANDBOX_ADDR=127.0.0.1:0", "LOG_LEVEL=info", "LOG_FORMAT=json",
			// The load is that of few people.
			"PERFECTWORKS_REQUESTS_PER_CALLER=1000000", "PERFECTWORKS_REQUESTS_PER_ORGANIZATION=1000000", "PERFECTWORKS_REQUESTS_PER_ADDRESS=1000000",
			"PERFECTWORKS_MAX_API_KEYS=100000", "PERFECTWORKS_CLICK_JUDGE=1s", "PERFECTWORKS_WELCOME_TOKENS=100000000", "DOCUMENTS_ENGINES=embedded", "PERFECTWORKS_DOCUMENT_WORKERS=2",
		}, at.settings...),
	}
	s.firstZone = s.choices.IntN(len(zones))
	if at.directURL != "" {
		s.connect(at.directURL)
	}
	if at.logURL != "" {
		s.log = openPool(t, at.logURL)
	}
	s.load = newLoad(s)
	t.Cleanup(func() {
		s.load.end()
		for _, p := range s.processes {
			p.discard()
		}
	})
	return s
}

// connect looks into the database of the system, with the event log in it.
func (s *system) connect(url string) {
	s.t.Helper()
	s.db = openPool(s.t, url)
	s.log = s.db
}

// openPool opens a pool that does not connect before it is used.
func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// add prepares a process of a role, in a time zone of its own.
func (s *system) add(name string, role app.Role, settings ...string) *process {
	s.t.Helper()
	zone := zones[(s.firstZone+len(s.processes))%len(zones)]
	s.zones = append(s.zones, zone)
	p := &process{
		t: s.t, name: name, program: s.program, log: logFile(s.t, name),
		args:     []string{"serve", "--addr", "127.0.0.1:0", "--data", s.data, "--role", string(role)},
		settings: append(append([]string{"TZ=" + zone}, s.settings...), settings...),
	}
	p.api.Store("")
	s.processes = append(s.processes, p)
	return p
}

// start starts all processes that do not run, side by side.
func (s *system) start() {
	s.t.Helper()
	for _, p := range s.processes {
		if !p.runs() {
			p.launch()
		}
	}
	for _, p := range s.processes {
		p.awaitReady()
	}
	// Some policies begin with what happens after their first run.
	eventually(s.t, "all policies run", func() bool {
		const begun = "SELECT count(*) FROM policy.checkpoints"
		return int(s.number(s.db, begun)) == len(policies.All())
	})
}

// stop ends all processes by SIGTERM and looks at what they said.
func (s *system) stop() {
	s.t.Helper()
	for _, p := range s.processes {
		p.stop()
		p.checkLog()
	}
}

// api is the address of a process that serves the API, empty while none does.
func (s *system) api(n int) string {
	var serving []string
	for _, p := range s.processes {
		if at, _ := p.api.Load().(string); at != "" {
			serving = append(serving, at)
		}
	}
	if len(serving) == 0 {
		return ""
	}
	return serving[n%len(serving)]
}

// owner is the process that projects most of the read models.
func (s *system) owner() (owner *process) {
	s.t.Helper()
	eventually(s.t, "a process projects the read models", func() bool {
		most := 0
		for _, p := range s.processes {
			if n := p.owned(); n > most {
				most, owner = n, p
			}
		}
		return owner != nil
	})
	return owner
}

// appSettings are the settings as a tool of this process takes them.
func (s *system) appSettings() app.Settings {
	setting := func(name string) string {
		value := ""
		for _, line := range s.settings {
			if text, found := strings.CutPrefix(line, name+"="); found {
				value = text
			}
		}
		return value
	}
	return app.Settings{
		Environment: app.Development, Data: s.data, DatabaseURL: setting("DATABASE_URL"), EventStoreURL: setting("EVENTSTORE_URL"),
	}
}

// pause lets time pass: how long a fault lasts is no condition to wait for.
func (s *system) pause(least, most time.Duration) {
	time.Sleep(least + time.Duration(s.choices.Int64N(int64(most-least)+1)))
}

// newCluster starts a Postgres of a test's own, with other settings than those of
// data that may be lost.
func newCluster(t *testing.T, change func(*postgres.ClusterConfig)) *postgres.Cluster {
	t.Helper()
	config := postgres.ClusterConfig{
		Dir: postgres.ScratchDir("perfectworks-faults-"), Logger: slog.New(slog.DiscardHandler),
		Settings: postgres.FastSettings(), Ephemeral: true,
	}
	if change != nil {
		change(&config)
	}
	cluster, err := postgres.StartCluster(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cluster
}
