package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATE codes, from PostgreSQL's Appendix A.
const (
	codeCannotConnectNow = "57P03"
	codeUnknownDatabase  = "3D000"
	codeInvalidPassword  = "28P01"
)

// awaitAnswer returns when the server took a connection to the cluster's
// database, which it creates when it is missing.
func (c *Cluster) awaitAnswer(ctx context.Context, s *server) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if s.ready() {
			err := c.connect(ctx, s)
			if err == nil {
				return nil
			}
			if !isPassing(err) && s.alive(ctx) {
				return err
			}
		}
		if !s.alive(ctx) {
			return errServerGone
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.exited: // nil when adopted: never ready
		case <-poll.C:
		}
	}
}

// ready reads the state that Postgres keeps in its lock file, so that a start
// needs no connections in vain. Once it is true, the server's socket is known.
func (s *server) ready() bool {
	pidFile, err := readPidFile(s.folder.data())
	if err != nil || pidFile.pid != s.pid || pidFile.status != "ready" {
		return false
	}
	// Any other folder is one that we do not know to be safe.
	if socket := s.folder.socket(); socket == pidFile.socket {
		s.socket = socket
	}
	return true
}

func (c *Cluster) connect(ctx context.Context, s *server) error {
	err := c.execute(ctx, s, clusterDatabase, "")
	if hasCode(err, codeUnknownDatabase) {
		err = c.execute(ctx, s, "postgres", "CREATE DATABASE "+clusterDatabase)
	}
	if hasCode(err, codeInvalidPassword) {
		return errWrongPassword
	}
	return err
}

func (c *Cluster) execute(ctx context.Context, s *server, database, statement string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, defaultConnectTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url(s, database))
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if statement == "" {
		return conn.Ping(ctx)
	}
	_, err = conn.Exec(ctx, statement)
	return err
}

// isPassing tells a failure that the next moment may end from one that stays: a
// server that starts or stops, or no answer.
func isPassing(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code == codeCannotConnectNow
	}
	return !errors.Is(err, errWrongPassword)
}

func hasCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}
