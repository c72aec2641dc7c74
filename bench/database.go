package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
)

const urlVariable = "PERFECTWORKS_TEST_DATABASE_URL"

// freshDatabase creates a database of its own for one benchmark. The caller
// calls drop.
func freshDatabase(ctx context.Context) (databaseURL string, drop func() error, err error) {
	server, err := url.Parse(os.Getenv(urlVariable))
	if err != nil || server.Host == "" {
		return "", nil, errors.New(urlVariable + " names no Postgres: run make bench")
	}
	name := pgx.Identifier{"bench_" + strings.ToLower(rand.Text())}
	if err := onServer(ctx, server.String(), "CREATE DATABASE "+name.Sanitize()); err != nil {
		return "", nil, err
	}
	own := *server
	own.Path = "/" + name[0]
	return own.String(), func() error {
		return onServer(context.WithoutCancel(ctx), server.String(), "DROP DATABASE "+name.Sanitize()+" WITH (FORCE)")
	}, nil
}

func onServer(ctx context.Context, server, statement string) (err error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// withDatabase runs a benchmark on a database of its own.
func withDatabase(ctx context.Context, connections int, run func(*pgxpool.Pool) error) (err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	pool, err := postgres.Open(ctx, databaseURL, postgres.Options{MaxConns: connections})
	if err != nil {
		return err
	}
	defer pool.Close()
	return run(pool)
}
