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
	// hangUpTimeout bounds the goodbye to Postgres.
	hangUpTimeout = time.Second
)

// notify is heard by the others once the transaction is committed.
func notify(ctx context.Context, tx pgx.Tx, text string) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, $2)", channel, text)
	return err
}

// listen hears what other processes change, until ctx ends. It has a connection
// of its own, which comes back by itself.
func (k *Keyring) listen(ctx context.Context, conn *pgx.Conn) {
	for {
		err := k.hear(ctx, conn)
		for err != nil {
			if ctx.Err() != nil {
				return
			}
			k.log.WarnContext(ctx, "the keyring does not receive notices of destroyed keys at present", slog.Any("error", err))
			select {
			case <-ctx.Done():
				return
			case <-time.After(relistenPause):
			}
			conn, err = k.dial(ctx)
		}
		k.forget("") // Something may have been said meanwhile.
	}
}

// dial makes a connection that receives changes from now on, and looks for a
// master key that came before.
func (k *Keyring) dial(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, k.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, "LISTEN "+channel); err == nil {
		err = k.loadNewestMaster(ctx)
	}
	if err != nil {
		hangUp(ctx, conn)
		return nil, fmt.Errorf("listen: %w", err)
	}
	return conn, nil
}

// hear takes what is said until the connection fails or ctx ends.
func (k *Keyring) hear(ctx context.Context, conn *pgx.Conn) error {
	defer hangUp(ctx, conn)
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

func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTimeout)
	defer cancel()
	_ = conn.Close(ctx) // It is of no more use either way.
}
