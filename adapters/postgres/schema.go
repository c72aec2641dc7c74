package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Schema compares the migrations that a database has with those of a program, and
// changes nothing. Pending are those that Migrate would apply, and unknown those that
// only a newer program has.
func Schema(ctx context.Context, pool *pgxpool.Pool, files fs.FS, versionTable string) (pending, unknown []int64, err error) {
	known, err := versionsOf(files)
	if err != nil {
		return nil, nil, err
	}
	applied, err := appliedVersions(ctx, pool, versionTable)
	if err != nil {
		return nil, nil, fmt.Errorf("read the migrations of the database: %w", err)
	}
	missing := func(from []int64) func(int64) bool {
		return func(v int64) bool { return !slices.Contains(from, v) }
	}
	return filter(known, missing(applied)), filter(applied, missing(known)), nil
}

// appliedVersions are none where no server has begun.
func appliedVersions(ctx context.Context, pool *pgxpool.Pool, versionTable string) ([]int64, error) {
	rows, err := pool.Query(ctx, "SELECT version_id FROM "+pgx.Identifier{versionTable}.Sanitize()+
		" WHERE version_id > 0 GROUP BY version_id HAVING (array_agg(is_applied ORDER BY id DESC))[1] ORDER BY version_id")
	var applied []int64
	if err == nil {
		applied, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == undefinedTable {
		return nil, nil
	}
	return applied, err
}

// undefinedTable is the SQLSTATE of a table that does not exist.
const undefinedTable = "42P01"

// versionsOf are the numbers at the beginning of the names of migrations.
func versionsOf(files fs.FS) ([]int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var versions []int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the migration %s has no number", name)
		}
		versions = append(versions, version)
	}
	return versions, nil
}

func filter(all []int64, keep func(int64) bool) []int64 {
	var kept []int64
	for _, v := range all {
		if keep(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
