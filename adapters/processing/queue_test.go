package processing_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
)

// What a caller waits for comes before what none waits for, and an organization's share
// before what is beyond that of another.
func TestPriorities(t *testing.T) {
	t.Parallel()
	order := []int{
		processing.Priority(true, false), processing.Priority(true, true),
		processing.Priority(false, false), processing.Priority(false, true),
	}
	if !slices.Equal(order, []int{1, 2, 3, 4}) {
		t.Errorf("got %v", order)
	}
}

// enqueue puts an operation that no file knows into the queue.
func (w *workshop) enqueue(organization id.Organization, async bool) id.Job {
	w.Helper()
	o := commands.QueuedOperation{OrganizationID: organization, FileID: newID[id.File](w.T), JobID: newID[id.Job](w.T), Async: async}
	if err := w.Enqueue(w.Context(), o); err != nil {
		w.Fatal(err)
	}
	return o.JobID
}

func held(w *workshop) int {
	w.Helper()
	return query[int](w, "SELECT count(*) FROM file_jobs WHERE queued_at IS NULL AND ended_at IS NULL")
}

// However many come at once, an organization has its share in the queue and one more.
// Each that ends lets in the next one, those with a waiting caller first.
func TestOrganizationsShareTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, func(c *processing.Config) { c.Share = 2 })
	many, few := newID[id.Organization](t), newID[id.Organization](t)
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() { w.enqueue(many, true) })
	}
	all.Wait()
	if n := len(w.queued()); n != 3 || held(w) != 9 {
		t.Fatalf("%d are queued and %d held back", n, held(w))
	}
	// Another organization is before all that is beyond the share.
	other := w.enqueue(few, true)
	if queue := w.queued(); queue[2] != other {
		t.Errorf("%s is not third in %v", other, queue)
	}
	urgent := w.enqueue(many, false)
	if slices.Contains(w.queued(), urgent) {
		t.Error("an operation beyond the share is in the queue")
	}
	// That a caller waits for it is told later, too.
	if err := w.Stop(t.Context(), w.queued()[0], position(1)); err != nil {
		t.Fatal(err)
	}
	if queue := w.queued(); len(queue) != 4 || !slices.Contains(queue, urgent) {
		t.Errorf("%s was not let in: %v", urgent, queue)
	}
	for range 20 {
		queue := w.queued()
		if len(queue) == 0 {
			break
		}
		if err := w.Stop(t.Context(), queue[0], position(1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.queued()); n != 0 || held(w) != 0 {
		t.Errorf("%d are queued and %d held back after all were stopped", n, held(w))
	}
}

// Workers note the end of an operation before the queue notes that of the job. What
// comes in between is let in: nothing else would do so later.
func TestWhatComesWhileJobsEndIsLetIn(t *testing.T) {
	t.Parallel()
	ending, goOn := make(chan id.Job, 2), make(chan struct{})
	w := newWorkshop(t, func(c *processing.Config) {
		c.Observe = func(ctx context.Context, _ string, a processing.Attempt) (context.Context, func(error)) {
			return ctx, func(error) {
				select {
				case ending <- a.JobID: // Of the first two.
					<-goOn
				default:
				}
			}
		}
	})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	w.work()
	for range 2 { // The share and one more.
		w.ask(w.upload())
	}
	w.eventually("both attempts are over", func() bool { return len(ending) == 2 })
	if n := query[int](w, "SELECT count(*) FROM jobs.river_job WHERE state = 'running'"); n != 2 {
		t.Fatalf("the queue has noted the ends: %d jobs are running", n)
	}
	of := w.upload()
	late := w.ask(of)
	if n := held(w); n != 0 {
		t.Errorf("%d operations are held back, and nothing is under way that would let them in", n)
	}
	release()
	if o := w.ended(of, late.Work.JobID); o.Done.Tokens != 10 {
		t.Errorf("the late one is %+v", o)
	}
}

// A process that ends before it has let in the next one leaves that to the clock.
func TestHeldOperationsAreLetInByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	organization := newID[id.Organization](t)
	for range 3 {
		w.enqueue(organization, false)
	}
	if _, err := w.store.Pool.Exec(t.Context(), "UPDATE file_jobs SET ended_at = now() WHERE queued_at IS NOT NULL"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reconcile(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := held(w); n != 0 {
		t.Errorf("%d are held back", n)
	}
}

// Which operations an organization has in the queue is found by indexes, however many
// are held back.
func TestTheQueueIsReadByIndexes(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	if _, err := w.store.Pool.Exec(t.Context(), `INSERT INTO file_jobs (job_id, file_id, organization_id, async, queued_at)
		SELECT 'job_' || i, 'file_' || i, 'org_' || i % 3, true, CASE WHEN i < 10 THEN now() END FROM generate_series(1, 30000) i`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Pool.Exec(t.Context(), "ANALYZE file_jobs"); err != nil {
		t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"those in the queue": `SELECT count(*) FROM file_jobs WHERE organization_id = 'org_1' AND queued_at IS NOT NULL
			AND worked_at IS NULL AND ended_at IS NULL`,
		"the next ones": `SELECT job_id FROM file_jobs WHERE organization_id = 'org_1' AND queued_at IS NULL AND ended_at IS NULL
			ORDER BY async, inserted_at, job_id LIMIT 2`,
	} {
		plan := query[[]map[string]any](w, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+sql)
		root, _ := plan[0]["Plan"].(map[string]any)
		hit, _ := root["Shared Hit Blocks"].(float64)
		read, _ := root["Shared Read Blocks"].(float64)
		if hit+read > 20 {
			t.Errorf("%s: %v blocks were read: %v", what, hit+read, plan)
		}
	}
}
