package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// slice is how long one side is measured before the other has its turn: what else
// the machine does, and how warm it is, then counts for both.
const slice = 500 * time.Millisecond

// load is what a side got done.
type load struct {
	Count     int
	Took      time.Duration
	Latencies []time.Duration
}

func (l load) perSecond() float64 { return float64(l.Count) / l.Took.Seconds() }

func (l *load) add(other load) {
	l.Count += other.Count
	l.Took += other.Took
	l.Latencies = append(l.Latencies, other.Latencies...)
}

// side is one slice of what is measured, or of its limit.
type side func(ctx context.Context) (load, error)

// comparison is a measurement beside its limit.
type comparison struct {
	measured, limit load
	// ratios are those of the single rounds, sorted.
	ratios []float64
}

// ratio is what all slices together make.
func (c comparison) ratio() float64 { return c.measured.perSecond() / c.limit.perSecond() }

// compare measures both sides in turn for a number of rounds, after one that is
// not counted. In every other round the limit comes last, so that a machine that
// gets slower is not held against either.
func compare(ctx context.Context, rounds int, measured, limit side) (comparison, error) {
	var c comparison
	for round := range rounds + 1 {
		order := []side{limit, measured}
		if round%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		var loads [2]load
		for i, s := range order {
			var err error
			if loads[i], err = s(ctx); err != nil {
				return comparison{}, err
			}
		}
		if round%2 == 1 {
			loads[0], loads[1] = loads[1], loads[0]
		}
		if round == 0 {
			continue
		}
		c.limit.add(loads[0])
		c.measured.add(loads[1])
		c.ratios = append(c.ratios, loads[1].perSecond()/loads[0].perSecond())
	}
	slices.Sort(c.ratios)
	return c, nil
}

// driven is a side on which workers repeat an operation. Each worker has its
// number; the first error ends all.
func driven(workers int, operation func(ctx context.Context, worker int) error) side {
	return drivenFor(workers, slice, operation)
}

// drivenFor is driven with slices of another length: for operations that take long, of
// which a usual slice would count none but the shortest.
func drivenFor(workers int, lasting time.Duration, operation func(ctx context.Context, worker int) error) side {
	return func(ctx context.Context) (load, error) { return drive(ctx, workers, lasting, operation) }
}

// drive lets workers repeat an operation for a time, after a tenth of it to get
// going that is not counted. What was begun in time and ends later is not counted
// either.
func drive(ctx context.Context, workers int, lasting time.Duration, operation func(ctx context.Context, worker int) error) (load, error) {
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now().Add(lasting / 10)
	end := begin.Add(lasting)
	latencies := make([][]time.Duration, workers)
	var done atomic.Int64
	for w := range workers {
		group.Go(func() error {
			for {
				started := time.Now()
				if started.After(end) {
					return nil
				}
				if err := operation(ctx, w); err != nil {
					return err
				}
				if now := time.Now(); now.After(begin) && now.Before(end) {
					latencies[w] = append(latencies[w], now.Sub(started))
					done.Add(1)
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return load{}, err
	}
	return load{Count: int(done.Load()), Took: lasting, Latencies: slices.Concat(latencies...)}, nil
}
