package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/migrations"
)

// longStream is how many events the stream has whose state is shown.
const longStream = 10_000

// measureAudit compares showing what a long stream was at a time with reading it, and
// verifying the log with reading and hashing the same bytes.
func measureAudit(ctx context.Context, p plan) ([]measurement, error) {
	show, err := measureShow(ctx, p)
	if err != nil {
		return nil, err
	}
	verify, err := measureVerify(ctx, p)
	return []measurement{show, verify}, err
}

func measureShow(ctx context.Context, p plan) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("audit show --at, a stream of %d events", longStream),
		Unit: "events/s", LimitedBy: "reading the stream by the client", Aim: 0.8,
	}
	err := withDatabase(ctx, 16, func(pool *pgxpool.Pool) error {
		return withNode(ctx, pool, func(node *child, client *eventstore.Client) (err error) {
			codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
			if err != nil {
				return err
			}
			stream, err := longAccount(ctx, client, codec)
			if err != nil {
				return err
			}
			streams, err := eventstore.NewStreams(client, codec, -1)
			if err != nil {
				return err
			}
			module, err := node.module()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, module.Close()) }()
			reader := &auditlog.Reader{Facts: streams.Facts, Kinds: domain.Aggregates()}
			at := auditlog.Point{Time: time.Now().Add(time.Hour)}
			c, err := compare(ctx, p.rounds,
				func(ctx context.Context) (load, error) {
					started := time.Now()
					s, err := reader.State(ctx, stream, at)
					if err == nil && s.Revision != longStream-1 {
						err = fmt.Errorf("the state is that of revision %d", s.Revision)
					}
					return load{Count: longStream, Took: time.Since(started)}, err
				},
				func(ctx context.Context) (load, error) {
					started := time.Now()
					events, err := module.ReadStream(ctx, stream, esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Start{}}, math.MaxInt64)
					if err != nil {
						return load{}, err
					}
					defer events.Close()
					n, err := drain(events, func(*esdb.RecordedEvent) {})
					return load{Count: n, Took: time.Since(started)}, err
				})
			row = row.from(c)
			return err
		})
	})
	return row, err
}

// drain receives all events of a stream, and returns how many there were.
func drain(events *esdb.ReadStream, each func(*esdb.RecordedEvent)) (n int, err error) {
	for {
		e, err := events.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
		each(e.OriginalEvent())
		n++
	}
}

// longAccount appends the events of a token account that was used for long.
func longAccount(ctx context.Context, client *eventstore.Client, codec *eventstore.Codec) (string, error) {
	stream := tokenaccount.Aggregate.Stream("org_01jd9z3q5we8x9v6m2k4t7r1b9")
	var state tokenaccount.State
	var stored []esdb.EventData
	at := time.Now().UTC().Truncate(time.Millisecond)
	do := func(decide func(tokenaccount.State, tokenaccount.Context) ([]event.Event, error)) error {
		events, err := decide(state, tokenaccount.Context{OrganizationID: "org_01jd9z3q5we8x9v6m2k4t7r1b9", At: at})
		for _, e := range events {
			if err != nil {
				return err
			}
			state = tokenaccount.Apply(state, e)
			var data esdb.EventData
			data, err = codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: e, Metadata: event.Metadata{
				ActorKind: event.ActorUser, ActorID: "user_01jd9z3q5we8x9v6m2k4t7r1b9", CorrelationID: uuid.NewString(), CausationID: uuid.NewString(),
			}})
			stored = append(stored, data)
		}
		return err
	}
	err := do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
		return s.Bring(c, tokenaccount.Granting{Grant: reference("grant"), Source: tokenaccount.SourcePurchase, Amount: tokenaccount.MaxAmount})
	})
	for n := 0; err == nil && len(stored) < longStream; n++ {
		r := reference(fmt.Sprintf("op %d", n))
		err = do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
			return s.Reserve(c, tokenaccount.Reservation{Reference: r, Amount: 2, Purpose: "accessibility", Hold: time.Hour})
		})
		if err == nil {
			err = do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) { return s.Capture(c, r, 1) })
		}
	}
	if err != nil {
		return "", err
	}
	const batch = 500
	revision := event.NoStream
	for stored = stored[:longStream]; len(stored) > 0 && err == nil; stored = stored[min(batch, len(stored)):] {
		revision, _, err = client.Append(ctx, stream, revision, stored[:min(batch, len(stored))])
	}
	return stream, err
}

func measureVerify(ctx context.Context, p plan) (row measurement, err error) {
	row = measurement{
		What: fmt.Sprintf("audit verify, %d events", p.events),
		Unit: "events/s", LimitedBy: "reading and hashing the same bytes", Aim: 0.8,
	}
	folder, err := os.MkdirTemp("", "bench-evidence-*")
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	err = withDatabase(ctx, 16, func(pool *pgxpool.Pool) error {
		if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
			return err
		}
		return withNode(ctx, pool, func(node *child, client *eventstore.Client) (err error) {
			if err := fill(ctx, client, p.events); err != nil {
				return err
			}
			ledger, store, err := newLedger(ctx, pool, client, folder)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			if _, _, err := ledger.Take(ctx); err != nil {
				return err
			}
			module, err := node.module()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, module.Close()) }()
			c, err := compare(ctx, min(p.rounds, 3),
				func(ctx context.Context) (load, error) {
					started := time.Now()
					r, err := ledger.Verify(ctx, evidence.VerifyOptions{})
					if err == nil && !r.Proven {
						err = fmt.Errorf("the log is not proven: %v, %v", r.Difference, r.Store)
					}
					return load{Count: int(r.Events), Took: time.Since(started)}, err //nolint:gosec // It is p.events.
				},
				func(ctx context.Context) (load, error) {
					started, sum := time.Now(), sha256.New()
					events, err := module.ReadAll(ctx, esdb.ReadAllOptions{}, math.MaxInt64)
					if err != nil {
						return load{}, err
					}
					defer events.Close()
					n, err := drain(events, func(e *esdb.RecordedEvent) {
						sum.Write(e.Data)
						sum.Write(e.UserMetadata)
					})
					return load{Count: n, Took: time.Since(started)}, err
				})
			row = row.from(c)
			return err
		})
	})
	return row, err
}

func newLedger(ctx context.Context, pool *pgxpool.Pool, client *eventstore.Client, folder string) (*evidence.Ledger, *blob.Store, error) {
	key, err := evidence.NewKey("bench")
	if err != nil {
		return nil, nil, err
	}
	keys, err := evidence.ReadKeys([]byte(key))
	if err != nil {
		return nil, nil, err
	}
	store, err := blob.Open(ctx, blob.Config{Folder: folder})
	if err != nil {
		return nil, nil, err
	}
	return evidence.New(evidence.Config{
		Log: "bench", Read: evidence.ReadFrom(client), Head: client.Head, Streams: []string{"measured-"}, Store: store, Keys: keys, Pool: pool,
	}), store, nil
}
