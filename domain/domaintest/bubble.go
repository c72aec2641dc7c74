package domaintest

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// Bubble runs f as synctest.Test does: on a fake clock that moves when all of
// f's goroutines wait. While a bubble runs, all goroutines of the test's
// process share one processor: under the race detector of Go 1.26, two timers
// of a bubble that fire on two processors at once damage the detector's stack,
// and the process dies (https://go.dev/issue/78156). Several bubbles may run
// at once.
func Bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	oneProcessor.enter()
	defer oneProcessor.leave()
	synctest.Test(t, f)
}

var oneProcessor processors

// processors counts the bubbles, and remembers how many processors there were
// before the first.
type processors struct {
	sync.Mutex
	bubbles, before int
}

func (p *processors) enter() {
	p.Lock()
	defer p.Unlock()
	if p.bubbles == 0 {
		p.before = runtime.GOMAXPROCS(1)
	}
	p.bubbles++
}

func (p *processors) leave() {
	p.Lock()
	defer p.Unlock()
	p.bubbles--
	if p.bubbles == 0 {
		runtime.GOMAXPROCS(p.before)
	}
}
