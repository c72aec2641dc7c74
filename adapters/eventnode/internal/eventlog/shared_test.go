package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// follow collects the ids of n events that a live reader of the log sees.
func follow(ctx context.Context, log *eventlog.Log, n int) (ids []uuid.UUID, err error) {
	buf := make([]*eventlog.Event, 0, 16)
	var position int64
	for len(ids) < n {
		events, wait, ok := log.After(position, buf)
		if !ok {
			return nil, errors.New("the tail does not reach back")
		}
		if len(events) == 0 {
			select {
			case <-wait:
			case <-ctx.Done():
				return ids, fmt.Errorf("after %d of %d events: %w", len(ids), n, ctx.Err())
			}
		}
		for _, e := range events {
			ids = append(ids, e.ID)
			position = e.Position
		}
	}
	return ids, nil
}

// TestSharedLog has several logs write to one database at once: some writers each
// to their own stream, and all of them to one that they fight over.
func TestSharedLog(t *testing.T) {
	t.Parallel()
	const logs, writers, each = 3, 4, 25
	pool := newPool(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var open [logs]*eventlog.Log
	var seen [logs][]uuid.UUID
	var followers, group sync.WaitGroup
	total := logs * writers * each * 2
	for i := range open {
		open[i] = openLog(t, on(pool))
		followers.Go(func() {
			var err error
			if seen[i], err = follow(ctx, open[i], total); err != nil {
				t.Errorf("log %d: %v", i, err)
			}
		})
	}
	for i, log := range open {
		for w := range writers {
			group.Go(func() {
				own := fmt.Sprintf("own-%d-%d", i, w)
				for n := range each {
					if result, err := log.Append(ctx, own, eventlog.Expected(n-1), proposed(1)); err != nil || result.Revision != int64(n) {
						t.Errorf("own stream at %d: %+v %v", n, result, err)
						return
					}
					appendContended(ctx, t, log)
				}
			})
		}
	}
	group.Wait()
	followers.Wait()

	whole := all(t, open[0])
	var ids []uuid.UUID
	next := map[string]int64{}
	var last int64
	for _, e := range whole {
		if e.Position <= last {
			t.Errorf("position %d after %d", e.Position, last)
		}
		if e.Revision != next[e.Stream] {
			t.Errorf("%s: revision %d, want %d", e.Stream, e.Revision, next[e.Stream])
		}
		last = e.Position
		next[e.Stream]++
		ids = append(ids, e.ID)
	}
	if next["contended"] != logs*writers*each {
		t.Errorf("%d events in the stream that all wrote to", next["contended"])
	}
	for i := range seen {
		if diff := cmp.Diff(ids, seen[i]); diff != "" {
			t.Errorf("log %d saw another order live (-log +seen): %s", i, diff)
		}
	}
}

// appendContended appends at an exact revision until it wins.
func appendContended(ctx context.Context, t *testing.T, log *eventlog.Log) {
	t.Helper()
	events, expected := proposed(1), eventlog.NoStream
	for ctx.Err() == nil {
		_, err := log.Append(ctx, "contended", expected, events)
		var wrong *eventlog.WrongRevisionError
		if !errors.As(err, &wrong) {
			if err != nil {
				t.Errorf("contended stream: %v", err)
			}
			return
		}
		expected = eventlog.Expected(wrong.Current)
	}
}

// TestFollowsFarBehind covers a log that slept while another wrote more than it
// takes up event by event.
func TestFollowsFarBehind(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	asleep := openLog(t, on(pool), func(config *eventlog.Config) { config.PollInterval = time.Hour })
	mustAppend(t, asleep, "s", eventlog.NoStream, proposed(1))
	// Behind the back of both notification and poll.
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO eventnode.events (position, revision, created, event_id, is_json, stream, type, metadata, data)
		SELECT 1000 + n, n, 0, gen_random_uuid(), false, 's', 'T', '', '' FROM generate_series(1, 10000) n`); err != nil {
		t.Fatal(err)
	}
	if got := describe(asleep.Append(t.Context(), "s", 0, proposed(1))); got != "wrong, at 10000" {
		t.Error(got)
	}
	if got := describe(asleep.Append(t.Context(), "s", 10000, proposed(1))); got != "at 10001" {
		t.Error(got)
	}
	if _, _, ok := asleep.After(0, make([]*eventlog.Event, 0, 1)); ok {
		t.Error("the tail claims to reach back to the start")
	}
}

// TestLogWentBack covers a database that was restored under a running node. All
// that the node remembers of the log of before is dropped before it writes, even
// when the log has been written to since and ends at the very position again.
func TestLogWentBack(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"shorter": `DELETE FROM eventnode.events WHERE revision > 0`,
		"as long": `UPDATE eventnode.events SET stream = 'u', revision = revision - 1, event_id = gen_random_uuid() WHERE revision > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t)
			log := openLog(t, on(pool), func(config *eventlog.Config) { config.PollInterval = time.Hour })
			mustAppend(t, log, "s", eventlog.NoStream, proposed(3))
			replaced := log.Replaced()
			if _, err := pool.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if got := describe(log.Append(t.Context(), "s", 2, proposed(1))); got != "wrong, at 0" {
				t.Errorf("at a revision that vanished: %s", got)
			}
			if got := describe(log.Append(t.Context(), "s", 0, proposed(1))); got != "at 1" {
				t.Error(got)
			}
			select {
			case <-replaced:
			default:
				t.Error("followers were not told")
			}
		})
	}
}

// TestLogWentBackIsNoticedWithoutWrites has nobody write.
func TestLogWentBackIsNoticedWithoutWrites(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.PollInterval = 20 * time.Millisecond })
	end := mustAppend(t, log, "s", eventlog.NoStream, proposed(3)).Position
	replaced := log.Replaced()
	if _, err := pool.Exec(t.Context(), `DELETE FROM eventnode.events WHERE revision > 0`); err != nil {
		t.Fatal(err)
	}
	select {
	case <-replaced:
	case <-time.After(time.Minute):
		t.Fatal("nobody noticed")
	}
	if log.Position() >= end {
		t.Errorf("the log ends at %d, as before", log.Position())
	}
}

// TestNewStreamsAreRaced has several logs believe that the same streams are new.
// Of each stream one writer wins, and a repetition of its append is recognised.
func TestNewStreamsAreRaced(t *testing.T) {
	t.Parallel()
	const logs, streams = 3, 40
	pool := newPool(t)
	var wins [streams]atomic.Int64
	var group sync.WaitGroup
	for range logs {
		log := openLog(t, on(pool))
		for s := range streams {
			group.Go(func() {
				stream, events := fmt.Sprintf("s%d", s), proposed(2)
				got := describe(log.Append(t.Context(), stream, eventlog.NoStream, events))
				switch again := describe(log.Append(t.Context(), stream, eventlog.NoStream, events)); {
				case got == "at 1" && again == got:
					wins[s].Add(1)
				case got != "wrong, at 1" || again != got:
					t.Errorf("%s: %s, and again %s", stream, got, again)
				}
			})
		}
	}
	group.Wait()
	for s := range wins {
		if n := wins[s].Load(); n != 1 {
			t.Errorf("stream %d was created %d times", s, n)
		}
	}
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.QueueBytes = 1000 })
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", eventlog.AdvisoryLock); err != nil {
		t.Fatal(err)
	}
	var pending []*eventlog.Pending
	start := func(size int) error {
		p, err := log.StartAppend(t.Context(), "s", eventlog.Any, incompressible(size))
		if err == nil {
			pending = append(pending, p)
		}
		return err
	}
	// Even one that is too large by itself finds its way.
	if err := start(5000); err != nil {
		t.Fatal(err)
	}
	if err := start(100); !errors.Is(err, eventlog.ErrBusy) {
		t.Errorf("beyond the bound: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := describe(pending[0].Wait()); got != "at 0" {
		t.Error(got)
	}
	if err := start(100); err != nil {
		t.Errorf("after the write was done: %v", err)
	}
	if got := describe(pending[1].Wait()); got != "at 1" {
		t.Error(got)
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	log := openLog(t, on(pool), func(config *eventlog.Config) { config.QueueLength, config.MaxBatch = 1, 1 })
	// Nobody gets the lock.
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1)", eventlog.AdvisoryLock); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	busy := make(chan struct{}, 100)
	for range 10 {
		group.Go(func() {
			if _, err := log.Append(ctx, "s", eventlog.Any, proposed(1)); errors.Is(err, eventlog.ErrBusy) {
				busy <- struct{}{}
			}
		})
	}
	select {
	case <-busy:
	case <-time.After(time.Minute):
		t.Error("nobody was refused")
	}
	cancel()
	group.Wait()
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", eventlog.AdvisoryLock); err != nil {
		t.Fatal(err)
	}
}

// TestNotifiesOnlyOthers watches the channel: a log that is alone keeps quiet, and
// one that is joined tells what it writes.
func TestNotifiesOnlyOthers(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	slow := func(config *eventlog.Config) { config.PollInterval = time.Hour }
	first := openLog(t, on(pool), slow)
	waitFor(ctx, t, "the log to know that it is alone", func() bool { return !first.NotifiesOthers() })

	second := openLog(t, on(pool), slow)
	waitFor(ctx, t, "the log to know that it is not alone", func() bool { return first.NotifiesOthers() && second.NotifiesOthers() })
	want := mustAppend(t, first, "s", eventlog.Any, proposed(1)).Position
	waitFor(ctx, t, "the other log to follow", func() bool { return second.Position() == want })
}
