package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The channel by which processes tell each other what changed, and what is said
// there.
const (
	channel         = "keyring"
	destroyedPrefix = "destroyed:"
	rotated         = "rotated"
)

const (
	relistenPause = 500 * time.Millisecond
	// unlistenTimeout bounds the goodbye to Postgres.
	unlistenTimeout = time.Second
)

// notify is heard by the others once the transaction is committed.
func notify(ctx context.Context, tx pgx.Tx, text string) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, $2)", channel, text)
	return err
}

// listen hears what other processes change, until ctx ends. It has a connection
// of its own, which comes back by itself.
func (k *Keyring) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		k.log.WarnContext(ctx, "the keyring does not hear of destroyed keys at the moment", slog.Any("error", err))
		select {
		case <-ctx.Done():
		case <-time.After(relistenPause):
		}
	}
}

func (k *Keyring) listenOnce(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, k.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlistenTimeout)
		defer cancel()
		_ = conn.Close(ctx) // It is of no more use either way.
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	k.forget("") // Something may have been said before.
	if err := k.loadNewestMaster(ctx); err != nil {
		return err
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if subject, ok := strings.CutPrefix(n.Payload, destroyedPrefix); ok {
			k.forget(subject)
		} else if n.Payload == rotated {
			if err := k.loadNewestMaster(ctx); err != nil {
				return err
			}
		}
	}
}
