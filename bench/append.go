package main

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode"
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
	}{{1, 0.5}, {64, 0.8}} {
		row, err := measureAppendsBy(ctx, p, at.writers)
		if err != nil {
			return nil, err
		}
		row.Aim = at.aim
		rows = append(rows, row)
	}
	return rows, nil
}

func measureAppendsBy(ctx context.Context, p plan, writers int) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("durable appends, %s, %d-byte events", plural(writers, "writer"), eventSize),
		Unit: "events/s", LimitedBy: "single-row committed inserts",
	}
	err := withDatabase(ctx, writers+8, func(pool *pgxpool.Pool) error {
		limit, err := insertRate(ctx, p, pool, writers)
		if err != nil {
			return err
		}
		return withEventLog(ctx, pool, func(_ *eventnode.Loopback, client *eventstore.Client) error {
			reached, err := appendRate(ctx, p, client, writers)
			if err != nil {
				return err
			}
			row.Value = reached.PerSecond
			row.P50, row.P99 = percentile(reached.Latencies, .5), percentile(reached.Latencies, .99)
			row = row.against(limit)
			return nil
		})
	})
	return row, err
}

func insertRate(ctx context.Context, p plan, pool *pgxpool.Pool, writers int) (float64, error) {
	if _, err := pool.Exec(ctx, `CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data bytea NOT NULL)`); err != nil {
		return 0, err
	}
	data := someEvents(1)[0].Data
	reached, err := drive(ctx, writers, p.lasting, func(ctx context.Context, _ int) error {
		_, err := pool.Exec(ctx, `INSERT INTO bare (data) VALUES ($1)`, data)
		return err
	})
	return reached.PerSecond, err
}

func appendRate(ctx context.Context, p plan, client *eventstore.Client, writers int) (load, error) {
	var next atomic.Int64
	return drive(ctx, writers, p.lasting, func(ctx context.Context, _ int) error {
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
