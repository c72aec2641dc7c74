package directory_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections/directory"
)

// A key that is revoked after the log went back is refused, although the
// directory had been beyond that position before.
func TestADirectoryBeginsAgainWithALogThatWentBack(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	if _, err := store.Client.Identity(t.Context()); err != nil { // A server writes it first.
		t.Fatal(err)
	}
	kept := writeAda(t, store)
	d := onNode(t, store)
	lost := write(t, store, "apiKey-key_2", event.NoStream, issued(key2, acme, ada), apikey.Rotated{KeyID: key2}, apikey.Rotated{KeyID: key2})
	eventually(t, "it knows both keys", func() bool {
		_, first := d.Key(secretOf(key1))
		_, second := d.Key(secretOf(key2))
		return first && second && d.Ready() == nil && d.Applied().Compare(lost) >= 0
	})
	store.GoBack(t, kept)
	if _, err := store.Client.Head(t.Context()); err != nil { // The writer has noticed, too.
		t.Fatal(err)
	}
	revoked := write(t, store, "apiKey-key_1", 0, apikey.Revoked{KeyID: key1})
	if revoked.Compare(lost) >= 0 {
		t.Fatal("the revocation is beyond what was lost")
	}
	eventually(t, "the revoked key is refused and the lost one gone", func() bool {
		first, _ := d.Key(secretOf(key1))
		_, second := d.Key(secretOf(key2))
		return first.Revoked && !second && d.Current(t.Context()) == nil
	})
}

// One that may not begin again vouches for nobody, and says why, until the log
// is what it was.
func TestADirectoryWaitsForTheLogToBeBack(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	writeAda(t, store)
	config := nodeConfig(t, store)
	config.RestartWhenLogWentBack = false
	var elsewhere atomic.Bool // The setting points at another log.
	recognise := config.Recognise
	config.Recognise = func(ctx context.Context, mark event.Mark) (event.Mark, error) {
		if elsewhere.Load() {
			return event.Mark{}, event.ErrLogWentBack
		}
		return recognise(ctx, mark)
	}
	d := directory.New(config)
	runDirectory(t, d)
	eventually(t, "ready", func() bool { return d.Ready() == nil })
	elsewhere.Store(true)
	store.Node.Restart()
	eventually(t, "it says why it is not ready", func() bool { return errors.Is(d.Ready(), event.ErrLogWentBack) })
	if err := d.Current(t.Context()); !errors.Is(err, directory.ErrBehind) {
		t.Errorf("it vouches: %v", err)
	}
	elsewhere.Store(false)
	eventually(t, "it vouches again", func() bool { return d.Ready() == nil && d.Current(t.Context()) == nil })
	if _, found := d.Key(secretOf(key1)); !found {
		t.Error("it forgot what it knew")
	}
}

// A snapshot of a release that could read fewer shapes of events is not used by
// one that can read more: it may hold what is unreadable to the former alone.
func TestASnapshotOfFewerShapesIsNotUsed(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	writeAda(t, store)
	start := func(shapes map[string]int) (events int64) {
		s := starter{store: store, pool: store.Pool, every: 1, shapes: shapes}
		d := s.start(t)
		d.stop()
		return d.events.Load()
	}
	if n := start(nil); n == 0 {
		t.Fatal("the first start read nothing")
	}
	if n := start(map[string]int{"ApiKeyIssued": 1}); n != 0 {
		t.Errorf("a start with the same shapes read %d events", n)
	}
	if n := start(map[string]int{"ApiKeyIssued": 2}); n == 0 {
		t.Error("a start with more shapes read nothing")
	}
	if n := start(nil); n != 0 {
		t.Errorf("the release before read %d events", n)
	}
}
