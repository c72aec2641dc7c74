package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSharedSessions says that the database is reached through a pooler that
// gives each transaction any server session.
var ErrSharedSessions = errors.New("the database is reached through a pooler in transaction or statement mode, " +
	"such as PgBouncer's: locks and notifications need sessions of their own; " +
	"let DATABASE_URL name the server itself, or the pooler in session mode")

// sessionMark is a setting that one session makes and no other may see.
const sessionMark = "perfectworks.session"

// pinned is how many transactions RequireSessions keeps open to make a pooler
// move another connection to another server session.
const pinned = 3

// RequireSessions makes sure that a connection keeps its server session from one
// transaction to the next, as advisory locks and LISTEN need. Its error wraps
// ErrSharedSessions if not.
func RequireSessions(ctx context.Context, pool *pgxpool.Pool) (err error) {
	config := pool.Config().ConnConfig.Copy()
	// Poolers may not know prepared statements.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("look for a pooler: %w", err)
	}
	defer func() { err = errors.Join(err, closeConn(ctx, conn)) }()
	// The server itself tells a client the process id of its session.
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return fmt.Errorf("look for a pooler: %w", err)
	}
	if pid == conn.PgConn().PID() {
		return nil
	}
	return requireOwnSession(ctx, config, conn)
}

// requireOwnSession marks the session of a connection and looks for the mark
// again while other transactions hold sessions: a pooler that shares sessions
// gives one of them the marked session, or this connection another one.
func requireOwnSession(ctx context.Context, config *pgx.ConnConfig, conn *pgx.Conn) (err error) {
	mark := uuid.NewString()
	if _, err := conn.Exec(ctx, "SELECT set_config($1, $2, false)", sessionMark, mark); err != nil {
		return fmt.Errorf("look for a pooler: %w", err)
	}
	marked := func(conn *pgx.Conn) (bool, error) {
		var found string
		err := conn.QueryRow(ctx, "SELECT coalesce(current_setting($1, true), '')", sessionMark).Scan(&found)
		if err != nil {
			return false, fmt.Errorf("look for a pooler: %w", err)
		}
		return found == mark, nil
	}
	for range pinned {
		other, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return fmt.Errorf("look for a pooler: %w", err)
		}
		defer func() { _ = closeConn(ctx, other) }() // It ends its transaction too.
		if _, err := other.Exec(ctx, "BEGIN"); err != nil {
			var pgErr *pgconn.PgError
			if errors.As(err, &pgErr) { // No server refuses that; a pooler of statements does.
				return fmt.Errorf("%w: %w", ErrSharedSessions, err)
			}
			return fmt.Errorf("look for a pooler: %w", err)
		}
		if shared, err := marked(other); err != nil || shared {
			return errors.Join(err, onlyIf(shared, ErrSharedSessions))
		}
		if kept, err := marked(conn); err != nil || !kept {
			return errors.Join(err, onlyIf(err == nil, ErrSharedSessions))
		}
	}
	return nil
}

func onlyIf(condition bool, err error) error {
	if condition {
		return err
	}
	return nil
}
