package evidence_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/domain/event"
)

// spoil changes a byte of a stored object.
func (w *world) spoil(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(w.file(path))
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(w.file(path), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(w.file(path)); err != nil {
		t.Fatal(err)
	}
}

// What is done to the store is told from what is done to the log: the signed root
// proves the log whatever the tiles say.
func TestASpoiltStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoiled, removed, cut string
		// narrow says that a change of the log is still found at its place, block that it
		// is found within 256 events.
		narrow, block bool
	}{
		"a tile of leaves":        {spoiled: tiled("0", 1, 256), block: true},
		"another tile of leaves":  {spoiled: tiled("0", 0, 256), narrow: true, block: true},
		"a missing tile":          {removed: tiled("0", 1, 256), block: true},
		"a missing tile above":    {removed: tiled("1", 0, 4)},
		"a tile at the edge":      {spoiled: tiled("0", 4, 76)},
		"a missing bundle":        {removed: tiled("entries", 1, 256), narrow: true, block: true},
		"a changed bundle":        {spoiled: tiled("entries", 1, 256), narrow: true, block: true},
		"a bundle of other sizes": {cut: tiled("entries", 1, 256), narrow: true, block: true},
		"no tiles at all":         {removed: "tile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, size := range []int{250, 600, 1100} {
				w.log.grow(size)
				w.take(t)
			}
			if c.spoiled != "" {
				w.spoil(t, c.spoiled)
			}
			if c.removed != "" {
				w.remove(t, c.removed)
			}
			if c.cut != "" {
				w.cut(t, c.cut)
			}
			r := verify(t, w.Ledger, evidence.VerifyOptions{All: true})
			if inBundle := strings.Contains(name, "bundle"); !r.Proven || r.Difference != nil || (len(r.Store) == 0) != inBundle {
				t.Errorf("the log itself: %+v", r)
			}
			const at = 300
			bad := w.over(tampered(w.log, changed(at, func(e *evidence.Event) { e.Data = nil })))
			r = verify(t, bad, evidence.VerifyOptions{})
			if r.Proven || r.Difference == nil || len(r.Store) == 0 && !strings.HasPrefix(name, "another") {
				t.Fatalf("%+v", r)
			}
			d, position := r.Difference, w.log.events[at].Position
			switch {
			case c.narrow && (d.Position != position || d.UpTo != nil):
				t.Errorf("it is not found at its place: %v", d)
			case c.block && !c.narrow && (d.Leaf != 256 || d.UpTo == nil || *d.UpTo != w.log.events[511].Position):
				t.Errorf("it is not found within its block: %v", d)
			case !c.block && (d.Position != w.log.events[249].Position || d.UpTo == nil || *d.UpTo != w.log.events[599].Position):
				t.Errorf("it is not found between the checkpoints: %v", d)
			}
		})
	}
}

func (w *world) cut(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(w.file(path), 100); err != nil {
		t.Fatal(err)
	}
}

// Somebody who rewrites the log, the whole database and the whole store, but has not
// the key, is found out: by the signature, and by any checkpoint that was kept.
func TestAllWasRewritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(1000)
	kept := w.take(t)
	w.log.grow(1100)
	w.take(t)

	other := newWorld(t)
	other.log.events = tampered(w.log, changed(400, func(e *evidence.Event) { e.Data = []byte(`{"n":0}`) })).events
	other.take(t)
	forged := other.Config
	forged.Keys = w.Keys // The auditor trusts these.
	l := evidence.New(forged)
	if _, err := l.Verify(t.Context(), evidence.VerifyOptions{}); !errors.Is(err, evidence.ErrSignature) {
		t.Errorf("signed by another key: %v", err)
	}
	if _, _, err := l.Take(t.Context()); !errors.Is(err, evidence.ErrSignature) {
		t.Errorf("it is gone on from: %v", err)
	}
	r := verify(t, l, evidence.VerifyOptions{Checkpoints: []evidence.Checkpoint{kept}})
	if r.Proven || len(r.Store) == 0 || r.Difference == nil || *r.Difference.UpTo != kept.Position {
		t.Errorf("by a checkpoint that was kept: %+v", r)
	}
	// With the key stolen, too, the checkpoint that was kept still tells.
	stolen := other.Config
	stolen.Keys = w.Keys
	stolen.Store, stolen.Log = openStore(t, t.TempDir()), "log-1"
	stolen.Pool = newWorld(t).pool
	thief := evidence.New(stolen)
	if _, _, err := thief.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, thief, evidence.VerifyOptions{}); !r.Proven {
		t.Errorf("%+v", r)
	}
	if r := verify(t, thief, evidence.VerifyOptions{Checkpoints: []evidence.Checkpoint{kept}}); r.Proven || r.Difference == nil {
		t.Errorf("with the key stolen: %+v", r)
	}
}

// Checkpoints are taken by the new key, and those before stay valid.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(300)
	w.take(t)
	old := w.Keys.Public()[0]
	_, private := newKeys(t, "test.2")
	keys, err := evidence.ReadKeys([]byte("# rotated\n" + private + "\n" + old))
	if err != nil {
		t.Fatal(err)
	}
	c := w.Config
	c.Keys = keys
	rotated := evidence.New(c)
	w.log.grow(400)
	after, _, err := rotated.Take(t.Context())
	if err != nil || !strings.Contains(after.Note, "— test.2 ") {
		t.Fatalf("%+v, %v", after, err)
	}
	if r := verify(t, rotated, evidence.VerifyOptions{All: true}); !r.Proven || len(r.Checkpoints) != 3 {
		t.Errorf("%+v", r)
	}
	if _, err := w.Verify(t.Context(), evidence.VerifyOptions{}); !errors.Is(err, evidence.ErrSignature) {
		t.Errorf("by the old key alone: %v", err)
	}
	for text, want := range map[string]string{
		"":                     "private one",
		old:                    "private one",
		"PRIVATE+KEY+x+1+abcd": "not an Ed25519 key",
		strings.Replace(private, "PRIVATE+KEY+test.2", "PRIVATE+KEY+test.3", 1): "not an Ed25519 key",
	} {
		if _, err := evidence.ReadKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || len(text) > 20 && strings.Contains(err.Error(), text[20:]) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := evidence.NewKey("two words"); err == nil {
		t.Error("a name with a space is accepted")
	}
	path := filepath.Join(t.TempDir(), "key")
	first, err := evidence.KeysIn(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := evidence.KeysIn(path)
	if err != nil || second.Public()[0] != first.Public()[0] {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.KeysIn(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("others can read it: %v", err)
	}
	if _, err := evidence.LoadKeys(path); err != nil { // As secrets are mounted.
		t.Error(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.LoadKeys(path); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("others can replace it: %v", err)
	}
	if _, err := evidence.LoadKeys(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// Nothing is built on a checkpoint that the log, or the store, no longer fits, until an
// operator decides. The tree before keeps what it says.
func TestLosses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(600)
	w.take(t)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(w.folder)); err != nil {
		t.Fatal(err)
	}
	w.log.grow(700)
	w.take(t)
	// The store is restored from a copy.
	c := w.Config
	c.Store = openStore(t, copied)
	old := evidence.New(c)
	w.log.grow(710)
	if _, _, err := old.Take(t.Context()); !errors.Is(err, evidence.ErrStoreWentBack) {
		t.Errorf("the store went back: %v", err)
	}
	if r := verify(t, old, evidence.VerifyOptions{}); !r.Proven || len(r.Store) != 1 || r.Checkpoint.Size != 700 {
		t.Errorf("the store went back: %+v", r)
	}
	// The log is.
	lost := &memory{slices.Clone(w.log.events[:650])}
	for range 100 {
		n := len(lost.events)
		e := someEvent(n, "user-0")
		e.ID[0]++
		lost.events = append(lost.events, e)
	}
	l := w.over(lost)
	if _, _, err := l.Take(t.Context()); !errors.Is(err, evidence.ErrLogChanged) {
		t.Errorf("the log went back: %v", err)
	}
	if _, _, err := w.over(&memory{lost.events[:650]}).Take(t.Context()); !errors.Is(err, evidence.ErrLogChanged) {
		t.Errorf("the log went back, and nothing came since: %v", err)
	}
	if r := verify(t, l, evidence.VerifyOptions{}); r.Proven || r.Difference.Leaf != 650 {
		t.Errorf("%+v", r)
	}
	taken, number, err := l.BeginAgain(t.Context())
	if err != nil || number != 2 || taken.Size != 750 || taken.Origin != "perfectworks/log-1/2" {
		t.Fatalf("%+v, %d, %v", taken, number, err)
	}
	if r := verify(t, l, evidence.VerifyOptions{All: true}); !r.Proven || r.Checkpoint.Size != 750 {
		t.Errorf("%+v", r)
	}
	if r := verify(t, l, evidence.VerifyOptions{Tree: 1}); r.Proven || r.Difference.Leaf != 650 {
		t.Errorf("%+v", r)
	}
	lost.grow(760)
	if taken, isNew, err := l.Take(t.Context()); err != nil || !isNew || taken.Size != 760 {
		t.Errorf("%+v, %v, %v", taken, isNew, err)
	}
	// The store is lost as a whole: the database knows.
	c.Store = openStore(t, t.TempDir())
	if _, _, err := evidence.New(c).Take(t.Context()); !errors.Is(err, evidence.ErrStoreWentBack) {
		t.Errorf("the store is empty: %v", err)
	}
}

// A release that knows more streams adds them from then on, and an older one that is
// still running keeps them.
func TestReleasesWithOtherStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(10)
	w.log.events = append(w.log.events, someEvent(10, "file-1"), someEvent(11, "user-1"))
	w.take(t)
	c := w.Config
	c.Streams = []string{"file-", "user-"}
	newer := evidence.New(c)
	w.log.events = append(w.log.events, someEvent(12, "file-1"), someEvent(13, "user-1"))
	taken, _, err := newer.Take(t.Context())
	if err != nil || taken.Size != 13 || len(taken.Streams) != 2 {
		t.Fatalf("%+v, %v", taken, err)
	}
	w.log.events = append(w.log.events, someEvent(14, "file-1"))
	if taken = w.take(t); taken.Size != 14 || len(taken.Streams) != 2 {
		t.Fatalf("%+v", taken)
	}
	for _, l := range []*evidence.Ledger{w.Ledger, newer} {
		if r := verify(t, l, evidence.VerifyOptions{All: true}); !r.Proven {
			t.Errorf("%+v", r)
		}
	}
	bad := tampered(w.log, changed(len(w.log.events)-1, func(e *evidence.Event) { e.Data = nil }))
	if r := verify(t, w.over(bad), evidence.VerifyOptions{}); r.Proven {
		t.Errorf("%+v", r)
	}
}

// A run that is cut off anywhere leaves a checkpoint that is valid, and the next one
// goes on. Several at once take turns.
func TestInterruptedAndConcurrentRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(100)
	w.take(t)
	w.log.grow(2000)
	for _, after := range []int{0, 1, 300, 1500} {
		ctx, cancel := context.WithCancel(t.Context())
		n, c := 0, w.Config
		c.Read = func(ctx context.Context, from, upTo event.Position, prefixes []string, each func(evidence.Event) error) error {
			return w.log.read(ctx, from, upTo, prefixes, func(e evidence.Event) error {
				if n++; n > after {
					cancel()
					return ctx.Err()
				}
				return each(e)
			})
		}
		if _, _, err := evidence.New(c).Take(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d: %v", after, err)
		}
		cancel()
		if r := verify(t, w.Ledger, evidence.VerifyOptions{All: true}); !r.Proven || len(r.Store) != 0 || r.Checkpoint.Size != 100 {
			t.Errorf("after %d: %+v", after, r)
		}
	}
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			if c, _, err := w.over(w.log).Take(t.Context()); err != nil || c.Size != 2000 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	runs.Wait()
	if r := verify(t, w.Ledger, evidence.VerifyOptions{All: true}); !r.Proven || len(r.Checkpoints) != 3 {
		t.Errorf("%+v", r)
	}
}

// A checkpoint that is taken while another is read by replaces tiles that this needs; it
// is found in the new ones.
func TestATreeThatGrowsMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(300)
	before := w.take(t)
	for _, size := range []int{301, 511, 512, 1000} {
		w.log.grow(size)
		w.take(t)
		if err := w.OpenTree(t.Context(), before); err != nil {
			t.Errorf("%d: %v", size, err)
		}
	}
	w.remove(t, tiled("0", 1, 256))
	if err := w.OpenTree(t.Context(), before); err == nil {
		t.Error("a tile that is missing is not missed")
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	keys, _ := newKeys(f, "test")
	f.Add("perfectworks/log-1/1\n1\nAAAA\nposition C:1/P:1\ntime 2026-03-01T12:00:00Z\nstreams 0 user-\n\n— test AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := evidence.OpenCheckpoint([]byte(text), keys); err == nil {
			t.Fatalf("it is signed: %+v", c)
		}
	})
}
