package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

type reads interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

const readerQuery = "SELECT n FROM live.t WHERE id = $1"

func readOne(ctx context.Context, db reads) error {
	rows, err := db.Query(ctx, readerQuery, 1)
	if err != nil {
		return err
	}
	_, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	return err
}

func readBatch(ctx context.Context, db reads) error {
	b := &pgx.Batch{}
	for range 2 {
		b.Queue(readerQuery, 1).QueryRow(func(row pgx.Row) error {
			var n int64
			return row.Scan(&n)
		})
	}
	return db.SendBatch(ctx, b).Close()
}

// A replaced table whose column is of another type fails no read, on whatever
// connection.
func TestReaderOutlivesReplacedTables(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(context.Context, reads) error{"query": readOne, "batch": readBatch} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			pool, err := postgres.Open(ctx, postgrestest.URL(t), postgres.Options{MaxConns: 4})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			reader := postgres.NewReader(pool)
			execSQL(t, pool, `CREATE SCHEMA live; CREATE TABLE live.t (id integer, n integer); INSERT INTO live.t VALUES (1, 1);
				CREATE SCHEMA next; CREATE TABLE next.t (id integer, n bigint); INSERT INTO next.t VALUES (1, 2)`)
			swap := func() {
				execSQL(t, pool, "BEGIN; ALTER SCHEMA live RENAME TO former; ALTER SCHEMA next RENAME TO live; ALTER SCHEMA former RENAME TO next; COMMIT")
			}
			onEach(t, pool, func(conn *pgxpool.Conn) error { return read(ctx, conn) })
			swap()
			if err := read(ctx, pool); err == nil || !strings.Contains(err.Error(), "0A000") {
				t.Errorf("without the reader: %v; the test shows nothing", err)
			}
			for range 3 {
				for range 8 {
					if err := read(ctx, reader); err != nil {
						t.Errorf("read: %v", err)
					}
				}
				onEach(t, pool, func(conn *pgxpool.Conn) error { _ = read(ctx, conn); return read(ctx, conn) })
				swap()
			}
		})
	}
}

// onEach runs something on each connection of a pool.
func onEach(t *testing.T, pool *pgxpool.Pool, do func(*pgxpool.Conn) error) {
	t.Helper()
	for range pool.Config().MaxConns {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		if err := do(conn); err != nil {
			t.Fatal(err)
		}
	}
}

func execSQL(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

// What fails for another reason fails at once, and what succeeds is whole.
func TestReaderIsLikeThePool(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	reader := postgres.NewReader(postgrestest.New(t))
	if rows, err := reader.Query(ctx, "SELECT 1 / 0"); err == nil {
		if _, err := pgx.CollectRows(rows, pgx.RowTo[int]); err == nil || !strings.Contains(err.Error(), "22012") {
			t.Errorf("an error: %v", err)
		}
	}
	rows, err := reader.Query(ctx, "SELECT generate_series(1, $1::int)", 5)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || len(all) != 5 || all[0] != 1 {
		t.Errorf("rows: %v, %v", all, err)
	}
	rows, err = reader.Query(ctx, "SELECT 1 WHERE false")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || len(all) != 0 {
		t.Errorf("no rows: %v, %v", all, err)
	}
}
