package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"
)

const (
	defaultConnectTimeout = 5 * time.Second
	maxConnLifetime       = time.Hour
	maxConnLifetimeJitter = 10 * time.Minute
	maxConnIdleTime       = 10 * time.Minute
)

// Options tune Open. The zero value is ready for use.
type Options struct {
	// ApplicationName is shown in pg_stat_activity; "perfectworks" when empty.
	ApplicationName string
	// MaxConns bounds the pool. Zero: what pool_max_conns in the URL says, else
	// four per processor and at least ten.
	MaxConns int
	// ConnectTimeout bounds each attempt to connect, five seconds when zero.
	// A connect_timeout in the URL has precedence over the default.
	ConnectTimeout time.Duration
	// TracerProvider, when set, gets a span for each statement.
	TracerProvider trace.TracerProvider
}

// Open returns a pool of connections to the database that rawURL names, after
// one connection was made. Its errors never hold the URL's password. The caller
// closes the pool.
func Open(ctx context.Context, rawURL string, opts Options) (*pgxpool.Pool, error) {
	config, err := poolConfig(rawURL, opts)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}

func poolConfig(rawURL string, opts Options) (*pgxpool.Config, error) {
	parsed, err := url.Parse(rawURL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		// The parser's own error quotes the URL, password included.
		return nil, errors.New("the database URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")
	}
	config, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not usable: %w", withoutURL(err))
	}

	if opts.MaxConns > 0 {
		config.MaxConns = int32(min(opts.MaxConns, 10_000)) //nolint:gosec // bounded
	} else if !parsed.Query().Has("pool_max_conns") {
		config.MaxConns = int32(max(10, 4*min(runtime.GOMAXPROCS(0), 64))) //nolint:gosec // bounded
	}
	config.MaxConnLifetime = maxConnLifetime
	config.MaxConnLifetimeJitter = maxConnLifetimeJitter
	config.MaxConnIdleTime = maxConnIdleTime

	conn := config.ConnConfig
	if opts.ConnectTimeout > 0 {
		conn.ConnectTimeout = opts.ConnectTimeout
	} else if !parsed.Query().Has("connect_timeout") {
		conn.ConnectTimeout = defaultConnectTimeout
	}
	if opts.ApplicationName != "" {
		conn.RuntimeParams["application_name"] = opts.ApplicationName
	} else if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "perfectworks"
	}
	if opts.TracerProvider != nil {
		conn.Tracer = newTracer(opts.TracerProvider, conn.Config)
	}
	return config, nil
}

// withoutURL reduces pgx's parse error to its cause: pgx masks the password in
// the URL that it quotes, but only where it recognises it.
func withoutURL(err error) error {
	var parseErr *pgconn.ParseConfigError
	if !errors.As(err, &parseErr) {
		return err
	}
	if cause := parseErr.Unwrap(); cause != nil {
		return cause
	}
	return errors.New("a parameter is invalid")
}
