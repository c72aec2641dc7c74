package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/evidence"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/migrations"
)

// memory is a log.
type memory struct{ events []evidence.Event }

func (m *memory) read(_ context.Context, from, upTo event.Position, prefixes []string, each func(evidence.Event) error) error {
	for _, e := range m.events {
		ours := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Stream, p) })
		if !ours || e.Position.Compare(from) < 0 || e.Position.Compare(upTo) > 0 {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) head(context.Context) (event.Position, error) {
	if len(m.events) == 0 {
		return event.Position{}, nil
	}
	return m.events[len(m.events)-1].Position, nil
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// someEvent is the n-th event of a log.
func someEvent(n int, stream string) evidence.Event {
	at := uint64(n+1) * 10
	return evidence.Event{
		Position: event.Position{Commit: at, Prepare: at}, Stream: stream, Revision: event.Revision(n), ID: event.ID(uuid.NewSHA1(uuid.Nil, []byte{byte(n), byte(n >> 8), byte(n >> 16)})),
		Type: "SomethingHappened", JSON: true, Time: start.Add(time.Duration(n) * time.Millisecond),
		Data: fmt.Appendf(nil, `{"n":%d}`, n), Metadata: []byte(`{"schemaVersion":1}`),
	}
}

func (m *memory) grow(to int) {
	for n := len(m.events); n < to; n++ {
		m.events = append(m.events, someEvent(n, fmt.Sprintf("user-%d", n%7)))
	}
}

// world is a log with a ledger.
type world struct {
	*evidence.Ledger

	log    *memory
	folder string
	pool   *pgxpool.Pool
}

func newKeys(tb testing.TB, names ...string) (*evidence.Keys, string) {
	tb.Helper()
	text := ""
	for _, name := range names {
		key, err := evidence.NewKey(name)
		if err != nil {
			tb.Fatal(err)
		}
		text += key + "\n"
	}
	keys, err := evidence.ReadKeys([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return keys, text
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	keys, _ := newKeys(tb, "test")
	w := &world{log: &memory{}, folder: tb.TempDir(), pool: pool}
	w.Ledger = evidence.New(evidence.Config{
		Log: "log-1", Read: w.log.read, Head: w.log.head, Streams: []string{"user-"}, Store: openStore(tb, w.folder), Keys: keys, Pool: pool,
	})
	return w
}

func openStore(tb testing.TB, folder string) *blob.Store {
	tb.Helper()
	store, err := blob.Open(context.Background(), blob.Config{Folder: folder})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

// over returns a ledger on the same store and keys that reads another log.
func (w *world) over(log *memory) *evidence.Ledger {
	c := w.Config
	c.Read, c.Head = log.read, log.head
	return evidence.New(c)
}

func (w *world) take(tb testing.TB) evidence.Checkpoint {
	tb.Helper()
	c, _, err := w.Take(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func verify(tb testing.TB, l *evidence.Ledger, o evidence.VerifyOptions) evidence.Report {
	tb.Helper()
	r, err := l.Verify(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// rootOf computes the root by another implementation of RFC 6962.
func rootOf(tb testing.TB, w *world, size uint64) tlog.Hash {
	tb.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	n := int64(0)
	for block := 0; uint64(n) < size; block++ {
		width := min(int(size)-256*block, 256)
		for _, entry := range w.bundle(tb, block, width) {
			more, err := tlog.StoredHashes(n, entry, reader)
			if err != nil {
				tb.Fatal(err)
			}
			stored = append(stored, more...)
			n++
		}
	}
	root, err := tlog.TreeHash(n, reader)
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func (w *world) bundle(tb testing.TB, block, width int) (entries [][]byte) {
	tb.Helper()
	content, err := os.ReadFile(w.file(tiled("entries", block, width)))
	if err != nil {
		tb.Fatal(err)
	}
	for len(content) > 0 {
		size := int(content[0])<<8 | int(content[1])
		entries = append(entries, content[2:2+size])
		content = content[2+size:]
	}
	if len(entries) != width {
		tb.Fatalf("%d of %d entries", len(entries), width)
	}
	return entries
}

func tiled(level string, index, width int) string {
	path := fmt.Sprintf("tile/%s/%03d", level, index%1000)
	if index >= 1000 {
		path = fmt.Sprintf("tile/%s/x%03d/%03d", level, index/1000, index%1000)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return path
}

func (w *world) file(path string) string {
	return filepath.Join(w.folder, "log-1", "1", filepath.FromSlash(path))
}

// Trees of all shapes are those of RFC 6962, go on where they were, and prove the log.
func TestCheckpointsProveTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.Verify(t.Context(), evidence.VerifyOptions{}); !errors.Is(err, evidence.ErrNoCheckpoint) {
		t.Errorf("before the first: %v", err)
	}
	if _, isNew, err := w.Take(t.Context()); err != nil || isNew {
		t.Errorf("of an empty log: %v, %v", isNew, err)
	}
	for _, size := range []int{1, 2, 3, 7, 255, 256, 257, 511, 512, 700, 1100, 2000} {
		w.log.grow(size)
		c, isNew, err := w.Take(t.Context())
		if err != nil || !isNew || c.Size != uint64(size) || c.Position != w.log.events[size-1].Position {
			t.Fatalf("%d: %+v, %v, %v", size, c, isNew, err)
		}
		if root := rootOf(t, w, c.Size); root != tlog.Hash(c.Root) {
			t.Fatalf("%d: the root is %v, and should be %v", size, c.Root, root)
		}
		if _, isNew, err := w.Take(t.Context()); err != nil || isNew {
			t.Fatalf("%d: nothing is new: %v, %v", size, isNew, err)
		}
		r := verify(t, w.Ledger, evidence.VerifyOptions{All: true})
		if !r.Proven || r.Difference != nil || len(r.Store) != 0 || r.Events != c.Size {
			t.Fatalf("%d: %+v", size, r)
		}
	}
	if sizes, err := w.Sizes(t.Context(), 1); err != nil || len(sizes) != 12 || sizes[11] != 2000 {
		t.Errorf("%v, %v", sizes, err)
	}
	// What is replaced goes.
	partial, err := filepath.Glob(w.file("tile/*/*.p/*"))
	if err != nil || len(partial) != 3 {
		t.Errorf("%v, %v", partial, err)
	}
}

// A long log has tiles on three levels, and is taken in one go.
func TestALongLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.grow(66_000)
	c := w.take(t)
	if root := rootOf(t, w, c.Size); root != tlog.Hash(c.Root) {
		t.Errorf("the root is %v, and should be %v", c.Root, root)
	}
	w.log.grow(66_300)
	w.take(t)
	if r := verify(t, w.Ledger, evidence.VerifyOptions{All: true}); !r.Proven || len(r.Store) != 0 {
		t.Errorf("%+v", r)
	}
	for _, n := range []int{0, 65_535, 65_536, 66_299} {
		prove(t, w, n)
	}
	w.log.events[65_700].Data = []byte(`{}`)
	if r := verify(t, w.Ledger, evidence.VerifyOptions{}); r.Proven || r.Difference == nil || r.Difference.Position != w.log.events[65_700].Position {
		t.Errorf("%+v", r)
	}
}

// tampered is a copy of a log in which something was done to it.
func tampered(log *memory, what func(events []evidence.Event) []evidence.Event) *memory {
	return &memory{what(slices.Clone(log.events))}
}

func swapped(i, j int) func([]evidence.Event) []evidence.Event {
	return func(events []evidence.Event) []evidence.Event {
		events[i], events[j] = events[j], events[i]
		events[i].Position, events[j].Position = events[j].Position, events[i].Position
		return events
	}
}

func without(i, n int) func([]evidence.Event) []evidence.Event {
	return func(events []evidence.Event) []evidence.Event { return slices.Delete(events, i, i+n) }
}

func changed(i int, change func(*evidence.Event)) func([]evidence.Event) []evidence.Event {
	return func(events []evidence.Event) []evidence.Event {
		change(&events[i])
		return events
	}
}

// Whatever is done to one event is found, at its place, and called what it is.
func TestTampering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const size = 1100
	w.log.grow(size)
	w.take(t)
	for name, c := range map[string]struct {
		what func([]evidence.Event) []evidence.Event
		kind evidence.Kind
		at   int
	}{
		"data":     {changed(500, func(e *evidence.Event) { e.Data = []byte(`{"n":501}`) }), evidence.Changed, 500},
		"metadata": {changed(0, func(e *evidence.Event) { e.Metadata = []byte(`{"schemaVersion":1,"actorId":"user_2"}`) }), evidence.Changed, 0},
		"split":    {changed(9, func(e *evidence.Event) { e.Data, e.Metadata = e.Data[:3], append(e.Data[3:7:7], e.Metadata...) }), evidence.Changed, 9},
		"type":     {changed(255, func(e *evidence.Event) { e.Type = "SomethingElseHappened" }), evidence.Changed, 255},
		"time":     {changed(256, func(e *evidence.Event) { e.Time = e.Time.Add(time.Hour) }), evidence.Changed, 256},
		"stream":   {changed(size-1, func(e *evidence.Event) { e.Stream = "user-8" }), evidence.Changed, size - 1},
		"revision": {changed(3, func(e *evidence.Event) { e.Revision++ }), evidence.Changed, 3},
		"id":       {changed(4, func(e *evidence.Event) { e.ID[15]++ }), evidence.Changed, 4},
		"content":  {changed(5, func(e *evidence.Event) { e.JSON = false }), evidence.Changed, 5},
		"position": {changed(6, func(e *evidence.Event) { e.Position.Prepare-- }), evidence.Reordered, 6},
		"hidden":   {changed(7, func(e *evidence.Event) { e.Stream = "other-1" }), evidence.Missing, 7},
		"as ours":  {changed(8, func(e *evidence.Event) { e.Type = "$deleted" }), evidence.Missing, 8},
		"first":    {without(0, 1), evidence.Missing, 0},
		"middle":   {without(600, 1), evidence.Missing, 600},
		"many":     {without(600, 400), evidence.Missing, 600},
		"last":     {without(size-1, 1), evidence.Missing, size - 1},
		"tail":     {without(1000, 100), evidence.Missing, 1000},
		"all":      {without(0, size), evidence.Missing, 0},
		"swapped":  {swapped(700, 701), evidence.Reordered, 700},
		"far":      {swapped(100, 300), evidence.Reordered, 100},
	} {
		r := verify(t, w.over(tampered(w.log, c.what)), evidence.VerifyOptions{})
		want := w.log.events[c.at].Position
		if name == "position" {
			want.Prepare--
		}
		if r.Proven || r.Difference == nil || r.Difference.Kind != c.kind || r.Difference.Position != want {
			t.Errorf("%s: %+v, %v", name, r, r.Difference)
		}
	}
	added := someEvent(5000, "user-1")
	for _, at := range []int{0, 300, size} {
		added.Position = event.Position{Commit: uint64(at)*10 + 5, Prepare: 1}
		if at == size {
			added.Position = event.Position{Commit: size * 10, Prepare: 5}
		}
		more := &memory{slices.SortedFunc(slices.Values(append(slices.Clone(w.log.events), added)), func(a, b evidence.Event) int { return a.Position.Compare(b.Position) })}
		r := verify(t, w.over(more), evidence.VerifyOptions{})
		if r.Proven || r.Difference == nil || r.Difference.Kind != evidence.Added || r.Difference.Position != added.Position {
			t.Errorf("added at %d: %+v, %v", at, r, r.Difference)
		}
	}
	// What is not ours is not looked at, and what is new is not covered.
	foreign := someEvent(5000, "other-1")
	foreign.Position = event.Position{Commit: 15, Prepare: 15}
	w.log.events = slices.Insert(w.log.events, 1, foreign)
	w.log.grow(size + 50)
	if r := verify(t, w.Ledger, evidence.VerifyOptions{}); !r.Proven {
		t.Errorf("%+v", r)
	}
}

// prove checks the proof of the n-th event, and that it proves nothing else.
func prove(t *testing.T, w *world, n int) []byte {
	t.Helper()
	e := w.log.events[n]
	p, err := w.Prove(t.Context(), e)
	if err != nil {
		t.Fatalf("prove %d: %v", n, err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	public, err := evidence.ReadPublicKeys([]byte(strings.Join(w.Keys.Public(), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	got, c, err := evidence.CheckProof(text, public)
	if err != nil || got.Leaf != uint64(n) || string(got.Event.Data) != string(e.Data) || c.Origin != "perfectworks/log-1/1" {
		t.Fatalf("check the proof of %d: %+v, %v", n, got, err)
	}
	for name, spoil := range map[string]func(*evidence.Proof){
		"data": func(p *evidence.Proof) { p.Event.Data = []byte(`{"n":-1}`) }, "position": func(p *evidence.Proof) { p.Event.Position = "C:1/P:1" },
		"stream": func(p *evidence.Proof) { p.Event.Stream += "0" }, "time": func(p *evidence.Proof) { p.Event.Time = p.Event.Time.Add(100) },
		"leaf": func(p *evidence.Proof) { p.Leaf++ }, "hashes": func(p *evidence.Proof) { p.Hashes = append(p.Hashes, evidence.Hash{}) },
		"size": func(p *evidence.Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n", "\n1", 1) },
	} {
		spoilt := p
		spoilt.Hashes = slices.Clone(p.Hashes)
		spoil(&spoilt)
		text, err := json.Marshal(spoilt)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := evidence.CheckProof(text, public); err == nil {
			t.Errorf("the proof of %d with another %s is accepted", n, name)
		}
	}
	return text
}

func TestProofs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, size := range []int{1, 2, 5, 256, 300, 513} {
		w.log.grow(size)
		w.take(t)
		for _, n := range []int{0, size / 3, size / 2, size - 1} {
			prove(t, w, n)
		}
	}
	w.log.grow(514)
	if _, err := w.Prove(t.Context(), w.log.events[513]); !errors.Is(err, evidence.ErrNotCovered) {
		t.Errorf("after the checkpoint: %v", err)
	}
	other := w.log.events[7]
	other.Data = []byte(`{}`)
	if _, err := w.Prove(t.Context(), other); !errors.Is(err, evidence.ErrNotAsItWas) {
		t.Errorf("another event: %v", err)
	}
	text := prove(t, w, 9)
	stranger, _ := newKeys(t, "test")
	if _, _, err := evidence.CheckProof(text, stranger); !errors.Is(err, evidence.ErrSignature) {
		t.Errorf("by another key: %v", err)
	}
	for _, text := range []string{"", "{}", "null", `{"format":"perfectworks inclusion proof 1"}`} {
		if _, _, err := evidence.CheckProof([]byte(text), w.Keys); err == nil {
			t.Errorf("%q is a proof", text)
		}
	}
}
