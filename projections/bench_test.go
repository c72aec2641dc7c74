package projections_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/projectionstest"
)

// The API-key read model is filled with this many keys, each an event, as in a
// run of the product: two thirds new keys, one third changes of them.
const benchEvents = 60_000

func benchEvent(n int) (stream string, e event.Event) {
	at := time.Date(2026, 1, 1, 0, 0, 0, n*1e6, time.UTC)
	keyID := id.APIKey(fmt.Sprintf("key_01jd9z3q5we8x9v6m2k4%06d", n/3*2+n%3%2))
	stream = "apiKey-" + string(keyID)
	if n%3 == 2 {
		return stream, apikey.DescriptionChanged{KeyID: keyID, Description: "Nightly import", OccurredAt: at}
	}
	return stream, apikey.Issued{
		KeyID: keyID, OrganizationID: "org_01jd9z3q5we8x9v6m2k4t7r1b9", OwnerType: apikey.OwnerUser,
		UserID: "user_01jd9z3q5we8x9v6m2k4t7r1b9", IssuedBy: "user_01jd9z3q5we8x9v6m2k4t7r1b9",
		Scopes:      []access.Scope{access.ScopeReadFiles, access.ScopeWriteFiles},
		Description: "Nightly import", SecretHash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		Start: "pw_test_7Qx2", Last4: "0aZ9", OccurredAt: at,
	}
}

func reportRate(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(benchEvents)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLimit writes the same rows by hand: prepared statements, one for
// each event, through pgx.Batch in transactions of 500.
func BenchmarkLimit(b *testing.B) {
	ctx := context.Background()
	const perTransaction = 500
	for b.Loop() {
		b.StopTimer()
		pool := postgrestest.New(b)
		if _, err := pool.Exec(ctx, "CREATE SCHEMA apikeys; SET search_path TO apikeys; "+
			apikeys.Definition().Tables+apikeys.Definition().Indexes+"RESET search_path"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for n := 0; n < benchEvents; n += perTransaction {
			batch := &pgx.Batch{}
			for i := n; i < n+perTransaction; i++ {
				switch _, e := benchEvent(i); e := e.(type) {
				case apikey.Issued:
					batch.Queue(`INSERT INTO apikeys.keys (id, organization_id, owner_type, user_id, issued_by, description, scopes,
						live, start, last4, predecessor_id, revision, created_at, updated_at, description_folded, characters_folded)
						VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, $11, $11, $12, $13)`,
						string(e.KeyID), string(e.OrganizationID), string(e.OwnerType), string(e.UserID), string(e.IssuedBy),
						e.Description, e.Scopes, e.Live, e.Start, e.Last4, e.OccurredAt,
						list.Fold(e.Description), list.Fold(e.Start+" "+e.Last4))
				case apikey.DescriptionChanged:
					batch.Queue("UPDATE apikeys.keys SET description = $2, description_folded = $4, revision = 1, updated_at = $3 WHERE id = $1",
						string(e.KeyID), e.Description, e.OccurredAt, list.Fold(e.Description))
				}
			}
			err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	reportRate(b)
}

// BenchmarkEngine is the engine with its router, from a log in memory.
func BenchmarkEngine(b *testing.B) {
	log := projectionstest.NewLog()
	for n := range benchEvents {
		stream, e := benchEvent(n)
		log.Append(stream, e)
	}
	last, _ := log.Head(context.Background())
	for b.Loop() {
		b.StopTimer()
		pool := postgrestest.New(b, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
		e, err := projections.New(projections.Config{
			Pool: pool, Definitions: []projections.Definition{apikeys.Definition()}, Decode: log.Decode, Head: log.Head,
			Subscribe: func(p projections.Progress, o projections.SubscribeOptions) (message.Subscriber, error) {
				return log.Subscriber(p, o.MaxEvents), nil
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		if err := e.WaitFor(ctx, apikeys.Name, last); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cancel()
		<-done
		b.StartTimer()
	}
	reportRate(b)
}

// fill writes the events into the store, in few appends.
func (s *system) fill() event.Position {
	s.Helper()
	ctx := context.Background()
	byStream := map[string][]esdb.EventData{}
	var order []string
	for n := range benchEvents {
		stream, e := benchEvent(n)
		data, err := s.store.Codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: e})
		if err != nil {
			s.Fatal(err)
		}
		if byStream[stream] == nil {
			order = append(order, stream)
		}
		byStream[stream] = append(byStream[stream], data)
	}
	const writers = 64
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := w; i < len(order); i += writers {
				if _, _, err := s.store.Client.Append(ctx, order[i], event.NoStream, byStream[order[i]]); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			s.Fatal(err)
		}
	}
	head, err := s.store.Client.Head(ctx)
	if err != nil {
		s.Fatal(err)
	}
	return head
}

// readAll reads the log by the client alone.
func (s *system) readAll() {
	s.Helper()
	stream, err := s.store.Node.Client().ReadAll(context.Background(), esdb.ReadAllOptions{}, math.MaxInt64)
	if err != nil {
		s.Fatal(err)
	}
	defer stream.Close()
	for n := 0; ; n++ {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			if n < benchEvents {
				s.Fatalf("%d events", n)
			}
			return
		} else if err != nil {
			s.Fatal(err)
		}
	}
}

// BenchmarkStore is the same from the event store: node, client, codec,
// subscriber, router, engine. Live commits 500 events at a time; Rebuild makes
// a new generation beside.
func BenchmarkStore(b *testing.B) {
	s := newSystem(b)
	head := s.fill()
	b.Run("live", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if _, err := s.store.Pool.Exec(context.Background(),
				"DELETE FROM projection.generations; DROP SCHEMA IF EXISTS apikeys CASCADE"); err != nil {
				b.Fatal(err)
			}
			e := s.engine(apikeys.Definition())
			b.StartTimer()
			stop := s.run(e)
			s.waitFor(e, head, apikeys.Name)
			b.StopTimer()
			stop()
			b.StartTimer()
		}
		reportRate(b)
	})
	b.Run("read", func(b *testing.B) { // The limit of a rebuild.
		for b.Loop() {
			s.readAll()
		}
		reportRate(b)
	})
	b.Run("rebuild", func(b *testing.B) {
		e := s.engine(apikeys.Definition())
		for b.Loop() {
			if err := e.Rebuild(context.Background(), apikeys.Name, func(projections.BuildProgress) {}); err != nil {
				b.Fatal(err)
			}
		}
		reportRate(b)
	})
}
