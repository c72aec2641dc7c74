package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/domain/event"
)

// measureAppends compares durable appends of one event, each to a stream of
// its own, with inserts of one row, each committed by itself.
func measureAppends(ctx context.Context, p plan) ([]measurement, error) {
	var rows []measurement
	for _, at := range []struct {
		writers int
		aim     float64
	}{{1, 0.45}, {64, 0.85}} {
		row := measurement{
			What: fmt.Sprintf("durable appends, %s, %d-byte events", plural(at.writers, "writer"), eventSize),
			Unit: "events/s", LimitedBy: "single-row committed inserts", Aim: at.aim,
		}
		err := withDatabase(ctx, at.writers+8, func(pool *pgxpool.Pool) error {
			inserts, err := bareInserts(ctx, pool, at.writers)
			if err != nil {
				return err
			}
			return withNode(ctx, pool, func(_ *child, client *eventstore.Client) error {
				c, err := compare(ctx, p.rounds, bareAppends(client, at.writers), inserts)
				row = row.from(c)
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func bareInserts(ctx context.Context, pool *pgxpool.Pool, writers int) (side, error) {
	if _, err := pool.Exec(ctx, `CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data bytea NOT NULL)`); err != nil {
		return nil, err
	}
	data := someEvents(1)[0].Data
	return driven(writers, func(ctx context.Context, _ int) error {
		_, err := pool.Exec(ctx, `INSERT INTO bare (data) VALUES ($1)`, data)
		return err
	}), nil
}

func bareAppends(client *eventstore.Client, writers int) side {
	var next atomic.Int64
	return driven(writers, func(ctx context.Context, _ int) error {
		stream := "measured-" + strconv.FormatInt(next.Add(1), 10)
		_, _, err := client.Append(ctx, stream, event.NoStream, someEvents(1))
		return err
	})
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
