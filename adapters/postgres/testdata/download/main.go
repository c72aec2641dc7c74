// Command download starts a cluster with programs from a repository, prints the
// version of its server, and stops it. The test of downloads runs it: with the
// race detector in the test itself, unpacking takes a minute.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres"
)

func main() {
	dir := flag.String("dir", "", "folder of the cluster")
	cache := flag.String("cache", "", "folder of the programs")
	repository := flag.String("repository", "", "where to fetch them; empty is the usual one")
	flag.Parse()
	if err := run(context.Background(), *dir, *cache, *repository); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, cache, repository string) (err error) {
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterConfig{
		Dir:      dir,
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Settings: postgres.FastSettings(),
		BinDirs:  []string{},
		Download: postgres.Download{Dir: cache, RepositoryURL: repository},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop(ctx)) }()
	conn, err := pgx.Connect(ctx, cluster.URL())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var version string
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version')").Scan(&version); err != nil {
		return err
	}
	fmt.Println(version)
	return nil
}
