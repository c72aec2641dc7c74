package processing

import (
	"context"
	"slices"
	"sync"

	"github.com/perfectworks/backend/domain/id"
)

// places bound how many documents are worked on at once. More attempts than there are
// places may be under way: while documents are worked on, others are fetched, and the
// ends of others are recorded. A place that becomes free is for the organization that
// has the fewest, and of those that are equal for the attempt that came first.
type places struct {
	mu      sync.Mutex
	free    int
	taken   map[id.Organization]int
	waiting []*placeWaiter
}

type placeWaiter struct {
	organization id.Organization
	granted      chan struct{}
}

func newPlaces(n int) *places { return &places{free: n, taken: map[id.Organization]int{}} }

// take waits for a place, which is taken until leave is called, once. Its error is the
// context's.
func (p *places) take(ctx context.Context, organization id.Organization) (leave func(), err error) {
	w := &placeWaiter{organization, make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.grant()
	p.mu.Unlock()
	select {
	case <-w.granted:
		return func() { p.leave(organization) }, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else { // It was granted at the last moment.
		p.release(organization)
	}
	return nil, ctx.Err()
}

func (p *places) leave(organization id.Organization) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(organization)
}

func (p *places) release(organization id.Organization) {
	p.free++
	if p.taken[organization]--; p.taken[organization] == 0 {
		delete(p.taken, organization)
	}
	p.grant()
}

// grant gives free places to those that wait.
func (p *places) grant() {
	for p.free > 0 && len(p.waiting) > 0 {
		next := 0
		for i, w := range p.waiting {
			if p.taken[w.organization] < p.taken[p.waiting[next].organization] {
				next = i
			}
		}
		w := p.waiting[next]
		p.waiting = slices.Delete(p.waiting, next, next+1)
		p.free--
		p.taken[w.organization]++
		close(w.granted)
	}
}
