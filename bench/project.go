package main

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

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

// measureProjecting compares projecting the API-key read model, from the log to
// committed rows, with inserting such rows by pgx alone. Both are parts of this
// process; a gate before the engine's decoder gives each its turn.
func measureProjecting(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: fmt.Sprintf("projecting, %d API keys", p.keys),
		Unit: "events/s", LimitedBy: fmt.Sprintf("such rows by pgx.Batch, %d a transaction", batchRows), Aim: 0.8,
	}
	const samples = 2000
	err := withKeys(ctx, samples, func(bare *pgxpool.Pool, client *eventstore.Client, codec *eventstore.Codec) error {
		engine, to, err := newEngine(ctx, bare, client, codec, newGate(true), apikeys.Definition())
		if err != nil {
			return err
		}
		if err := runUntil(ctx, engine, apikeys.Name, to, func() error { return nil }); err != nil {
			return err
		}
		limit, err := bareBatches(ctx, bare)
		if err != nil {
			return err
		}
		return withKeys(ctx, p.keys, func(pool *pgxpool.Pool, client *eventstore.Client, codec *eventstore.Codec) error {
			c, err := compareProjecting(ctx, p, pool, client, codec, limit)
			row = row.from(c)
			return err
		})
	})
	return []measurement{row}, err
}

// withKeys runs a benchmark on a log of many keys.
func withKeys(ctx context.Context, keys int, run func(*pgxpool.Pool, *eventstore.Client, *eventstore.Codec) error) error {
	return withKeyLog(ctx, keys, func(pool *pgxpool.Pool, _ *child, client *eventstore.Client, codec *eventstore.Codec) error {
		return run(pool, client, codec)
	})
}

// withKeyLog is withKeys, with the node of the log.
func withKeyLog(ctx context.Context, keys int, run func(*pgxpool.Pool, *child, *eventstore.Client, *eventstore.Codec) error) error {
	return withFilledLog(ctx, func(ctx context.Context, client *eventstore.Client, codec *eventstore.Codec) error {
		return issueKeys(ctx, client, codec, keys)
	}, run)
}

// withFilledLog runs a benchmark on a log that was filled before, with all read models
// empty.
func withFilledLog(
	ctx context.Context, fill func(context.Context, *eventstore.Client, *eventstore.Codec) error,
	run func(*pgxpool.Pool, *child, *eventstore.Client, *eventstore.Codec) error,
) error {
	return withDatabase(ctx, 80, func(pool *pgxpool.Pool) error {
		if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
			return err
		}
		return withNode(ctx, pool, func(node *child, client *eventstore.Client) error {
			codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
			if err != nil {
				return err
			}
			if err := fill(ctx, client, codec); err != nil {
				return err
			}
			return run(pool, node, client, codec)
		})
	})
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

// turn is how long projecting and inserting take turns: the engine gets through a
// log quickly.
const turn = 100 * time.Millisecond

// compareProjecting runs the engine over the log, and the limit in its pauses.
func compareProjecting(ctx context.Context, p plan, pool *pgxpool.Pool, client *eventstore.Client, codec *eventstore.Codec, limit side) (c comparison, err error) {
	gate := newGate(false)
	engine, to, err := newEngine(ctx, pool, client, codec, gate, apikeys.Definition())
	if err != nil {
		return comparison{}, err
	}
	var left int
	err = runUntil(ctx, engine, apikeys.Name, to, func() (err error) {
		defer gate.remove()
		select {
		case <-gate.arrived:
		case <-time.After(time.Minute):
			return errors.New("the engine does not begin")
		}
		c, err = compare(ctx, p.rounds, func(context.Context) (load, error) { return gate.open(turn), nil }, limit)
		left = p.keys - gate.passed()
		return err
	})
	if err != nil {
		return comparison{}, err
	}
	if left <= 0 {
		return comparison{}, fmt.Errorf("%d keys are too few for %d rounds: the engine was done before", p.keys, p.rounds)
	}
	var rows int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM apikeys.keys`).Scan(&rows); err != nil {
		return comparison{}, err
	}
	if rows != p.keys {
		return comparison{}, fmt.Errorf("%d keys were projected as %d rows", p.keys, rows)
	}
	return c, nil
}

func newEngine(ctx context.Context, pool *pgxpool.Pool, client *eventstore.Client, codec *eventstore.Codec, gate *gate, model projections.Definition) (*projections.Engine, event.Position, error) {
	head := client.HeadOf(eventstore.StreamPrefixes())
	to, err := head(ctx)
	if err != nil {
		return nil, event.Position{}, err
	}
	engine, err := projections.New(projections.Config{
		Pool: pool, Definitions: []projections.Definition{model}, Head: head,
		Parts: eventstore.Parts,
		Decode: func(ctx context.Context, m *message.Message) (event.Recorded, error) {
			gate.pass()
			return codec.Decode(ctx, m)
		},
		Subscribe: func(progress projections.Progress, options projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return progress },
				BatchSize: options.MaxEvents, BatchDelay: options.MaxDelay, Bundle: options.Bundle,
			}), nil
		},
		Live:   projections.SubscribeOptions{MaxEvents: batchRows, MaxDelay: 5 * time.Millisecond},
		Logger: slog.New(slog.DiscardHandler),
	})
	return engine, to, err
}

// runUntil runs the engine, does something meanwhile, and waits until a read model
// has reached a position.
func runUntil(ctx context.Context, engine *projections.Engine, model string, to event.Position, meanwhile func() error) error {
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	runs.Go(func() error { return engine.Run(running) })
	err := meanwhile()
	if err == nil {
		err = engine.WaitFor(ctx, model, to)
	}
	stop()
	if ended := runs.Wait(); !errors.Is(ended, context.Canceled) {
		err = errors.Join(err, ended)
	}
	return err
}

// bareBatches inserts rows like the projected ones into a table of the same shape.
func bareBatches(ctx context.Context, pool *pgxpool.Pool) (side, error) {
	rows, err := pool.Query(ctx, `SELECT * FROM apikeys.keys`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, `CREATE TABLE bare (LIKE apikeys.keys INCLUDING ALL)`); err != nil {
		return nil, err
	}
	insert := `INSERT INTO bare VALUES (` + placeholders(len(all[0])) + `)`
	next := 0
	return func(ctx context.Context) (load, error) {
		started, count := time.Now(), 0
		for time.Since(started) < turn {
			batch := make([][]any, batchRows)
			for i := range batch {
				batch[i] = slices.Clone(all[next%len(all)])
				batch[i][0] = fmt.Sprintf("%v-%d", batch[i][0], next) // the primary key
				next++
			}
			if err := insertBatch(ctx, pool, insert, batch); err != nil {
				return load{}, err
			}
			count += len(batch)
		}
		return load{Count: count, Took: time.Since(started)}, nil
	}, nil
}

// gate lets events pass while it is open.
type gate struct {
	mu    sync.RWMutex // held while it is closed
	count atomic.Int64
	// arrived is closed when the first event is there.
	arrived chan struct{}
	arrive  sync.Once
}

func newGate(open bool) *gate {
	g := &gate{arrived: make(chan struct{})}
	if !open {
		g.mu.Lock()
	}
	return g
}

func (g *gate) pass() {
	g.arrive.Do(func() { close(g.arrived) })
	g.mu.RLock()
	g.count.Add(1)
	g.mu.RUnlock()
}

func (g *gate) passed() int { return int(g.count.Load()) }

// open lets events pass for a time.
func (g *gate) open(lasting time.Duration) load {
	before, started := g.passed(), time.Now()
	g.mu.Unlock()
	time.Sleep(lasting)
	g.mu.Lock()
	return load{Count: g.passed() - before, Took: time.Since(started)}
}

func (g *gate) remove() { g.mu.Unlock() }

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
