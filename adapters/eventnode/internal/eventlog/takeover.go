package eventlog

import (
	"context"
	"fmt"
	"time"
)

// idleHolder is for how long the session that holds the lock must have waited for
// its process before it is ended.
const idleHolder = time.Second

// takeOver ends the session that holds the lock, if it has been waiting for its
// process: one that was stopped, or whose machine is gone, between lock and
// commit. What it had sent is rolled back with it; when it goes on it finds its
// connection lost and begins anew.
//
// The server's idle_in_transaction_session_timeout does the same for a process
// that stopped between two round trips. It does not count within a pipeline, where
// a session that waits for the rest is not idle, and not for writers of other
// programs. Ending a session takes the role that it has, or pg_signal_backend.
func (s *store) takeOver(ctx context.Context) (ended int, err error) {
	err = s.conn.QueryRow(ctx, `
		SELECT count(*) FROM (
			SELECT pg_terminate_backend(a.pid)
			FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
			WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
			  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			  AND (l.classid::bigint << 32) | l.objid::bigint = $1
			  AND a.pid <> pg_backend_pid()
			  AND a.wait_event_type = 'Client'
			  AND a.xact_start < clock_timestamp() - $2::interval
			  AND a.state_change < clock_timestamp() - $2::interval
		) holders`, advisoryLock, idleHolder).Scan(&ended)
	if err != nil {
		return 0, fmt.Errorf("take over the lock: %w", err)
	}
	return ended, nil
}
