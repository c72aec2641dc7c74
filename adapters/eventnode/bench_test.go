package eventnode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

// The benchmarks stand each beside its limit: what the same Postgres does without
// the node. Run them on a durable server:
//
//	go run ./cmd/withpostgres -durable -- go test ./adapters/eventnode -run '^$' -bench .

var payload = make([]byte, 300)

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d/insert", writers), func(b *testing.B) {
			pool := benchPool(b)
			share(b, writers, func(ctx context.Context, writer, n int) error {
				_, err := pool.Exec(ctx, `INSERT INTO plain (revision, created, event_id, is_json, stream, type, metadata, data)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
					n, time.Now().UnixNano()/100, uuid.New(), true, fmt.Sprintf("stream-%d", writer), "Happened", []byte{}, payload)
				return err
			})
		})
		b.Run(fmt.Sprintf("writers=%d/node", writers), func(b *testing.B) {
			client := eventnodetest.Start(b).Client()
			share(b, writers, func(ctx context.Context, writer, n int) error {
				options := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
				if n > 0 {
					options.ExpectedRevision = esdb.Revision(uint64(n - 1))
				}
				_, err := client.AppendToStream(ctx, fmt.Sprintf("stream-%d", writer), options, esdb.EventData{
					EventID: uuid.New(), EventType: "Happened", ContentType: esdb.ContentTypeJson, Data: payload,
				})
				return err
			})
		})
	}
}

func benchPool(b *testing.B) *pgxpool.Pool {
	b.Helper()
	config := eventnodetest.Pool(b).Config()
	config.MaxConns = 64
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	_, err = pool.Exec(context.Background(), `
		CREATE TABLE plain (LIKE eventnode.events, PRIMARY KEY (position), UNIQUE (stream, revision));
		ALTER TABLE plain ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY`)
	if err != nil {
		b.Fatal(err)
	}
	return pool
}

// share has writers do b.N operations between them, each its own in order.
func share(b *testing.B, writers int, do func(ctx context.Context, writer, n int) error) {
	b.Helper()
	ctx := context.Background()
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ResetTimer()
	for writer := range writers {
		group.Go(func() {
			for n := 0; left.Add(-1) >= 0; n++ {
				if err := do(ctx, writer, n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func BenchmarkReadAll(b *testing.B) {
	const events = 300_000
	node := eventnodetest.Start(b)
	fill(b, node, events)
	b.Run("select", func(b *testing.B) {
		for b.Loop() {
			rows, err := node.Pool.Query(context.Background(),
				`SELECT position, revision, created, event_id, is_json, stream, type, metadata, data FROM eventnode.events ORDER BY position`)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for rows.Next() {
				var (
					position, revision, created int64
					id                          uuid.UUID
					json                        bool
					stream, kind                string
					metadata, data              []byte
				)
				if err := rows.Scan(&position, &revision, &created, &id, &json, &stream, &kind, &metadata, &data); err != nil {
					b.Fatal(err)
				}
				n++
			}
			if rows.Err() != nil || n != events {
				b.Fatal(n, rows.Err())
			}
		}
		b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("node", func(b *testing.B) {
		client := node.Client()
		for b.Loop() {
			stream, err := client.ReadAll(context.Background(), esdb.ReadAllOptions{From: esdb.Start{}}, 10*events)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for {
				if _, err := stream.Recv(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				n++
			}
			stream.Close()
			if n != events {
				b.Fatal(n)
			}
		}
		b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
	})
	// The node alone: most of the time above is the client decoding.
	b.Run("node, not decoded", func(b *testing.B) {
		conn, err := grpc.NewClient(node.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		client := streams.NewStreamsClient(conn)
		for b.Loop() {
			call, err := client.Read(context.Background(), readOptions(counting(10*events)), grpc.ForceCodecV2(undecoded{encoding.GetCodecV2("proto")}))
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for ; err == nil; n++ {
				_, err = call.Recv()
			}
			if n--; n != events {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// undecoded leaves messages as they came.
type undecoded struct{ encoding.CodecV2 }

func (undecoded) Unmarshal(mem.BufferSlice, any) error { return nil }

func fill(b *testing.B, node *eventnodetest.Node, events int) {
	b.Helper()
	_, err := node.Pool.Exec(context.Background(), `
		INSERT INTO eventnode.events (position, revision, created, event_id, is_json, stream, type, metadata, data)
		SELECT n * 400, n / 1000, 17000000000000000 + n, gen_random_uuid(), true, 'stream-' || n % 1000, 'Happened', '', decode(repeat('00', 300), 'hex')
		FROM generate_series(1, $1::bigint) n`, events)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := node.Pool.Exec(context.Background(), `ANALYZE eventnode.events`); err != nil {
		b.Fatal(err)
	}
	node.Restart()
}

// BenchmarkLive is the time from the answer to an append to its arrival at a
// subscriber, negative when the subscriber is first.
func BenchmarkLive(b *testing.B) {
	client := eventnodetest.Start(b).Client()
	sub, err := client.SubscribeToAll(context.Background(), esdb.SubscribeToAllOptions{From: esdb.End{}})
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Close()
	arrived := make(chan time.Time, 1)
	go func() {
		for {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				return
			}
			if e.EventAppeared != nil {
				arrived <- time.Now()
			}
		}
	}()
	var delays []time.Duration
	for b.Loop() {
		_, err := client.AppendToStream(context.Background(), "s", esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "T", Data: payload})
		if err != nil {
			b.Fatal(err)
		}
		answered := time.Now()
		delays = append(delays, (<-arrived).Sub(answered))
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-µs")
}
