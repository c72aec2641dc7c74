package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is what a number of workers got done.
type load struct {
	PerSecond float64
	Latencies []time.Duration
}

// drive lets workers repeat an operation for a time, after a tenth of it to
// warm up that is not counted. Each worker has its number; the first error
// ends all.
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
				if started.After(begin) {
					latencies[w] = append(latencies[w], time.Since(started))
					done.Add(1)
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return load{}, err
	}
	result := load{PerSecond: float64(done.Load()) / lasting.Seconds()}
	for _, l := range latencies {
		result.Latencies = append(result.Latencies, l...)
	}
	return result, nil
}
