package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Migrate applies the SQL migrations of files that versionTable does not list
// yet, each in a transaction of its own. Servers that start at once take turns
// by an advisory lock of the session, so pool must not go through a pooler that
// shares sessions. A set without any migration is no error.
func Migrate(ctx context.Context, pool *pgxpool.Pool, files fs.FS, versionTable string) error {
	if err := migrate(ctx, pool, files, versionTable); err != nil {
		return fmt.Errorf("migrate the database (%s): %w", versionTable, err)
	}
	return nil
}

func migrate(ctx context.Context, pool *pgxpool.Pool, files fs.FS, versionTable string) (err error) {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()

	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(versionTable),
		goose.WithSessionLocker(advisoryLock(crc32.ChecksumIEEE([]byte(versionTable)))),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// advisoryLock is a goose session locker. The one that comes with goose asks
// once a second at most, which would cost every second server that second.
type advisoryLock int64

// SessionLock asks again and again instead of waiting in the database: a waiting
// session holds a snapshot, on which CREATE INDEX CONCURRENTLY of the lock's
// owner would wait in turn.
func (id advisoryLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(id)).Scan(&locked); err != nil {
			return fmt.Errorf("take the migration lock: %w", err)
		}
		if locked {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the migration lock: %w", ctx.Err())
		case <-retry.C:
		}
	}
}

// SessionUnlock releases the lock.
func (id advisoryLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(id)); err != nil {
		return fmt.Errorf("release the migration lock: %w", err)
	}
	return nil
}
