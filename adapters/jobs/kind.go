package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// Args are a job's arguments: a struct of ids, stored as JSON. Kind names the
// kind of job and must never change: jobs of it may be in the queue.
type Args = river.JobArgs

// Job is one job as it is worked.
type Job[A Args] struct {
	Args A
	// Key is the name by which others wait for the job; zero when it has none.
	Key   uuid.UUID
	Lease Lease
	// Attempt counts from 1.
	Attempt int
	// CreatedAt is when the job was inserted, in UTC: the same in each attempt.
	CreatedAt time.Time
	// TraceParent is that of the Insertion.
	TraceParent string
}

// Kind is a sort of job: its arguments, and what works it.
type Kind struct {
	name    string
	args    reflect.Type
	queue   string
	insert  river.InsertOpts
	timeout time.Duration
	add     func(*river.Workers) error
	// decodes returns nil for arguments that a worker of the kind can read.
	decodes func(args []byte) error
}

// Name is what the jobs are stored under.
func (k Kind) Name() string { return k.name }

// Args is the type of the arguments.
func (k Kind) Args() reflect.Type { return k.args }

// Queue is the queue that the jobs wait in.
func (k Kind) Queue() string { return k.queue }

// Options are how a kind of job is worked. The zero value is for short work.
type Options struct {
	// Queue has its own number of workers, so that long work does not hold up
	// short work; DefaultQueue when empty.
	Queue string
	// Timeout bounds an attempt; a minute when zero.
	Timeout time.Duration
	// MaxAttempts is how often a job is tried before it has failed; 30 when
	// zero, which is most of a day.
	MaxAttempts int
	// Priority is from 1, which is first, to 4; 1 when zero.
	Priority int
}

// The defaults of Options.
const (
	DefaultQueue       = river.QueueDefault
	defaultTimeout     = time.Minute
	defaultMaxAttempts = 30
)

// On is the kind of job that zero names, worked by work. An error is tried
// again, later each time, unless it is a refusal by the domain or Final.
func On[A Args](zero A, options Options, work func(context.Context, Job[A]) error) Kind {
	setDefault(&options.Timeout, defaultTimeout)
	setDefault(&options.MaxAttempts, defaultMaxAttempts)
	setDefault(&options.Priority, 1)
	if options.Queue == "" {
		options.Queue = DefaultQueue
	}
	return Kind{
		name: zero.Kind(), args: reflect.TypeFor[A](), queue: options.Queue, timeout: options.Timeout,
		insert:  river.InsertOpts{MaxAttempts: options.MaxAttempts, Priority: options.Priority, Queue: options.Queue},
		decodes: func(args []byte) error { return json.Unmarshal(args, new(A)) },
		add: func(workers *river.Workers) (err error) {
			defer func() {
				if p := recover(); p != nil { // Two kinds of one name, for example.
					err = fmt.Errorf("%v", p)
				}
			}()
			river.AddWorkerArgs(workers, zero, &worker[A]{work: work, timeout: options.Timeout})
			return nil
		},
	}
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

func (k Kind) check() error {
	if err := checkArgs(k.args); err != nil {
		return fmt.Errorf("jobs of kind %q: %w", k.name, err)
	}
	return nil
}

// worker is the work of a kind as River calls it.
type worker[A Args] struct {
	river.WorkerDefaults[A]
	work    func(context.Context, Job[A]) error
	timeout time.Duration
}

// Timeout implements river.Worker.
func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return w.timeout }

// Work implements river.Worker.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	m, err := readMetadata(job.Metadata)
	if err != nil {
		return err
	}
	key, _ := uuid.Parse(m.Key) // Absent when no caller waits by it.
	return w.work(ctx, Job[A]{
		Args: job.Args, Key: key, Lease: Lease{JobID: job.ID, Fence: m.Fence},
		Attempt: job.Attempt, CreatedAt: job.CreatedAt.UTC(), TraceParent: m.TraceParent,
	})
}
