package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// closeTimeout bounds an orderly goodbye on a connection.
const closeTimeout = 5 * time.Second

// Migrate applies the SQL migrations of files that versionTable does not list
// yet, each in a transaction of its own. Servers that start at once take turns
// by an advisory lock of a session, so pool must not go through a pooler that
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
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := lockMigrations(ctx, pool, versionTable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeConn(ctx, lock)) }()
	_, err = provider.Up(ctx)
	return err
}

// lockMigrations returns a connection that holds the lock until it is closed.
// Goose's own session lock begins after goose created its table, and lets
// servers that meet there wait for a second.
func lockMigrations(ctx context.Context, pool *pgxpool.Pool, versionTable string) (_ *pgx.Conn, err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect for the migration lock: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeConn(ctx, conn))
		}
	}()
	id := int64(crc32.ChecksumIEEE([]byte(versionTable)))
	for {
		// A session that waited in the database would hold a snapshot, on which
		// CREATE INDEX CONCURRENTLY of the lock's owner would wait in turn.
		var locked bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", id).Scan(&locked); err != nil {
			return nil, fmt.Errorf("take the migration lock: %w", err)
		}
		if locked {
			return conn, nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, fmt.Errorf("wait for the migration lock: %w", ctx.Err())
		}
	}
}

// closeConn says goodbye also when ctx ended.
func closeConn(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return conn.Close(ctx)
}
