package processing_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

func position(n uint64) event.Position { return event.Position{Commit: n, Prepare: n} }

// A worker that is cut off anywhere leaves the operation to the next attempt. It is
// charged once.
func TestAttemptsThatAreCutOff(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"started", "completed"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			var cut atomic.Int64
			w.OnStep(func(_ context.Context, name string) error {
				if name == at && cut.Add(1) == 1 {
					return errors.New("cut off")
				}
				return nil
			})
			w.work()
			of := w.upload()
			asked := w.ask(of)
			if o := w.ended(of, asked.Work.JobID); o.Phase != file.Completed || o.Done.Tokens != 10 || cut.Load() == 0 {
				t.Errorf("it is %+v after %d cuts", o, cut.Load())
			}
			w.wantBalance(90, 0)
			w.wantObjects(3) // The original, the result and its record.
		})
	}
}

// The store does not answer whether the end of an operation was recorded. It was: the
// result stays, and the operation is charged once.
func TestAnEndWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	var lost atomic.Int64
	once := func(e event.Event) bool {
		_, ends := e.(file.Remediated)
		return ends && lost.Add(1) == 1
	}
	w.answers.lose.Store(&once)
	w.work()
	of := w.upload()
	asked := w.ask(of)
	if o := w.ended(of, asked.Work.JobID); o.Phase != file.Completed || o.Done.Tokens != 10 || lost.Load() != 1 {
		t.Errorf("it is %+v, and %d answers were lost", o, lost.Load())
	}
	w.eventually("it is charged", func() bool {
		rows, err := w.store.Pool.Query(t.Context(), "SELECT FROM eventnode.events WHERE type = 'TokensCaptured'")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		return rows.Next()
	})
	w.wantBalance(90, 0)
	w.wantObjects(3) // The original, the result and its record.
}

// jobOf is the job of the only operation, as operators see it.
func (w *workshop) jobOf() jobs.Record {
	w.Helper()
	all, err := w.queue.List(w.Context(), jobs.Query{})
	if err != nil || len(all) == 0 {
		w.Fatalf("%d jobs: %v", len(all), err)
	}
	return all[len(all)-1]
}

// A worker whose job was discarded, or taken over, while it was frozen can neither
// complete nor charge, and leaves no object. What is left is ended by the clock.
func TestWorkersThatLostTheirJob(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"discarded":  `UPDATE jobs.river_job SET state = 'discarded', finalized_at = now()`,
		"taken over": `UPDATE jobs.river_job SET metadata = metadata || jsonb_build_object('fence', nextval('jobs.fences'))`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			frozen, thaw := make(chan struct{}), make(chan struct{})
			w.press.set(func(context.Context, documents.Source, *os.File) error {
				close(frozen)
				<-thaw
				return nil
			})
			stop := w.work()
			of := w.upload()
			asked := w.ask(of)
			<-frozen
			if _, err := w.store.Pool.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			close(thaw)
			stop()
			if o := w.operation(of, asked.Work.JobID); o.Phase != file.Running {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(90, 10)
			w.wantObjects(1)
			w.lostNow(of, asked)
			if _, err := w.store.Pool.Exec(t.Context(), `UPDATE jobs.river_job SET state = 'discarded', finalized_at = now()`); err != nil {
				t.Fatal(err)
			}
			if err := w.Reconcile(t.Context(), time.Now().Add(5*time.Minute)); err != nil {
				t.Fatal(err)
			}
			if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.OperationLost {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(100, 0)
		})
	}
}

// lostNow has the read model list an operation as not ended.
func (w *workshop) lostNow(of id.File, o file.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = append(w.lost, files.Job{
		ID: o.Work.JobID, FileID: of, OrganizationID: w.owner.OrganizationID, Kind: o.Kind, Deadline: o.Work.Deadline, RequestedAt: o.RequestedAt,
	})
}

// A row that cannot be decoded fails at once, and harms no other.
func TestAJobThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"arguments": `UPDATE jobs.river_job SET args = '{"organizationId": 7}'`,
		"of others": `UPDATE jobs.river_job SET args = '[]'`,
		"metadata":  `UPDATE jobs.river_job SET metadata = '{"key": []}'`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t, func(c *processing.Config) { c.Share = 2 })
			bad := w.upload()
			asked := w.ask(bad)
			if _, err := w.store.Pool.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			fine := w.upload()
			other := w.ask(fine)
			w.work()
			if o := w.ended(fine, other.Work.JobID); o.Phase != file.Completed {
				t.Errorf("another one is %+v", o)
			}
			w.eventually("the job has failed", func() bool { return w.jobOf().State == jobs.StateFailed })
			if j := w.jobOf(); j.Attempt != 1 {
				t.Errorf("it was tried %d times", j.Attempt)
			}
			w.lostNow(bad, asked)
			waited := make(chan error, 1)
			go func() { _, err := w.Wait(t.Context(), asked.Work.JobID); waited <- err }()
			if err := w.Reconcile(t.Context(), time.Now().Add(5*time.Minute)); err != nil {
				t.Fatal(err)
			}
			if err := <-waited; err != nil {
				t.Errorf("a caller who waits is told %v", err)
			}
			if o := w.operation(bad, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.OperationLost {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(90, 0)
			w.wantObjects(4) // Two originals, and one result with its record.
		})
	}
}

// A cancelled operation is interrupted in the middle, costs nothing, and leaves
// nothing, also when those who have to be told are just reconnecting.
func TestCancelWhileRunning(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		name := map[bool]string{false: "told", true: "reconnecting"}[deaf]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			running, interrupted := make(chan struct{}), make(chan struct{})
			w.press.set(func(ctx context.Context, _ documents.Source, out *os.File) error {
				_, _ = out.WriteString("the first half") // It is never read.
				close(running)
				<-ctx.Done()
				close(interrupted)
				return ctx.Err()
			})
			w.work()
			of := w.upload()
			asked := w.ask(of)
			waited := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			go func() { _, err := w.Wait(ctx, asked.Work.JobID); waited <- err }()
			<-running
			if deaf {
				// All that listen lose their connection, and have not come back when it is told.
				if _, err := w.store.Pool.Exec(ctx, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
					WHERE datname = current_database() AND query LIKE 'LISTEN%'`); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.do.CancelOperation(ctx, w.request(w.owner), commands.CancelOperation{FileID: of, JobID: asked.Work.JobID}); err != nil {
				t.Fatal(err)
			}
			if err := <-waited; err != nil {
				t.Errorf("a caller who waits is told %v", err)
			}
			select {
			case <-interrupted:
			case <-ctx.Done():
				t.Fatal("the work is not interrupted")
			}
			w.eventually("the job has ended", func() bool { return w.jobOf().State == jobs.StateCancelled })
			if o := w.operation(of, asked.Work.JobID); o.Phase != file.Cancelled || o.Done.Tokens != 0 {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(100, 0)
			w.wantObjects(1)
		})
	}
}

// A cancelled operation that the worker completes in the same moment is cancelled.
func TestCancelAtTheLastMoment(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	var of id.File
	var asked file.Operation
	ready := make(chan struct{})
	w.press.set(func(ctx context.Context, _ documents.Source, _ *os.File) error {
		<-ready
		_, err := w.do.CancelOperation(context.WithoutCancel(ctx), w.request(w.owner), commands.CancelOperation{FileID: of, JobID: asked.Work.JobID})
		return err
	})
	of = w.upload()
	asked = w.ask(of)
	close(ready)
	w.work()
	if o := w.ended(of, asked.Work.JobID); o.Phase != file.Cancelled {
		t.Errorf("it is %+v", o)
	}
	w.eventually("the attempt is over", func() bool { return w.jobOf().State.Ended() })
	w.wantBalance(100, 0)
	w.wantObjects(1)
}

// Without space for the result, or for its record, an operation ends with a sentence,
// costs nothing and leaves nothing. The next one is fine.
func TestAFullStore(t *testing.T) {
	t.Parallel()
	for _, ending := range []string{".json", ".pdf"} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			w.work()
			of := w.upload()
			w.stock.fillUp(func(object string) error {
				if strings.HasSuffix(object, ending) {
					return failure.ErrStorageFull
				}
				return nil
			})
			asked := w.ask(of)
			if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.StorageFull {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(100, 0)
			w.wantObjects(1)
			w.stock.fillUp(nil)
			again := w.ask(of)
			if o := w.ended(of, again.Work.JobID); o.Phase != file.Completed {
				t.Errorf("with space it is %+v", o)
			}
			w.wantBalance(90, 0)
			w.wantObjects(3)
		})
	}
}

// Whatever the engine says, an operation ends with one sentence, costs nothing and
// leaves nothing.
func TestEnginesThatFail(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.work()
	cost := int64(0)
	for problem, want := range map[documents.Problem]file.Reason{
		documents.Unsupported: file.DocumentUnsupported, documents.Damaged: file.DocumentUnreadable, documents.Encrypted: file.DocumentEncrypted,
		documents.Protected: file.DocumentProtected, documents.TooLarge: file.DocumentTooLarge, documents.TooSlow: file.DocumentTooSlow,
		documents.Crashed: file.EngineFailed, "a new one": file.EngineFailed,
	} {
		w.press.set(func(context.Context, documents.Source, *os.File) error {
			return &documents.FileError{Problem: problem, Message: "A sentence."}
		})
		of := w.upload()
		asked := w.ask(of)
		o := w.ended(of, asked.Work.JobID)
		if o.Phase != file.Broken || o.Reason != want {
			t.Errorf("%s: it is %+v", problem, o)
		}
		if said := o.Message.Reveal(); want.AboutDocument() != (said == "A sentence.") {
			t.Errorf("%s: it says %q", problem, said)
		}
		cost += o.Done.Tokens
	}
	w.wantBalance(100, 0)
	if cost != 0 {
		t.Errorf("it cost %d", cost)
	}
	w.wantObjects(8) // The originals.
}

// An object that was deleted behind our back is said to be gone.
func TestAnObjectThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	of := w.upload()
	asked := w.ask(of)
	if _, _, err := w.stock.DeleteAll(t.Context(), commands.FilesPrefix); err != nil {
		t.Fatal(err)
	}
	w.work()
	if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.ContentMissing {
		t.Errorf("it is %+v", o)
	}
	w.wantBalance(100, 0)
	w.wantObjects(0)
}

// An outage is tried again; when it outlasts all attempts, the operation ends.
func TestOutages(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	of := w.upload()
	asked := w.ask(of)
	// The attempts before were spent.
	if _, err := w.store.Pool.Exec(t.Context(), "UPDATE jobs.river_job SET attempt = max_attempts - 2"); err != nil {
		t.Fatal(err)
	}
	var tried atomic.Int64
	w.press.set(func(context.Context, documents.Source, *os.File) error {
		tried.Add(1)
		return errors.New("a disk is away")
	})
	w.work()
	if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.OperationLost || tried.Load() != 2 {
		t.Errorf("after %d attempts it is %+v", tried.Load(), o)
	}
	w.wantBalance(100, 0)
	w.wantObjects(1)
}

// How far an operation is can be read meanwhile.
func TestProgress(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	goOn := make(chan struct{})
	w.press.set(func(_ context.Context, source documents.Source, _ *os.File) error {
		source.Progress(1, 2)
		<-goOn
		return nil
	})
	w.work()
	of := w.upload()
	asked := w.ask(of)
	progress := func(name id.Job) processing.Progress {
		p, err := w.Progress(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	w.eventually("the progress is told", func() bool { return progress(asked.Work.JobID).Done == 1 })
	if p := progress(asked.Work.JobID); p.Total != 2 || p.Ended || p.Held {
		t.Errorf("in the middle: %+v", p)
	}
	close(goOn)
	w.ended(of, asked.Work.JobID)
	if p := progress(asked.Work.JobID); !p.Ended || p.Position.IsZero() {
		t.Errorf("at the end: %+v", p)
	}
	if p := progress(newID[id.Job](t)); p != (processing.Progress{}) {
		t.Errorf("of an unknown operation: %+v", p)
	}
	// It is forgotten in the end.
	if err := w.Reconcile(t.Context(), time.Now().Add(8*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := query[int](w, "SELECT count(*) FROM file_jobs"); n != 0 {
		t.Errorf("%d operations are remembered", n)
	}
}

// What ended just when its process did is finished by the clock.
func TestEndsThatWereNotNoted(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	of := w.upload()
	asked := w.ask(of)
	_, err := w.do.FailOperation(t.Context(), w.request(access.ByPolicy("worker", w.owner.OrganizationID, access.WorkOnFiles)),
		commands.FailOperation{FileID: of, JobID: asked.Work.JobID, Outcome: file.Outcome{Reason: file.EngineFailed}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Pool.Exec(t.Context(), "UPDATE jobs.river_job SET state = 'completed', finalized_at = now()"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reconcile(t.Context(), time.Now().Add(5*time.Minute)); err != nil {
		t.Fatal(err)
	}
	w.ended(of, asked.Work.JobID)
	w.wantBalance(100, 0)
}

// An operation whose time is over ends, whether a worker has it or not.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	of := w.upload()
	asked := w.ask(of)
	w.lostNow(of, asked)
	if err := w.Reconcile(t.Context(), asked.Work.Deadline); err != nil {
		t.Fatal(err)
	}
	if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.OperationTimedOut {
		t.Errorf("it is %+v", o)
	}
	w.wantBalance(100, 0)
	if n := len(w.queued()); n != 0 {
		t.Errorf("%d jobs are in the queue", n)
	}
}

// What a request was traced by reaches the attempt, and the events that it leads to,
// also through the policy and for what was held back.
func TestTracesReachTheWorker(t *testing.T) {
	t.Parallel()
	type seen struct {
		parent string
		err    error
	}
	var mu sync.Mutex
	attempts := map[id.Job]seen{}
	type key struct{}
	w := newWorkshop(t, func(c *processing.Config) {
		c.Observe = func(ctx context.Context, parent string, a processing.Attempt) (context.Context, func(error)) {
			if a.Number != 1 || a.FileID == "" || a.Waited < 0 {
				t.Errorf("the attempt is %+v", a)
			}
			return context.WithValue(ctx, key{}, "below "+parent), func(err error) {
				mu.Lock()
				defer mu.Unlock()
				attempts[a.JobID] = seen{parent, err}
			}
		}
		c.TraceParent = func(ctx context.Context) string {
			below, _ := ctx.Value(key{}).(string)
			return below
		}
	})
	var asked []file.Operation
	var of []id.File
	for _, parent := range []string{"one", "two", "three"} { // The third one is held back.
		of = append(of, w.upload())
		asked = append(asked, w.ask(of[len(of)-1], func(r *commands.Request, _ *commands.RequestOperation) { r.TraceParent = parent }))
	}
	// The policy does the same as the request; what was there stays.
	policy := w.request(access.ByPolicy("enqueue", w.owner.OrganizationID, access.WorkOnFiles))
	policy.TraceParent = "policy"
	again := commands.EnqueueOperation{OrganizationID: w.owner.OrganizationID, FileID: of[2], JobID: asked[2].Work.JobID}
	if _, err := w.do.EnqueueOperation(t.Context(), policy, again); err != nil {
		t.Fatal(err)
	}
	// And it is the first where the request was cut off.
	lost := commands.EnqueueOperation{OrganizationID: newID[id.Organization](t), FileID: newID[id.File](t), JobID: newID[id.Job](t)}
	if _, err := w.do.EnqueueOperation(t.Context(), policy, lost); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.eventually("all attempts are over", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(attempts) == 4
	})
	mu.Lock()
	defer mu.Unlock()
	for i, parent := range []string{"one", "two", "three"} {
		if got := attempts[asked[i].Work.JobID]; got.parent != parent || got.err != nil {
			t.Errorf("the attempt of request %q is %+v", parent, got)
		}
		if got := w.traced(of[i]); !slices.Equal(got, []string{parent, "below " + parent, "below " + parent}) {
			t.Errorf("the events of request %q are traced by %q", parent, got)
		}
	}
	if got := attempts[lost.JobID]; got.parent != "policy" || got.err == nil {
		t.Errorf("the attempt of the policy is %+v", got)
	}
}

// traced are the trace parents of the events of a file that have one.
func (w *workshop) traced(of id.File) (parents []string) {
	w.Helper()
	for recorded, err := range w.store.Streams.Events(w.Context(), file.Aggregate.Stream(of)) {
		if err != nil {
			w.Fatal(err)
		}
		if recorded.Metadata.TraceParent != "" {
			parents = append(parents, recorded.Metadata.TraceParent)
		}
	}
	return parents
}
