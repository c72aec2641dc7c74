package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/perfectworks/backend/adapters/postgres/notices"
)

// Schema is the Postgres schema of the queue's tables.
const Schema = "jobs"

// Config is what a Client needs.
type Config struct {
	// Pool is the database, with the migrations of migrations.App applied. Its
	// sessions are its own: a pooler that shares them loses notifications.
	Pool *pgxpool.Pool
	// Process names this process in the table of processes, where it beats while
	// Run works jobs.
	Process uuid.UUID
	// Kinds are all kinds of jobs: those that are only inserted here, too.
	Kinds []Kind
	// Periodic is the work that is due by the clock.
	Periodic []Periodic
	// Workers is how many jobs of each queue this process works at once; 10 for
	// a queue that is not named.
	Workers map[string]int

	Logger *slog.Logger
	// Registerer, when set, gets the metrics of all jobs.
	Registerer prometheus.Registerer

	// Stop is how long Run lets jobs go on after its context has ended, before
	// it interrupts them; 20 s when zero.
	Stop time.Duration
	// Rescue is how often jobs of dead processes are looked for; 3 s when zero.
	Rescue time.Duration
	// Watch is how often a worker makes sure that its jobs are still its own; 1 s
	// when zero.
	Watch time.Duration
	// KeepCompleted is how long completed jobs can be looked up; 24 h when zero.
	KeepCompleted time.Duration
}

// Client inserts, works and looks after jobs. It is safe for concurrent use.
type Client struct {
	config  Config
	kinds   map[string]Kind
	river   *river.Client[pgx.Tx]
	waiters notices.Waiters[uuid.UUID]
	recheck time.Duration
	metrics *metrics
	running running
}

// New checks the kinds. It does not ask the database, and works nothing before
// Run.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	config.Kinds = slices.Clone(config.Kinds)
	for _, p := range config.Periodic {
		config.Kinds = append(config.Kinds, p.kind(config.Pool))
	}
	c := &Client{config: config, kinds: map[string]Kind{}, recheck: defaultRecheck}
	c.metrics = newMetrics(c)
	workers := river.NewWorkers()
	queues := map[string]river.QueueConfig{}
	for _, k := range config.Kinds {
		if err := k.check(); err != nil {
			return nil, err
		}
		if err := k.add(workers); err != nil {
			return nil, fmt.Errorf("jobs of kind %q: %w", k.name, err)
		}
		c.kinds[k.name] = k
		queues[k.queue] = river.QueueConfig{MaxWorkers: config.workers(k.queue)}
	}
	periodic := make([]*river.PeriodicJob, len(config.Periodic))
	for i, p := range config.Periodic {
		periodic[i] = p.river()
	}
	var err error
	c.river, err = river.NewClient(riverpgxv5.New(config.Pool), &river.Config{
		ID: config.Process.String(), Schema: Schema, Logger: quiet(config.Logger),
		Workers: workers, Queues: queues, PeriodicJobs: periodic,
		Middleware: []rivertype.Middleware{&middleware{client: c}},
		// A release that does not know a kind leaves it to one that does.
		FetchOnlyKnownKinds: true,
		FetchCooldown:       fetchCooldown,
		RetryPolicy:         retryPolicy{},
		SoftStopTimeout:     config.Stop,
		// What failed is kept until somebody decides about it.
		DiscardedJobRetentionPeriod: -1,
		CompletedJobRetentionPeriod: config.KeepCompleted,
		// River finds stuck jobs by their age, which says nothing while their
		// process beats: rescuer finds them by their process.
		RescueStuckJobsAfter: neverRescued,
	})
	if err != nil {
		return nil, fmt.Errorf("make the queue of jobs: %w", err)
	}
	if config.Registerer != nil {
		if err := config.Registerer.Register(c.metrics); err != nil {
			return nil, fmt.Errorf("register the metrics of jobs: %w", err)
		}
	}
	return c, nil
}

const (
	// fetchCooldown is how long workers gather insertions before they fetch.
	fetchCooldown = 10 * time.Millisecond
	neverRescued  = 10 * 365 * 24 * time.Hour
	// defaultWorkers is for a queue without a number of its own.
	defaultWorkers = 10
)

func (c Config) withDefaults() Config {
	setDefault(&c.Stop, 20*time.Second)
	setDefault(&c.Rescue, 3*time.Second)
	setDefault(&c.Watch, time.Second)
	setDefault(&c.KeepCompleted, 24*time.Hour)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) workers(queue string) int {
	if n := c.Workers[queue]; n > 0 {
		return n
	}
	return defaultWorkers
}

// Kinds are all kinds that the client knows, the periodic ones included.
func (c *Client) Kinds() []Kind { return c.config.Kinds }

// Insertion is a job on its way into the queue.
type Insertion struct {
	Args Args
	// Key is the name by which others can wait for the job; it may be zero. It
	// does not make the job the only one of its name.
	Key uuid.UUID
	// At is when the job is due; zero says at once.
	At time.Time
	// Priority is from 1, which is first, to 4; that of the kind when zero.
	Priority int
	// TraceParent is the W3C trace parent of the request that the job is for; it may
	// be empty.
	TraceParent string
}

// Insert puts jobs into the queue, with the transaction: when it commits, they
// are there, and when it does not, they never were.
func (c *Client) Insert(ctx context.Context, tx pgx.Tx, jobs ...Insertion) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		kind, known := c.kinds[job.Args.Kind()]
		if !known {
			return fmt.Errorf("insert a job: there is no kind %q", job.Args.Kind())
		}
		options := kind.insert
		options.ScheduledAt = job.At
		setDefault(&job.Priority, options.Priority)
		options.Priority = job.Priority
		if job.Key != uuid.Nil || job.TraceParent != "" {
			m := metadata{TraceParent: job.TraceParent}
			if job.Key != uuid.Nil {
				m.Key = job.Key.String()
			}
			var err error
			if options.Metadata, err = json.Marshal(m); err != nil {
				return fmt.Errorf("insert a job: %w", err)
			}
		}
		params[i] = river.InsertManyParams{Args: job.Args, InsertOpts: &options}
	}
	if _, err := c.river.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return nil
}

// Run works jobs until ctx ends. Then it takes up no more, lets those under way
// go on for Config.Stop, interrupts the others, which other workers take up at
// once, and returns. While the database does not answer at the start, it waits.
func (c *Client) Run(ctx context.Context) error {
	outlasting := context.WithoutCancel(ctx)
	for {
		// It is stopped by Stop alone.
		err := c.river.Start(outlasting)
		if err == nil {
			break
		}
		c.config.Logger.WarnContext(ctx, "jobs cannot be worked yet", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(startPause):
		}
	}
	var beside sync.WaitGroup
	besideCtx, stopBeside := context.WithCancel(outlasting)
	beside.Go(func() { c.rescue(besideCtx) })
	beside.Go(func() { c.watch(besideCtx) })
	defer beside.Wait()
	defer stopBeside()
	<-ctx.Done()
	stopCtx, cancel := context.WithTimeout(outlasting, c.config.Stop+interruptTime)
	defer cancel()
	if err := c.river.Stop(stopCtx); err != nil {
		// A job that ignores its context ends with the process, and is taken up
		// by others once that does not beat any more.
		return errors.Join(errors.New("jobs did not stop in time"), err)
	}
	return nil
}

const (
	startPause = time.Second
	// interruptTime is what interrupted jobs have to return in.
	interruptTime = 5 * time.Second
)

// quiet makes River's reports of its own running debug records, but for what
// went wrong.
func quiet(logger *slog.Logger) *slog.Logger {
	return slog.New(quietHandler{logger.Handler()})
}

type quietHandler struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, lowered(level))
}

// Handle implements slog.Handler.
func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}

func lowered(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
