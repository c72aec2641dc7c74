package main

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
)

// batchRows is how many rows a transaction writes, of the projection and of
// its limit.
const batchRows = 500

// measureProjecting compares projecting the API-key read model live, from the
// log to committed rows, with inserting the same rows by pgx alone.
func measureProjecting(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("projecting live, %d API keys", p.keys),
		Unit: "events/s", LimitedBy: fmt.Sprintf("the same rows by pgx.Batch, %d a transaction", batchRows), Aim: 0.7,
	}
	err := withDatabase(ctx, 80, func(pool *pgxpool.Pool) error {
		if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
			return err
		}
		return withEventLog(ctx, pool, func(_ *eventnode.Loopback, client *eventstore.Client) error {
			codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
			if err != nil {
				return err
			}
			if err := issueKeys(ctx, client, codec, p.keys); err != nil {
				return err
			}
			if row.Value, err = projectRate(ctx, pool, client, codec, p.keys); err != nil {
				return err
			}
			limit, err := batchRate(ctx, pool, p.keys)
			if err != nil {
				return err
			}
			row = row.against(limit)
			return nil
		})
	})
	return []measurement{row}, err
}

// issueKeys appends the first event of each of many keys.
func issueKeys(ctx context.Context, client *eventstore.Client, codec *eventstore.Codec, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range 64 {
		group.Go(func() error {
			for next.Add(1) <= int64(n) {
				issued, err := issuedKey(time.Now().UTC().Truncate(time.Millisecond))
				if err != nil {
					return err
				}
				data, err := codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: issued})
				if err != nil {
					return err
				}
				if _, _, err := client.Append(ctx, apikey.Aggregate.Stream(issued.KeyID), event.NoStream, []esdb.EventData{data}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func issuedKey(now time.Time) (apikey.Issued, error) {
	ids := id.Source{Now: now, Entropy: rand.Reader}
	key, err := id.New[id.APIKey](ids)
	if err != nil {
		return apikey.Issued{}, err
	}
	organization, err := id.New[id.Organization](ids)
	if err != nil {
		return apikey.Issued{}, err
	}
	owner, err := id.New[id.User](ids)
	if err != nil {
		return apikey.Issued{}, err
	}
	hash := make([]byte, 32)
	_, _ = rand.Read(hash) // It never fails.
	return apikey.Issued{
		KeyID: key, OrganizationID: organization, OwnerType: apikey.OwnerUser, UserID: owner, IssuedBy: owner,
		Scopes: access.ScopesOf(access.KindUserKey), Description: "measured",
		SecretHash: hex.EncodeToString(hash), Start: "pw_test_abcd", Last4: "wxyz", OccurredAt: now,
	}, nil
}

// projectRate runs the engine over the log until all keys show.
func projectRate(ctx context.Context, pool *pgxpool.Pool, client *eventstore.Client, codec *eventstore.Codec, n int) (perSecond float64, err error) {
	head := client.HeadOf(eventstore.StreamPrefixes())
	to, err := head(ctx)
	if err != nil {
		return 0, err
	}
	engine, err := projections.New(projections.Config{
		Pool: pool, Definitions: []projections.Definition{apikeys.Definition()}, Head: head, Decode: codec.Decode,
		Subscribe: func(progress projections.Progress, options projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return progress },
				BatchSize: options.MaxEvents, BatchDelay: options.MaxDelay,
			}), nil
		},
		Live:   projections.SubscribeOptions{MaxEvents: batchRows, MaxDelay: 5 * time.Millisecond},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	started := time.Now()
	runs.Go(func() error { return engine.Run(running) })
	err = engine.WaitFor(ctx, apikeys.Name, to)
	took := time.Since(started)
	stop()
	if ended := runs.Wait(); !errors.Is(ended, context.Canceled) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return 0, err
	}
	var rows int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM apikeys.keys`).Scan(&rows); err != nil {
		return 0, err
	}
	if rows != n {
		return 0, fmt.Errorf("%d keys were projected as %d rows", n, rows)
	}
	return float64(n) / took.Seconds(), nil
}

// batchRate inserts the projected rows into an empty table of the same shape.
func batchRate(ctx context.Context, pool *pgxpool.Pool, n int) (float64, error) {
	rows, err := pool.Query(ctx, `SELECT * FROM apikeys.keys`)
	if err != nil {
		return 0, err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil {
		return 0, err
	}
	if _, err := pool.Exec(ctx, `CREATE TABLE bare (LIKE apikeys.keys INCLUDING ALL)`); err != nil {
		return 0, err
	}
	insert := `INSERT INTO bare VALUES (` + placeholders(len(all[0])) + `)`
	started := time.Now()
	for len(all) > 0 {
		size := min(batchRows, len(all))
		if err := insertBatch(ctx, pool, insert, all[:size]); err != nil {
			return 0, err
		}
		all = all[size:]
	}
	return float64(n) / time.Since(started).Seconds(), nil
}

func insertBatch(ctx context.Context, pool *pgxpool.Pool, insert string, rows [][]any) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var batch pgx.Batch
		for _, values := range rows {
			batch.Queue(insert, values...)
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
}

func placeholders(n int) string {
	s := ""
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("$%d", i+1)
	}
	return s
}

// noKeys is enough for events without personal texts.
type noKeys struct{}

// Key implements eventstore.Keys.
func (noKeys) Key(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// KeyFor implements eventstore.Keys.
func (noKeys) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }
