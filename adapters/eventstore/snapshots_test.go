package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/eventstore/snapshots"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// accountFold folds token accounts, with their snapshots in some form.
func accountFold(form string) commands.Fold {
	of := tokenaccount.Aggregate.Snapshots
	return commands.Fold{
		Zero:  tokenaccount.State{},
		Apply: func(s any, e event.Event) any { return tokenaccount.Apply(s.(tokenaccount.State), e) },
		Snapshots: &event.Snapshots[any]{
			Form: of.Form + form,
			Save: func(s any) ([]byte, error) { return of.Save(s.(tokenaccount.State)) },
			Load: func(data []byte) (any, error) { return of.Load(data) },
		},
	}
}

// spender is a process that writes to accounts and keeps snapshots.
type spender struct {
	*eventstore.Streams
	metrics *counts
	fold    commands.Fold
}

func newSpender(tb testing.TB, store *eventstoretest.Store, each event.Revision) *spender {
	tb.Helper()
	s := &spender{metrics: &counts{}, fold: accountFold("")}
	client := eventstoretest.Connect(tb, eventstore.Options{URL: store.Node.ConnectionString(), Metrics: s.metrics})
	var err error
	if s.Streams, err = eventstore.NewStreams(client, store.Codec, 0); err != nil {
		tb.Fatal(err)
	}
	table, err := snapshots.NewTable(store.Pool)
	if err != nil {
		tb.Fatal(err)
	}
	s.KeepSnapshots(table)
	s.SnapshotEach(each)
	return s
}

// spend reserves and captures n times, in appends of some events.
func (s *spender) spend(ctx context.Context, organization id.Organization, n int) error {
	stream := tokenaccount.Aggregate.Stream(tokenaccount.ID(organization))
	at, err := s.Load(ctx, stream, s.fold, true)
	if err != nil {
		return err
	}
	state := at.State.(tokenaccount.State)
	first := int(at.Revision) + 1
	c := tokenaccount.Context{OrganizationID: organization, At: began.Add(time.Duration(first) * time.Second)}
	var events []event.Event
	decided := func(more []event.Event, err error) error {
		for _, e := range more {
			state = tokenaccount.Apply(state, e)
		}
		events = append(events, more...)
		return err
	}
	if first == 0 {
		err = decided(state.Bring(c, tokenaccount.Granting{
			Grant: tokenaccount.Reference{ID: "g", At: began}, Source: tokenaccount.SourcePurchase, Amount: 1_000_000,
		}))
	}
	for i := range n {
		r := tokenaccount.Reference{ID: fmt.Sprint(first, " ", i), At: began}
		err = errors.Join(err, decided(state.Reserve(c, tokenaccount.Reservation{Reference: r, Amount: 5, Hold: time.Hour})))
		if i%3 != 0 {
			err = errors.Join(err, decided(state.Capture(c, r, 3)))
		}
	}
	if err != nil {
		return err
	}
	_, err = s.Append(ctx, at, s.fold, drafts(events...))
	return err
}

// balance is all that a process knows of an account, and how many events it read
// for that.
func (s *spender) balance(ctx context.Context, organization id.Organization) (state string, read int, err error) {
	stream := tokenaccount.Aggregate.Stream(tokenaccount.ID(organization))
	s.Forget()
	at, err := s.Load(ctx, stream, s.fold, true)
	if err != nil {
		return "", 0, err
	}
	s.SnapshotsStored()
	text, err := json.Marshal(at.State.(tokenaccount.State).Save())
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	return fmt.Sprint(at.Revision, at.Position, string(text)), s.metrics.loaded[len(s.metrics.loaded)-1], err
}

func count(tb testing.TB, pool *pgxpool.Pool) (n int) {
	tb.Helper()
	if err := pool.QueryRow(context.Background(), "SELECT count(*) FROM state_snapshots").Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// A process that has not seen an account reads what came after the snapshot and
// the event that the snapshot ends with; without snapshots it reads all, and
// gets the same.
func TestSnapshotsShortenLoading(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	here, there := newSpender(t, store, 512), newSpender(t, store, 512)
	for range 7 {
		if err := here.spend(ctx, "org_1", 60); err != nil {
			t.Fatal(err)
		}
		here.SnapshotsStored()
	}
	if n := count(t, store.Pool); n != 1 {
		t.Fatalf("%d snapshots are stored", n)
	}
	short, read, err := there.balance(ctx, "org_1")
	if err != nil || read == 0 || read > 512 {
		t.Errorf("%d events were read, %v", read, err)
	}
	if _, err := store.Pool.Exec(ctx, "DELETE FROM state_snapshots"); err != nil {
		t.Fatal(err)
	}
	long, read, err := there.balance(ctx, "org_1")
	if err != nil || read != 701 {
		t.Errorf("without a snapshot %d events were read, %v", read, err)
	}
	if diff := cmp.Diff(long, short); diff != "" {
		t.Errorf("the snapshot gives something else (-folded +snapshot): %s", diff)
	}
	if n := count(t, store.Pool); n != 1 {
		t.Error("loading all of a long stream stored no snapshot")
	}
}

// What is not a snapshot of this stream in this log is not used: the answer is
// that of folding, and a usable snapshot takes its place.
func TestUnusableSnapshotsAreRefused(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	here := newSpender(t, store, 50)
	for _, organization := range []id.Organization{"org_1", "org_2"} {
		if err := here.spend(ctx, organization, 60); err != nil {
			t.Fatal(err)
		}
		here.SnapshotsStored()
	}
	want, read, err := here.balance(ctx, "org_1")
	if err != nil || read != 0 {
		t.Fatalf("%d events were read, %v", read, err)
	}
	for name, damage := range map[string]string{
		"erased":               `UPDATE state_snapshots SET data = '' WHERE stream = 'tokenAccount-org_1'`,
		"cut off":              `UPDATE state_snapshots SET data = substr(data, 1, length(data) - 9) WHERE stream = 'tokenAccount-org_1'`,
		"one bit is another":   `UPDATE state_snapshots SET data = set_byte(data, 200, get_byte(data, 200) # 4) WHERE stream = 'tokenAccount-org_1'`,
		"of another event":     `UPDATE state_snapshots SET event_id = gen_random_uuid() WHERE stream = 'tokenAccount-org_1'`,
		"of another revision":  `UPDATE state_snapshots SET revision = revision - 1 WHERE stream = 'tokenAccount-org_1'`,
		"of a later revision":  `UPDATE state_snapshots SET revision = revision + 10 WHERE stream = 'tokenAccount-org_1'`,
		"of another account":   `UPDATE state_snapshots SET data = (SELECT data FROM state_snapshots WHERE stream = 'tokenAccount-org_2') WHERE stream = 'tokenAccount-org_1'`,
		"of an earlier schema": `UPDATE state_snapshots SET form = 'earlier' WHERE stream = 'tokenAccount-org_1'`,
	} {
		if _, err := store.Pool.Exec(ctx, damage); err != nil {
			t.Fatal(err)
		}
		got, read, err := here.balance(ctx, "org_1")
		if err != nil || read != 101 || got != want {
			t.Errorf("%s: %d events were read, %v\n%s", name, read, err, cmp.Diff(want, got))
		}
		if got, read, err = here.balance(ctx, "org_1"); err != nil || read != 0 || got != want {
			t.Errorf("after %s: %d events were read, %v", name, read, err)
		}
	}
}

// A whole snapshot of a log that is no longer there: its event is asked for.
func TestSnapshotsOfALogThatWentBack(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, time.Minute)
	here := newSpender(t, store, 50)
	if err := here.spend(ctx, "org_1", 10); err != nil {
		t.Fatal(err)
	}
	kept, err := here.Load(ctx, "tokenAccount-org_1", here.fold, true)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := here.balance(ctx, "org_1")
	if err != nil {
		t.Fatal(err)
	}
	if err := here.spend(ctx, "org_1", 60); err != nil {
		t.Fatal(err)
	}
	here.SnapshotsStored()
	store.GoBack(t, kept.Position)
	there := newSpender(t, store, 50)
	if got, _, err := there.balance(ctx, "org_1"); err != nil || got != want {
		t.Errorf("%v: %s", err, cmp.Diff(want, got))
	}
	if n := count(t, store.Pool); n != 0 {
		t.Error("the snapshot of what was lost is still there")
	}
}

// However often and by whom snapshots are stored and deleted, all processes know
// the same of an account.
func TestDeletedSnapshotsGiveTheSameAnswers(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	ctx := within(t, 2*time.Minute)
	processes := []*spender{newSpender(t, store, 3), newSpender(t, store, 20)}
	plain := newSpender(t, store, 1<<40)
	rapid.Check(t, func(t *rapid.T) {
		organization := id.Organization("org_" + uuid.NewString())
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			p := processes[rapid.IntRange(0, 1).Draw(t, "process")]
			if err := p.spend(ctx, organization, rapid.IntRange(1, 8).Draw(t, "operations")); err != nil {
				t.Fatal(err)
			}
			p.SnapshotsStored()
			if rapid.Bool().Draw(t, "deleted") {
				if _, err := store.Pool.Exec(ctx, "DELETE FROM state_snapshots"); err != nil {
					t.Fatal(err)
				}
			}
			with, _, err := processes[rapid.IntRange(0, 1).Draw(t, "reader")].balance(ctx, organization)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Pool.Exec(ctx, "DELETE FROM state_snapshots"); err != nil {
				t.Fatal(err)
			}
			without, _, err := plain.balance(ctx, organization)
			if err != nil || with != without {
				t.Fatalf("%v (-without +with): %s", err, cmp.Diff(without, with))
			}
		}
	})
}
