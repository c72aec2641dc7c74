package directory_test

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/directory"
)

// blind has no key of anybody: personal texts read as erased.
type blind struct{}

func (blind) Key(context.Context, string) (cipher.AEAD, bool, error)    { return nil, false, nil }
func (blind) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// nodeConfig lets a directory follow a real store, with connections of its own
// as another process has.
func nodeConfig(tb testing.TB, store *eventstoretest.Store) directory.Config {
	tb.Helper()
	client := eventstoretest.Connect(tb, eventstore.Options{URL: store.Node.ConnectionString()})
	codec, err := eventstore.NewCodec(eventstore.Schemas(), blind{})
	if err != nil {
		tb.Fatal(err)
	}
	return directory.Config{
		Subscribe: func(p projections.Progress, o projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return p },
				BatchSize: o.MaxEvents, BatchDelay: o.MaxDelay, Bundle: o.Bundle,
			}), nil
		},
		Parts: eventstore.Parts,
		Decode: func(ctx context.Context, m *message.Message) (event.Recorded, error) {
			r, err := codec.Decode(ctx, m)
			var unreadable *eventstore.DecodeError
			if errors.As(err, &unreadable) {
				err = fmt.Errorf("%w: %w", projections.ErrUndecodable, err)
			}
			return r, err
		},
		Head:      client.HeadOf(eventstore.StreamPrefixes()),
		Recognise: client.Recognise, RestartWhenLogWentBack: true,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// runDirectory runs a directory until the returned function is called, at the
// test's end at the latest.
func runDirectory(tb testing.TB, d *directory.Directory) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

func onNode(tb testing.TB, store *eventstoretest.Store) *directory.Directory {
	tb.Helper()
	d := directory.New(nodeConfig(tb, store))
	runDirectory(tb, d)
	return d
}

// write appends events to a stream and returns the position of the last.
func write(tb testing.TB, store *eventstoretest.Store, stream string, after event.Revision, events ...event.Event) event.Position {
	tb.Helper()
	data := make([]esdb.EventData, len(events))
	for i, e := range events {
		var err error
		if data[i], err = store.Codec.Encode(tb.Context(), event.Draft{ID: event.ID(uuid.New()), Event: e}); err != nil {
			tb.Fatal(err)
		}
	}
	_, at, err := store.Client.Append(tb.Context(), stream, after, data)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// writeAda writes what adaAtAcme and key1 are, with personal texts.
func writeAda(tb testing.TB, store *eventstoretest.Store) event.Position {
	tb.Helper()
	write(tb, store, "user-user_ada", event.NoStream, user.Registered{
		UserID: ada, SubjectHash: "subject of user_ada", Email: personal.New("ada@example.com"), FirstName: personal.New("Ada"),
	})
	write(tb, store, "organization-org_acme", event.NoStream, founded(acme), joined(acme, ada, access.Owner))
	return write(tb, store, "apiKey-key_1", event.NoStream, issued(key1, acme, ada))
}

// eventually waits for a condition, ten seconds at most.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("not within ten seconds: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func TestOnARealNode(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	at := writeAda(t, store)
	one, two := onNode(t, store), onNode(t, store)
	for _, d := range []*directory.Directory{one, two} {
		if err := d.WaitFor(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if k, found := d.Key(secretOf(key1)); !found || k.Revoked || k.Owner.ID != ada || k.Role != access.Owner {
			t.Fatalf("found %v, %v", found, k)
		}
		eventually(t, "ready", func() bool { return d.Ready() == nil })
	}

	write(t, store, "apiKey-key_2", event.NoStream, issued(key2, acme, ada))
	if err := two.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found := two.Key(secretOf(key2)); !found {
		t.Error("a key that was issued before CatchUp is not found")
	}

	write(t, store, "apiKey-key_1", 0, apikey.Revoked{KeyID: key1})
	revoked := time.Now()
	for _, d := range []*directory.Directory{one, two} {
		eventually(t, "revoked everywhere", func() bool {
			// On a busy machine it may take longer; then the directory says so.
			asked := time.Since(revoked)
			err := d.Current(t.Context())
			k, _ := d.Key(secretOf(key1))
			if err == nil && !k.Revoked && asked > directory.Bound {
				t.Fatalf("the key is good %v after it was revoked", asked)
			}
			return k.Revoked
		})
	}
}

func TestOnANodeThatGoesAndComes(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	writeAda(t, store)
	d := onNode(t, store)
	eventually(t, "ready", func() bool { return d.Ready() == nil })

	store.Node.Stop()
	eventually(t, "unready without the store", func() bool {
		return d.Ready() != nil && errors.Is(d.Current(t.Context()), directory.ErrBehind)
	})
	store.Node.Restart()
	eventually(t, "recovered", func() bool { return d.Current(t.Context()) == nil && d.Ready() == nil })

	at := write(t, store, "apiKey-key_1", 0, apikey.Revoked{KeyID: key1})
	if err := d.WaitFor(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if k, _ := d.Key(secretOf(key1)); !k.Revoked {
		t.Error("what was written after the restart is unknown")
	}
}

func TestInALogThatOthersWriteTo(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	writeAda(t, store)
	d := onNode(t, store)
	eventually(t, "ready", func() bool { return d.Ready() == nil })
	began := time.Now()
	for n := 0; time.Since(began) < 2*directory.Bound; n++ {
		other := esdb.EventData{EventID: uuid.New(), EventType: "Noise", ContentType: esdb.ContentTypeJson, Data: []byte("{}")}
		if _, _, err := store.Client.Append(t.Context(), fmt.Sprint("noise-", n), event.NoStream, []esdb.EventData{other}); err != nil {
			t.Fatal(err)
		}
		if err := d.Current(t.Context()); err != nil {
			t.Fatalf("after %d events of others: %v, for %v", n, err, d.Ready())
		}
	}
}

func TestAnEventThatThisReleaseCannotRead(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	writeAda(t, store)
	d := onNode(t, store)
	newer := esdb.EventData{
		EventID: uuid.New(), EventType: "ApiKeyRotated", ContentType: esdb.ContentTypeJson,
		Data: []byte(`{"keyId":"key_1","what":"is this"}`), Metadata: []byte(`{"schemaVersion":99}`),
	}
	_, at, err := store.Client.Append(t.Context(), "apiKey-key_1", 0, []esdb.EventData{newer})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WaitFor(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if k, found := d.Key(secretOf(key1)); !found || !k.Unreadable {
		t.Errorf("found %v, %v", found, k)
	}
}

// BenchmarkReplay measures a start with a large log: a hundred thousand keys of
// a tenth as many users with an organization each. Streams hold many aggregates
// here, so that writing takes little of the time.
func BenchmarkReplay(b *testing.B) {
	const users, perUser, perAppend = 10_000, 10, 50
	store := eventstoretest.New(b)
	var last event.Position
	total := 0
	for u := 0; u < users; u += perAppend {
		var people, keys []event.Event
		for n := u; n < u+perAppend; n++ {
			person, place := id.User(fmt.Sprintf("user_01hzzzzzzzzzzzzzzzzz%06d", n)), id.Organization(fmt.Sprintf("org_01hzzzzzzzzzzzzzzzzz%06d", n))
			people = append(people, user.Registered{UserID: person, SubjectHash: fmt.Sprintf("%064d", n)},
				founded(place), joined(place, person, access.Owner))
			for k := range perUser {
				keys = append(keys, issued(id.APIKey(fmt.Sprintf("key_01hzzzzzzzzzzzzzzz%08d", n*perUser+k)), place, person))
			}
		}
		write(b, store, fmt.Sprint("user-", u), event.NoStream, people...)
		last = write(b, store, fmt.Sprint("apiKey-", u), event.NoStream, keys...)
		total += len(people) + len(keys)
	}
	b.ResetTimer()
	for b.Loop() {
		d := onNode(b, store)
		if err := d.WaitFor(b.Context(), last); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSnapshot measures what a snapshot of a million keys takes.
func BenchmarkSnapshot(b *testing.B) {
	d, _ := million()
	for b.Loop() {
		began := time.Now()
		data, err := d.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/encode")
		b.ReportMetric(float64(len(data))/(1<<20), "MiB")
		began = time.Now()
		if _, err := directory.Restored(data); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/decode")
	}
}

// million is a directory with a million keys, of a hundred thousand users with
// an organization each.
func million() (d *directory.Directory, events int) {
	const users, perUser = 100_000, 10
	d = directory.New(directory.Config{})
	at := event.Position{}
	apply := func(e event.Event) {
		at.Commit++
		d.Apply(event.Recorded{Position: at, Event: e})
	}
	for u := range users {
		name := id.User(fmt.Sprintf("user_01hzzzzzzzzzzzzzzzzz%06d", u))
		o := id.Organization(fmt.Sprintf("org_01hzzzzzzzzzzzzzzzzz%06d", u))
		apply(user.Registered{UserID: name, SubjectHash: fmt.Sprintf("%064d", u)})
		apply(founded(o))
		apply(joined(o, name, access.Owner))
		for i := range perUser {
			apply(issued(id.APIKey(fmt.Sprintf("key_01hzzzzzzzzzzzzzzz%08d", u*perUser+i)), o, name))
		}
	}
	return d, int(at.Commit)
}

// BenchmarkMemory measures what a million keys take.
func BenchmarkMemory(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		before, began := heap(), time.Now()
		d, events := million()
		took := time.Since(began)
		b.ReportMetric((heap()-before)/(1<<20), "MiB")
		b.ReportMetric(float64(events)/took.Seconds(), "events/s")
		runtime.KeepAlive(d)
	}
}

// BenchmarkStoredSnapshot measures what saving and loading a million keys take.
func BenchmarkStoredSnapshot(b *testing.B) {
	pool := postgrestest.New(b, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	kept := directory.NewSnapshots(pool)
	d, _ := million()
	data, err := d.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		began := time.Now()
		if err := kept.Save(b.Context(), d.Applied(), data); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/save")
		began = time.Now()
		if _, err := kept.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/load")
	}
}
