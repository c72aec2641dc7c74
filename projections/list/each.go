package list

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"
)

// Each yields all items that a request selects, in its order, whatever their
// number: its page and limit do not matter. It reads them piece by piece, each
// from where the one before ended, so that it holds few in memory and no
// connection between two pieces. Items that are added meanwhile come if they are
// after the piece read last. It ends with the first error.
func (s Source[T]) Each(ctx context.Context, db DB, r Request) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r.Page, r.Limit = 0, MaxLimit
		for {
			q, err := s.plan(r)
			if err != nil {
				yield(*new(T), err)
				return
			}
			page := Page[T]{}
			batch := &pgx.Batch{}
			batch.Queue("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
			s.readItems(batch, q, &page)
			if err := db.SendBatch(ctx, batch).Close(); err != nil {
				yield(*new(T), fmt.Errorf("read a list: %w", err))
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			r.Cursor = page.NextCursor
		}
	}
}
