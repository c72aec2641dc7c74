package postgrestest_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

func TestNewGivesADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for range 2 {
		pool := postgrestest.New(t)
		if _, err := pool.Exec(ctx, "CREATE TABLE things (id int)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithMigrations(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"00001_things.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id int);\n")}}
	for range 5 {
		pool := postgrestest.New(t, postgrestest.WithMigrations(files, "versions"))
		var n int
		if err := pool.QueryRow(context.Background(), "SELECT count(*) FROM things").Scan(&n); err != nil || n != 0 {
			t.Fatal(n, err)
		}
	}
}
