package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"
)

const (
	defaultConnectTimeout = 5 * time.Second
	maxConnLifetime       = time.Hour
	maxConnLifetimeJitter = 10 * time.Minute
	maxConnIdleTime       = 10 * time.Minute

	// maxNameBesideProcess leaves room for a process's id within the 63 bytes of
	// Postgres.
	maxNameBesideProcess = 26
)

// Options tune Open. The zero value is ready for use.
type Options struct {
	// ApplicationName is shown in pg_stat_activity; "perfectworks" when empty.
	ApplicationName string
	// Process, when set, is appended to the application name, so that it can be
	// seen which process a session belongs to: see package heartbeat.
	Process uuid.UUID
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
	parsed, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not usable: %w", withoutURL(err))
	}

	if opts.MaxConns > 0 {
		config.MaxConns = int32(min(opts.MaxConns, 10_000))
	} else if !parsed.Query().Has("pool_max_conns") {
		config.MaxConns = int32(max(10, 4*min(runtime.GOMAXPROCS(0), 64))) //nolint:gosec // bounded
	}
	config.MaxConnLifetime = maxConnLifetime
	config.MaxConnLifetimeJitter = maxConnLifetimeJitter
	config.MaxConnIdleTime = maxConnIdleTime

	config.AfterConnect = timesInUTC
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
	// Postgres takes queries of the catalog, and some of ours, for so expensive that
	// it compiles them, which takes a hundred times as long as to run them.
	if _, set := conn.RuntimeParams["jit"]; !set {
		conn.RuntimeParams["jit"] = "off"
	}
	if opts.Process != uuid.Nil {
		name := conn.RuntimeParams["application_name"]
		conn.RuntimeParams["application_name"] = name[:min(len(name), maxNameBesideProcess)] + " " + opts.Process.String()
	}
	if opts.TracerProvider != nil {
		conn.Tracer = newTracer(opts.TracerProvider, conn.Config)
	}
	return config, nil
}

// timesInUTC makes a connection return times in UTC, not in the zone of the
// machine.
func timesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// parseURL reports nothing of what it was given. Where a password holds an
// unescaped character, a part of it may parse as the path or a parameter, which
// later errors would show: the @ that ended it tells.
func parseURL(rawURL string) (*url.URL, error) {
	const form = "the database URL is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE"
	parsed, err := url.Parse(rawURL)
	// pgx takes a URL with any other beginning, capitals included, for a list of
	// keywords and values.
	if err != nil || !strings.HasPrefix(rawURL, "postgres://") && !strings.HasPrefix(rawURL, "postgresql://") {
		return nil, errors.New(form)
	}
	query, err := url.ParseQuery(parsed.RawQuery)
	stray := strings.Contains(parsed.Path+parsed.Fragment, "@")
	for name := range query {
		stray = stray || strings.Contains(name, "@")
	}
	if err != nil || stray {
		return nil, errors.New(form + ": special characters in the password have to be escaped, such as %2F for /")
	}
	return parsed, nil
}

// withoutURL drops the URL that pgx quotes between backticks: it masks a
// password there, but only one that it recognises.
func withoutURL(err error) error {
	text := err.Error()
	return errors.New(strings.TrimPrefix(text[strings.LastIndex(text, "`")+1:], ": "))
}
