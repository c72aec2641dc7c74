package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Reader runs queries on a pool, for tables that may be replaced by others of
// the same name. Each connection has prepared its statements for the columns
// that the tables had, and Postgres refuses them once a column is of another
// type; Reader then repeats the query. It is for reads only, outside of
// transactions, and safe for concurrent use.
type Reader struct{ pool *pgxpool.Pool }

// NewReader returns a reader on a pool, which stays the caller's.
func NewReader(pool *pgxpool.Pool) *Reader { return &Reader{pool} }

// attempts is how often a query is tried: any connection of the pool may still
// have the old statement, once.
func (r *Reader) attempts() int { return int(r.pool.Config().MaxConns) + 1 }

// Query is like that of the pool. It has already waited for the first row.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	for attempt := 1; ; attempt++ {
		rows, err := r.pool.Query(ctx, sql, args...)
		if err != nil {
			if stale(err) && attempt < r.attempts() {
				continue
			}
			return rows, err
		}
		first := rows.Next()
		if !first && stale(rows.Err()) && attempt < r.attempts() {
			continue
		}
		return &begun{Rows: rows, first: first}, nil
	}
}

// SendBatch is like that of the pool. Only what the batch's own functions read,
// in Close, is repeated; they may be called again from the first one on.
func (r *Reader) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	again := func() pgx.BatchResults {
		fresh := &pgx.Batch{} // One that was sent remembers its prepared statements.
		for _, q := range b.QueuedQueries {
			fresh.Queue(q.SQL, q.Arguments...).Fn = q.Fn
		}
		return r.pool.SendBatch(ctx, fresh)
	}
	return &repeated{BatchResults: r.pool.SendBatch(ctx, b), again: again, left: r.attempts() - 1}
}

// begun is rows of which the first call of Next was made before.
type begun struct {
	pgx.Rows
	first, passed bool
}

func (b *begun) Next() bool {
	if !b.passed {
		b.passed = true
		return b.first
	}
	return b.Rows.Next()
}

type repeated struct {
	pgx.BatchResults
	again func() pgx.BatchResults
	left  int
}

func (r *repeated) Close() error {
	for {
		err := r.BatchResults.Close()
		if !stale(err) || r.left == 0 {
			return err
		}
		r.left--
		r.BatchResults = r.again()
	}
}

// stale tells whether a prepared statement is older than its tables. The code
// stands for whatever is not supported, so the text has to tell.
func stale(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "0A000" && strings.Contains(pgErr.Routine, "RevalidateCachedQuery")
}
