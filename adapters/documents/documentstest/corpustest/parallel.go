package corpustest

import (
	"context"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// inParallel makes one result for each name, in the order of the names, as many at a time as there are processors.
func inParallel[V, R any](ctx context.Context, of map[string]V, do func(context.Context, string, V) (R, error)) ([]R, error) {
	names := slices.Sorted(maps.Keys(of))
	out := make([]R, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, name := range names {
		group.Go(func() error {
			var err error
			out[i], err = do(ctx, name, of[name])
			return err
		})
	}
	return out, group.Wait()
}
