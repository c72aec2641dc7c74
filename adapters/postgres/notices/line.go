package notices

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres"
)

const (
	redialPause   = 200 * time.Millisecond
	hangUpTimeout = time.Second
)

// Line hears what is said by NOTIFY on a channel, over a connection of its own.
type Line struct {
	// Pool says how to connect; none of its connections is taken.
	Pool *pgxpool.Pool
	// Channel is an identifier of ours, never input.
	Channel string
	// Parameters are set for the connection, beside those of the pool.
	Parameters map[string]string
	// Joined, when set, is called once a connection hears the channel. What was said
	// before was not heard.
	Joined func(context.Context, *pgx.Conn) error
	// Heard is called for each notice. After an error the line is dialled anew.
	Heard func(ctx context.Context, payload string) error
	// Failed is told of each connection that failed.
	Failed func(error)
}

// Dial returns a connection that hears the channel, for Listen.
func (l Line) Dial(ctx context.Context) (*pgx.Conn, error) {
	conn, err := postgres.Dial(ctx, l.Pool, l.Parameters)
	if err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, "LISTEN "+l.Channel); err == nil && l.Joined != nil {
		err = l.Joined(ctx, conn)
	}
	if err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// Listen hears the channel until ctx ends, over the connection that Dial gave, or
// one of its own when that is nil. When it fails, another comes by itself.
func (l Line) Listen(ctx context.Context, conn *pgx.Conn) {
	for {
		var err error
		if conn == nil {
			conn, err = l.Dial(ctx)
		}
		if err == nil {
			err = l.hear(ctx, conn)
			conn = nil
		}
		if ctx.Err() != nil {
			return
		}
		l.Failed(err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(redialPause):
		}
	}
}

// hear takes what is said until the connection fails or ctx ends.
func (l Line) hear(ctx context.Context, conn *pgx.Conn) error {
	defer hangUp(ctx, conn)
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if err := l.Heard(ctx, n.Payload); err != nil {
			return err
		}
	}
}

func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTimeout)
	defer cancel()
	_ = conn.Close(ctx) // It is of no more use either way.
}
