// Package admission decides when a request may work. A process has a bounded
// number of places, of which one caller and one organization can have only some;
// when all are taken, those who wait are served in turn by caller, so that
// a caller with many requests waits for its own. A request that only waits for
// something else, such as a job, leaves its place meanwhile.
package admission

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// Limits bound what is under way. The zero value of each means the default.
type Limits struct {
	// Working is how many requests may work at once: 16 for each processor.
	Working int
	// PerOrganization and PerCaller are how many of these one organization and
	// one caller may have: three quarters, and half.
	PerOrganization int
	PerCaller       int
	// Queued is how many requests may wait for a place, and QueuedPerCaller how
	// many of one caller: 16 times as many as may work, and 4 times.
	Queued          int
	QueuedPerCaller int
	// Patience bounds how long they wait: a second.
	Patience time.Duration
	// Paused is how many requests of one caller may be under way without a place:
	// 100.
	Paused int
}

const (
	minWorking      = 32
	defaultPatience = time.Second
	defaultPaused   = 100
)

func (l Limits) withDefaults() Limits {
	fill := func(n *int, by int) {
		if *n == 0 {
			*n = by
		}
	}
	fill(&l.Working, max(minWorking, 16*runtime.GOMAXPROCS(0)))
	fill(&l.PerOrganization, max(1, l.Working*3/4))
	fill(&l.PerCaller, max(1, l.Working/2))
	fill(&l.Queued, 16*l.Working)
	fill(&l.QueuedPerCaller, 4*l.Working)
	fill(&l.Paused, defaultPaused)
	if l.Patience == 0 {
		l.Patience = defaultPatience
	}
	return l
}

// The refusals of Enter and Pause.
var (
	// ErrCallerBusy says that the caller, or their organization, has too much
	// under way.
	ErrCallerBusy = errors.New("too many requests of the caller are under way")
	// ErrBusy says that all callers together have too much under way.
	ErrBusy = errors.New("too many requests are under way")
)

// Gate gives the places of a process. It is safe for concurrent use.
type Gate struct {
	limits Limits

	mu            sync.Mutex
	working       int
	queued        int
	callers       map[string]*party
	organizations map[string]int
	// turns are the callers with requests that wait, in the order in which they
	// are served.
	turns list.List
}

// party is what one caller has under way.
type party struct {
	name    string
	working int
	// paused are those that Pause counts, and yielded those that it does not.
	paused, yielded int
	waiting         list.List // of *Place
	turn            *list.Element
}

// New returns a gate with all places free.
func New(limits Limits) *Gate {
	return &Gate{limits: limits.withDefaults(), callers: map[string]*party{}, organizations: map[string]int{}}
}

// Place is the right of one request to work. It belongs to the request's
// goroutine.
type Place struct {
	gate         *Gate
	party        *party
	organization string
	granted      chan struct{}
	queued       *list.Element
	has          bool
	// paused says that the request is without a place for now, and yielded that Yield
	// did so.
	paused, yielded bool
}

// Enter waits for a place, for a bounded time. Its error is ErrCallerBusy or
// ErrBusy, or that of ctx. The organization may be empty. The caller of Enter
// calls Leave.
func (g *Gate) Enter(ctx context.Context, caller, organization string) (*Place, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.callers[caller]
	if c == nil {
		c = &party{name: caller}
		g.callers[caller] = c
	}
	p := &Place{gate: g, party: c, organization: organization}
	switch {
	case c.waiting.Len() == 0 && g.free(p):
		g.grant(p)
		return p, nil
	case c.waiting.Len() >= g.limits.QueuedPerCaller:
		return nil, ErrCallerBusy
	case g.queued >= g.limits.Queued:
		g.forget(c)
		return nil, ErrBusy
	}
	if err := g.wait(ctx, p, g.limits.Patience); err != nil {
		return nil, err
	}
	return p, nil
}

// free tells whether there is a place for a request.
func (g *Gate) free(p *Place) bool { return g.working < g.limits.Working && !g.own(p) }

// own tells whether it is the caller's own doing, or their organization's, that
// there is none.
func (g *Gate) own(p *Place) bool {
	return p.party.working >= g.limits.PerCaller ||
		p.organization != "" && g.organizations[p.organization] >= g.limits.PerOrganization
}

func (g *Gate) grant(p *Place) {
	p.has = true
	g.working++
	p.party.working++
	if p.organization != "" {
		g.organizations[p.organization]++
	}
}

// wait waits for a place, with the lock held before and after; without a bound
// when patience is zero.
func (g *Gate) wait(ctx context.Context, p *Place, patience time.Duration) error {
	p.granted = make(chan struct{})
	p.queued = p.party.waiting.PushBack(p)
	g.queued++
	if p.party.turn == nil {
		p.party.turn = g.turns.PushBack(p.party)
	}
	var late <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	g.mu.Unlock()
	var err error
	select {
	case <-p.granted:
	case <-late:
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	if p.has {
		return nil // Also when it came at the last moment.
	}
	if errors.Is(err, ErrBusy) && g.own(p) {
		err = ErrCallerBusy
	}
	g.unqueue(p)
	g.forget(p.party)
	return err
}

// unqueue takes a request out of those that wait.
func (g *Gate) unqueue(p *Place) {
	p.party.waiting.Remove(p.queued)
	p.queued = nil
	g.queued--
	if p.party.waiting.Len() == 0 {
		g.turns.Remove(p.party.turn)
		p.party.turn = nil
	}
}

// serve gives free places to those that wait, one to each caller in turn.
func (g *Gate) serve() {
	for e := g.turns.Front(); e != nil && g.working < g.limits.Working; {
		c := e.Value.(*party)                 //nolint:forcetypeassert // It holds nothing else.
		p := c.waiting.Front().Value.(*Place) //nolint:forcetypeassert // It holds nothing else.
		next := e.Next()
		if !g.own(p) {
			g.unqueue(p)
			g.grant(p)
			close(p.granted)
			if c.turn != nil {
				g.turns.MoveToBack(c.turn)
				if next == nil {
					next = c.turn // It is its turn again.
				}
			}
		}
		e = next
	}
}

// release gives a place back.
func (g *Gate) release(p *Place) {
	p.has = false
	g.working--
	p.party.working--
	if p.organization != "" {
		if g.organizations[p.organization]--; g.organizations[p.organization] == 0 {
			delete(g.organizations, p.organization)
		}
	}
	g.serve()
}

// forget keeps nothing of callers that have nothing under way.
func (g *Gate) forget(c *party) {
	if g.callers[c.name] == c && c.working == 0 && c.paused == 0 && c.yielded == 0 && c.waiting.Len() == 0 {
		delete(g.callers, c.name)
	}
}

// Leave gives the place back for good. It may be called twice.
func (p *Place) Leave() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.unpause()
	if p.has {
		p.gate.release(p)
	}
	p.gate.forget(p.party)
}

// unpause takes the request out of those without a place.
func (p *Place) unpause() {
	switch {
	case !p.paused:
	case p.yielded:
		p.party.yielded--
	default:
		p.party.paused--
	}
	p.paused, p.yielded = false, false
}

// Pause leaves the place while the request only waits for something. Its error
// is ErrCallerBusy when the caller has too many such requests; the request then
// keeps its place.
func (p *Place) Pause() error {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if p.paused || !p.has {
		return nil
	}
	if p.party.paused >= p.gate.limits.Paused {
		return ErrCallerBusy
	}
	p.paused = true
	p.party.paused++
	p.gate.release(p)
	return nil
}

// Yield is Pause for a request that something else bounds: it is not counted among
// those of Pause, and is never refused.
func (p *Place) Yield() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if p.paused || !p.has {
		return
	}
	p.paused, p.yielded = true, true
	p.party.yielded++
	p.gate.release(p)
}

// Resume waits for a place again, until ctx ends: what was waited for is there,
// and is not to be lost.
func (p *Place) Resume(ctx context.Context) error {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if !p.paused {
		return nil
	}
	if p.gate.free(p) {
		p.gate.grant(p)
	} else if err := p.gate.wait(ctx, p, 0); err != nil {
		return err
	}
	p.unpause()
	return nil
}
