package sandbox

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Chaos spoils the delivery of webhooks. The shares are from 0 to 1; the zero
// value spoils nothing.
type Chaos struct {
	// Duplicates is the share of events that are sent twice.
	Duplicates float64
	// Drops is the share of events that are never sent. They are in the list of
	// events all the same.
	Drops float64
	// Delay is the longest time that a delivery is put off, at random: events
	// overtake each other by it.
	Delay time.Duration
	// Seed makes the same choices again.
	Seed uint64
}

// dice makes the choices.
type dice struct {
	Chaos
	mu     sync.Mutex
	random *rand.Rand
}

func newDice(c Chaos) *dice {
	return &dice{Chaos: c, random: rand.New(rand.NewPCG(c.Seed, 1))} //nolint:gosec // Nothing secret is made of it.
}

// deliveries is after which time each delivery of an event is due.
func (d *dice) deliveries() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 1
	switch {
	case d.random.Float64() < d.Drops:
		n = 0
	case d.random.Float64() < d.Duplicates:
		n = 2
	}
	after := make([]time.Duration, n)
	for i := range after {
		if d.Delay > 0 {
			after[i] = time.Duration(d.random.Int64N(int64(d.Delay)))
		}
	}
	return after
}
