// Package processing carries out the operations on files: it queues them fairly,
// has workers carry them out in child processes, and tells those who wait of their end.
//
// # Queue
//
// Of each organization only its share of operations is in the queue of jobs, and one
// more, which comes after the first ones of all others. The rest are held back, in the
// table file_jobs. So an organization that comes while another has thousands of
// operations waits only for what is worked on just now. An operation whose document was
// worked on lets the next one of its organization in.
//
// # Work
//
// A process works on a bounded number of documents at once, each in a child process.
// More jobs are under way than that, so that the processors never wait for a disk or
// for the log: documents are fetched, and ends are recorded, while others are worked
// on. A place that becomes free is for the organization that has the fewest.
//
// A worker begins an operation with the fence of its lease, which the file
// remembers. What it makes it writes to keys that have the fence in them. The end is
// recorded while the lease is held in a transaction, and the file refuses the fence
// of a worker that was replaced: such a worker deletes what it wrote, and has
// charged nothing.
package processing

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/postgres/notices"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

// Engine works on documents.
type Engine interface {
	Analyze(ctx context.Context, source documents.Source) (*documents.Report, error)
	Process(ctx context.Context, source documents.Source, out *os.File) (*documents.Outcome, error)
	Convert(ctx context.Context, source documents.Source, to documents.Format, out *os.File) (*documents.Outcome, error)
	Capabilities() documents.Capabilities
}

// Counter tells how long documents are.
type Counter interface {
	Count(ctx context.Context, source documents.Source) (*documents.Count, error)
}

// Config is what a Service needs.
type Config struct {
	Pool      *pgxpool.Pool
	Objects   commands.Objects
	Documents Engine
	Counter   Counter
	Files     files.Queries
	Logger    *slog.Logger
	// Registerer, when set, gets the metrics.
	Registerer prometheus.Registerer
	// Folder is where documents lie while they are worked on; that of the system when
	// empty.
	Folder string
	// Workers is how many documents this process works on at once; 1 when zero.
	Workers int
	// Share is how many operations of one organization are in the queue of jobs, in all
	// processes, beside the next one and those of which only the end is being recorded;
	// 1 when zero.
	Share int
	// Inspection bounds how long the count of a document may take, with the time that
	// it waits for its turn; 20 s when zero.
	Inspection time.Duration
	// Observe, when set, sees each attempt begin, and returns what ends the
	// observation: a span below the trace parent of the request, for example.
	Observe func(ctx context.Context, traceParent string, w Attempt) (context.Context, func(error))
	// Stored, when set, counts all files that are not deleted, and their bytes, for the
	// metrics.
	Stored func(context.Context) (files, bytes int64, err error)
	// TraceParent, when set, returns the W3C trace parent of a context, for the events
	// that the work leads to.
	TraceParent func(context.Context) string
}

// Attempt is what is known of an attempt at an operation when it begins.
type Attempt struct {
	JobID  id.Job
	FileID id.File
	// Number counts from 1.
	Number int
	// Waited is the time since the job came into the queue, earlier attempts included.
	Waited time.Duration
}

// Service carries out operations. It is safe for concurrent use.
type Service struct {
	Config
	engine   string
	queue    *jobs.Client
	commands *commands.Commands
	waiters  notices.Waiters[id.Job]
	metrics  *metrics
	places   *places
	// completing bounds the attempts that record their end at once: each keeps a
	// connection for its lease, and needs others meanwhile.
	completing chan struct{}
	// step is told of each step of the work; tests cut it off there.
	step func(ctx context.Context, name string) error
}

var (
	_ commands.OperationQueue = (*Service)(nil)
	_ commands.Documents      = (*Service)(nil)
)

// New returns a service, which Use completes.
func New(c Config) (*Service, error) {
	c.Workers, c.Share = max(1, c.Workers), max(1, c.Share)
	c.Inspection = cmp.Or(c.Inspection, 20*time.Second)
	s := &Service{
		Config: c, engine: engineName(c.Documents.Capabilities()),
		step:   func(context.Context, string) error { return nil },
		places: newPlaces(c.Workers), completing: make(chan struct{}, max(1, int(c.Pool.Config().MaxConns)/3)),
	}
	if s.Observe == nil {
		s.Observe = func(ctx context.Context, _ string, _ Attempt) (context.Context, func(error)) {
			return ctx, func(error) {}
		}
	}
	if s.TraceParent == nil {
		s.TraceParent = func(context.Context) string { return "" }
	}
	s.metrics = newMetrics(s)
	if c.Registerer != nil {
		if err := c.Registerer.Register(s.metrics); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Use gives the service the queue and the commands, which need the service.
func (s *Service) Use(queue *jobs.Client, do *commands.Commands) { s.queue, s.commands = queue, do }

// Queue is the queue of the jobs of this package.
const Queue = "documents"

// args are those of the job of an operation.
type args struct {
	OrganizationID id.Organization `json:"organizationId"`
	FileID         id.File         `json:"fileId"`
	JobID          id.Job          `json:"jobId"`
}

// Kind implements jobs.Args.
func (args) Kind() string { return kind }

const (
	kind = "work-on-file"
	// workTimeout bounds an attempt: fetching, the work, and storing the result.
	workTimeout = 15 * time.Minute
	maxAttempts = 5
)

// JobWorkers is how many jobs of Queue a process has to work at once so that so many
// documents are always worked on: while they are, others are fetched, and the ends of
// others are recorded. DefaultShare is the Share by which one organization can keep
// all of them busy, and yet leaves two workers to others.
func JobWorkers(documents int) int { return 3*documents + 2 }

// DefaultShare is described with JobWorkers.
func DefaultShare(documents int) int { return JobWorkers(documents) - 3 }

// Kinds are the kinds of jobs of this package.
func (s *Service) Kinds() []jobs.Kind {
	return []jobs.Kind{jobs.On(args{}, jobs.Options{Queue: Queue, Timeout: workTimeout, MaxAttempts: maxAttempts}, s.work)}
}

// keyOf is the key of the job of an operation.
func keyOf(name id.Job) uuid.UUID {
	key, _ := id.UUID(name) // Ids of this program are well formed.
	return key
}

// policy is the actor of what workers record.
const policy = "work-on-files"

// namespace is for the ids of the commands of workers.
var namespace = uuid.MustParse("5e7a8f0a-93c1-5c68-9d3e-4b6f0a1c2d3e")

// request is that of a command of a worker. Each is recognised by the state of the
// file, so that it may be repeated.
func (s *Service) request(ctx context.Context, organization id.Organization, name id.Job, step string, now time.Time) commands.Request {
	return commands.Request{
		ID:  event.ID(uuid.NewSHA1(namespace, []byte(string(name)+"/"+step+"/"+now.Format(time.RFC3339Nano)))),
		Now: now.UTC(), Principal: access.ByPolicy(policy, organization, access.WorkOnFiles), CorrelationID: string(name),
		TraceParent: s.TraceParent(ctx),
	}
}
