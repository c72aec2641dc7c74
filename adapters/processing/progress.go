package processing

import (
	"context"
	"sync"
	"time"
)

// progressInterval is how often progress is written down.
const progressInterval = 300 * time.Millisecond

// teller writes down the progress of an attempt, beside it.
type teller struct {
	mu          sync.Mutex
	done, total int
	changed     bool
	end         context.CancelFunc
	ended       sync.WaitGroup
}

func (a attempt) tell(ctx context.Context) *teller {
	ctx, cancel := context.WithCancel(ctx)
	t := &teller{end: cancel}
	t.ended.Go(func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if done, total, changed := t.take(); changed {
				// An error shows elsewhere: progress is for people.
				_, _ = a.Pool.Exec(ctx, "UPDATE file_jobs SET pages_done = $2, pages_total = $3 WHERE job_id = $1", string(a.args.JobID), done, total)
			}
		}
	})
	return t
}

// progress is told by the engine.
func (t *teller) progress(done, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = t.changed || done != t.done || total != t.total
	t.done, t.total = done, total
}

func (t *teller) take() (done, total int, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed, t.changed = t.changed, false
	return t.done, t.total, changed
}

func (t *teller) stop() {
	t.end()
	t.ended.Wait()
}
