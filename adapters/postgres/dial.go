package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Dial opens a connection as a pool does, beside those of the pool, and with more
// parameters. What is done on it is not traced: it belongs to no request.
func Dial(ctx context.Context, pool *pgxpool.Pool, parameters map[string]string) (*pgx.Conn, error) {
	config := pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	config.ConnConfig.Tracer = nil
	for name, value := range parameters {
		config.ConnConfig.RuntimeParams[name] = value
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
