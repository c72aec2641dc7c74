package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/adapters/postgres"
)

// database is the Postgres in use: the one of DATABASE_URL, or a private
// cluster in the data folder.
type database struct {
	url     string
	process uuid.UUID // as its sessions are named
	pool    *pgxpool.Pool
	cluster *postgres.Cluster // nil when the server is not ours
}

// openDatabase opens the database. Spans may be nil.
func openDatabase(ctx context.Context, settings Settings, dataFolder string, spans trace.TracerProvider, logger *slog.Logger) (*database, error) {
	db := &database{url: settings.DatabaseURL, process: uuid.New()}
	if db.url == "" {
		cluster, err := postgres.StartCluster(ctx, postgres.ClusterConfig{
			Dir: filepath.Join(dataFolder, postgresFolder), Logger: logger,
		})
		if err != nil {
			return nil, err
		}
		db.cluster, db.url = cluster, cluster.URL()
	}
	pool, err := postgres.Open(ctx, db.url, postgres.Options{Process: db.process, TracerProvider: spans})
	if err != nil {
		return nil, errors.Join(db.named(err), db.close())
	}
	db.pool = pool
	if err := postgres.RequireSessions(ctx, pool); err != nil {
		return nil, errors.Join(db.named(err), db.close())
	}
	return db, nil
}

// named puts the variable before an error about the database that it names.
func (db *database) named(err error) error {
	if db.cluster != nil {
		return err
	}
	return named("DATABASE_URL", err)
}

// clusterStop bounds how long Postgres may take to write everything down.
const clusterStop = 40 * time.Second

func (db *database) close() error {
	if db.pool != nil {
		db.pool.Close()
	}
	if db.cluster == nil {
		return nil
	}
	// The server's shutdown must not be cut short by what asked for it.
	ctx, cancel := context.WithTimeout(context.Background(), clusterStop)
	defer cancel()
	return db.cluster.Stop(ctx)
}
