package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

const (
	// rewriteAfter is how long after the last time tables are rewritten again,
	// and rewriteEvery how often that is asked. Together they stay below rowLife.
	rewriteAfter = 5 * 24 * time.Hour
	rewriteEvery = 24 * time.Hour
	// rewriteLock bounds how long others wait behind a rewrite that itself waits
	// for a table.
	rewriteLock = "5s"
)

// rewriteErased writes the tables anew from which somebody was erased, so that
// the rows from before do not stay in their files: a deleted row is on disk until
// its space is used again, which may be never. A table cannot be read while it is
// rewritten. Nothing is done while nobody was erased; the keys of addresses, which
// end every day, do not count.
func (c *core) rewriteErased(ctx context.Context, logger *slog.Logger) error {
	var due bool
	if err := c.db.pool.QueryRow(ctx, `
		SELECT rewritten_at < now() - $1::interval AND EXISTS (SELECT FROM subject_keys WHERE destroyed_at >= rewritten_at AND NOT starts_with(subject, $2))
		FROM erasure_journal`, rewriteAfter, event.AddressKeys).Scan(&due); err != nil || !due {
		return err
	}
	tables, err := c.engine.PersonalTables(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	conn, err := c.db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("rewrite tables after erasures: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SET lock_timeout = '"+rewriteLock+"'"); err != nil {
		return fmt.Errorf("rewrite tables after erasures: %w", err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "RESET lock_timeout") }()
	for _, table := range append(tables, "subject_keys", "idempotency.requests") {
		if _, err := conn.Exec(ctx, "VACUUM (FULL) "+table); err != nil {
			return fmt.Errorf("rewrite %s after erasures: %w", table, err)
		}
	}
	if _, err := conn.Exec(ctx, "UPDATE erasure_journal SET rewritten_at = $1", begun); err != nil {
		return fmt.Errorf("note the rewriting of tables: %w", err)
	}
	logger.InfoContext(ctx, "tables were rewritten after erasures", slog.Int("tables", len(tables)+2))
	return nil
}
