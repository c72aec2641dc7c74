package keyring

import (
	"context"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/notices"
)

// The channel by which processes tell each other what changed, and what is said
// there.
const (
	channel         = "keyring"
	destroyedPrefix = "destroyed:"
	rotated         = "rotated"
)

// notify is heard by the others once the transaction is committed.
func notify(ctx context.Context, tx pgx.Tx, text string) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, $2)", channel, text)
	return err
}

// line hears what other processes change.
func (k *Keyring) line() notices.Line {
	return notices.Line{
		Pool: k.pool, Channel: channel,
		// Something may have been said before.
		Joined: func(ctx context.Context, _ *pgx.Conn) error {
			k.forget("")
			return k.loadNewestMaster(ctx)
		},
		Heard: func(ctx context.Context, payload string) error {
			if subject, ok := strings.CutPrefix(payload, destroyedPrefix); ok {
				k.forget(subject)
			} else if payload == rotated {
				return k.loadNewestMaster(ctx)
			}
			return nil
		},
		Failed: func(err error) {
			k.log.Warn("the keyring does not receive notices of destroyed keys at present", slog.Any("error", err))
		},
	}
}
