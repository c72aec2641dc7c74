package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/users"
)

// system is the read side on real parts: node, client, subscriber, router.
type system struct {
	testing.TB
	store *eventstoretest.Store
}

func newSystem(tb testing.TB) *system {
	tb.Helper()
	return &system{tb, eventstoretest.New(tb)}
}

func (s *system) engine(definitions ...projections.Definition) *projections.Engine {
	s.Helper()
	return s.release(s.store.Codec, eventstore.Shapes(), definitions...)
}

// release is the engine of a program that can read some shapes of events.
func (s *system) release(codec *eventstore.Codec, shapes map[string]int, definitions ...projections.Definition) *projections.Engine {
	s.Helper()
	final := func(err error) error {
		var final *eventstore.DecodeError
		if errors.As(err, &final) {
			err = fmt.Errorf("%w: %w", projections.ErrUndecodable, err)
		}
		return err
	}
	e, err := projections.New(projections.Config{
		Pool: s.store.Pool, Definitions: definitions, Shapes: shapes,
		Subscribe: func(p projections.Progress, o projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(s.store.Client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return p },
				BatchSize: o.MaxEvents, BatchDelay: o.MaxDelay, Bundle: o.Bundle,
			}), nil
		},
		Parts: eventstore.Parts,
		Decode: func(ctx context.Context, m *message.Message) (event.Recorded, error) {
			r, err := codec.Decode(ctx, m)
			return r, final(err)
		},
		Read: func(ctx context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error {
			return s.store.Client.ReadLog(ctx, from, upTo, eventstore.StreamPrefixes(), func(stored *esdb.RecordedEvent) error {
				r, err := codec.DecodeRecorded(ctx, stored)
				return each(r, final(err))
			})
		},
		Head:   s.store.Client.Head,
		Logger: slog.New(slog.DiscardHandler),
		Watch:  50 * time.Millisecond,
	})
	if err != nil {
		s.Fatal(err)
	}
	return e
}

func (s *system) run(e *projections.Engine) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.Errorf("run: %v", err)
		}
	})
	s.Cleanup(stop)
	return stop
}

// append writes events to the end of a new stream, through whatever faults.
func (s *system) append(stream string, events ...event.Event) event.Position {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	fold := commands.Fold{Apply: func(state any, _ event.Event) any { return state }}
	var drafts []event.Draft
	for _, e := range events {
		drafts = append(drafts, event.Draft{ID: event.ID(uuid.New()), Event: e})
	}
	for {
		after, err := s.store.Streams.Append(ctx, commands.Snapshot{Stream: stream, Revision: event.NoStream}, fold, drafts)
		switch {
		case err == nil:
			return after.Position
		case ctx.Err() != nil:
			s.Fatal(err)
		}
	}
}

// signUp writes a user with an organization and two keys.
func (s *system) signUp(n int) event.Position {
	s.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	userID, orgID := id.User(fmt.Sprint("user_", n)), id.Organization(fmt.Sprint("org_", n))
	s.append("user-"+string(userID), user.Registered{
		UserID: userID, SubjectHash: fmt.Sprint("s", n), Email: personal.New(fmt.Sprintf("%d@example.org", n)),
		FirstName: personal.New("Ada"), LastName: personal.New("Löve"), OccurredAt: at,
	}, user.ActiveOrganizationSwitched{UserID: userID, OrganizationID: orgID, OccurredAt: at})
	s.append("organization-"+string(orgID),
		organization.Registered{OrganizationID: orgID, Name: "Acme", Slug: fmt.Sprint("acme-", n), OccurredAt: at},
		organization.MemberJoined{OrganizationID: orgID, UserID: userID, Role: access.Owner, OccurredAt: at})
	var last event.Position
	for i := range 2 {
		keyID := id.APIKey(fmt.Sprintf("key_%d_%d", n, i))
		last = s.append("apiKey-"+string(keyID), apikey.Issued{
			KeyID: keyID, OrganizationID: orgID, OwnerType: apikey.OwnerUser, UserID: userID, IssuedBy: userID,
			Scopes: []access.Scope{access.ScopeReadFiles}, Start: "pw_test_x", Last4: "y", OccurredAt: at,
		}, apikey.DescriptionChanged{KeyID: keyID, Description: "changed", OccurredAt: at})
	}
	return last
}

func (s *system) waitFor(e *projections.Engine, position event.Position, names ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, name := range names {
		if err := e.WaitFor(ctx, name, position); err != nil {
			status, _ := e.Status(context.Background())
			s.Fatalf("%v\n%+v", err, status)
		}
	}
}

func (s *system) dump(tables ...string) string {
	s.Helper()
	var out strings.Builder
	for _, table := range tables {
		rows, err := s.store.Pool.Query(context.Background(), fmt.Sprintf("SELECT t::text FROM %s t ORDER BY 1", table))
		if err != nil {
			s.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			s.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n%s\n", table, strings.Join(texts, "\n"))
	}
	return out.String()
}

var allTables = []string{
	"users.profiles", "organizations.organizations", "organizations.members", "organizations.slugs", "apikeys.keys",
}

// Everything that can go away does, while events come: the read models are those
// of the log all the same, nothing missing and nothing twice.
func TestReadModelsSurviveFaultsOfAllParts(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	definitions := []projections.Definition{users.Definition(), organizations.Definition(), apikeys.Definition()}
	names := []string{users.Name, organizations.Name, apikeys.Name}
	e := s.engine(definitions...)
	stop := s.run(e)
	const rounds, perRound = 8, 15
	for round := range rounds {
		written := make(chan event.Position)
		go func() {
			var last event.Position
			for i := range perRound {
				last = s.signUp(round*perRound + i)
			}
			written <- last
		}()
		switch pause := time.Duration(rand.IntN(40)) * time.Millisecond; round % 4 {
		case 0: // All database sessions of the read side and of the node's log.
			<-time.After(pause)
			_, _ = s.store.Pool.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		case 1:
			<-time.After(pause)
			s.store.Node.Restart()
		case 2:
			stop()
			e = s.engine(definitions...)
			stop = s.run(e)
		}
		last := <-written
		s.waitFor(e, last, names...)
	}
	live := s.dump(allTables...)
	if n := strings.Count(live, "(key_"); n != 2*rounds*perRound {
		t.Errorf("%d keys, want %d", n, 2*rounds*perRound)
	}
	for _, name := range names {
		if err := s.engine(definitions...).Rebuild(context.Background(), name, func(projections.BuildProgress) {}); err != nil {
			t.Fatal(err)
		}
		if parked, _, err := e.Parked(context.Background(), name, 10); err != nil || len(parked) > 0 {
			t.Errorf("parked: %v, %v", parked, err)
		}
	}
	if diff := cmp.Diff(live, s.dump(allTables...)); diff != "" {
		t.Errorf("the tables differ from a rebuild (-live +rebuilt):\n%s", diff)
	}
	s.waitFor(e, s.signUp(rounds*perRound), names...)
}

// An event of a newer program, in a stream of ours, is parked with what follows
// in its stream; the rest goes on.
func TestAnEventOfANewerProgramIsParked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSystem(t)
	e := s.engine(apikeys.Definition())
	s.run(e)
	_, err := s.store.Node.Client().AppendToStream(ctx, "apiKey-key_9", esdb.AppendToStreamOptions{},
		esdb.EventData{
			EventType: "ApiKeyIssued", ContentType: esdb.ContentTypeJson,
			Data: []byte(`{"keyId":"key_9","secret":"x"}`), Metadata: []byte(`{"schemaVersion":99}`),
		},
		esdb.EventData{
			EventType: "ApiKeyDescriptionChanged", ContentType: esdb.ContentTypeJson,
			Data: []byte(`{"keyId":"key_9","occurredAt":"2026-01-01T00:00:00Z"}`), Metadata: []byte(`{"schemaVersion":1}`),
		},
		esdb.EventData{ // Of no interest to this projection, whatever it is.
			EventType: "ApiKeyPainted", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`), Metadata: []byte(`{"schemaVersion":1}`),
		})
	if err != nil {
		t.Fatal(err)
	}
	s.waitFor(e, s.signUp(1), apikeys.Name)
	parked, _, err := e.Parked(ctx, apikeys.Name, 10)
	if err != nil || len(parked) != 2 {
		t.Fatalf("parked: %+v, %v", parked, err)
	}
	for i, want := range []string{"not version 99", ""} {
		p := parked[i]
		if p.Stream != "apiKey-key_9" || p.Revision != event.Revision(i) || !strings.Contains(p.Failure, want) || p.EventType == "" {
			t.Errorf("parked: %+v", p)
		}
	}
	if n := strings.Count(s.dump("apikeys.keys"), "(key_1_"); n != 2 {
		t.Errorf("%d keys, want 2", n)
	}
	// A rebuild meets the same, and is no worse.
	if err := e.Rebuild(ctx, apikeys.Name, func(projections.BuildProgress) {}); err != nil {
		t.Errorf("rebuild: %v", err)
	}
}

// A rolling deploy: the release before parks events of a shape that is new in
// the next one, which takes them in as soon as it projects.
func TestTheNextReleaseReadsWhatTheOneBeforeParked(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSystem(t)
	schemas := eventstore.Schemas()
	shapes := eventstore.Shapes()
	for i := range schemas {
		if schemas[i].Type == (apikey.Issued{}).EventType() {
			schemas[i].Version++
			schemas[i].Upcasters = append(slices.Clone(schemas[i].Upcasters), func(f event.Fields) (event.Fields, error) { return f, nil })
			shapes[schemas[i].Type] = schemas[i].Version
		}
	}
	codec, err := eventstore.NewCodec(schemas, s.store.Keyring)
	if err != nil {
		t.Fatal(err)
	}
	before := s.engine(apikeys.Definition())
	stop := s.run(before)
	s.waitFor(before, s.signUp(1), apikeys.Name)
	issued, err := codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: apikey.Issued{
		KeyID: "key_9", OrganizationID: "org_1", OwnerType: apikey.OwnerOrganization, IssuedBy: "user_1",
		Scopes: []access.Scope{access.ScopeReadFiles}, Start: "pw_test_x", Last4: "y", OccurredAt: time.Now().UTC().Truncate(time.Millisecond),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.store.Client.Append(ctx, "apiKey-key_9", event.NoStream, []esdb.EventData{issued}); err != nil {
		t.Fatal(err)
	}
	s.waitFor(before, s.signUp(2), apikeys.Name)
	if parked, _, err := before.Parked(ctx, apikeys.Name, 10); err != nil || len(parked) != 1 {
		t.Fatalf("parked: %+v, %v", parked, err)
	}
	next := s.release(codec, shapes, apikeys.Definition())
	s.run(next)
	stop()
	s.waitFor(next, s.signUp(3), apikeys.Name)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(s.dump("apikeys.keys"), "(key_9,"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the key is not shown")
		}
	}
}
