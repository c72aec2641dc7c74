package eventstore

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/reservation"
)

var update = flag.Bool("update", false, "create golden files of new stored shapes; existing ones are never changed")

const goldenFolder = "testdata/golden"

// goldenID is the id of all golden events: personal texts are bound to it.
var goldenID = event.ID(uuid.MustParse("0b5e55ed-0000-5000-8000-000000000001"))

// golden is an event as it was once stored.
type golden struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Data     json.RawMessage `json:"data"`
	Metadata json.RawMessage `json:"metadata"`
}

func (g golden) recorded(tb testing.TB) *esdb.RecordedEvent {
	tb.Helper()
	id, err := uuid.Parse(g.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return &esdb.RecordedEvent{
		EventID: id, EventType: g.Type, StreamID: "golden-1",
		Data: compact(tb, g.Data), UserMetadata: compact(tb, g.Metadata),
	}
}

// metadataShape counts the shapes that metadata had. They have no upcasters: a
// new shape only adds fields that may be absent.
const metadataShape = 3

const metadataName = "metadata"

// TestGoldenFiles holds the stored shape of every event type against the file
// of its current version, and reads the files of all versions. What is stored
// can never be changed, so neither can these files.
func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for shape := 1; shape <= metadataShape; shape++ {
		known[goldenName(metadataName, shape)] = true
	}
	for _, schema := range Schemas() {
		for version := 1; version <= schema.Version; version++ {
			known[goldenName(schema.Type, version)] = true
		}
		t.Run(schema.Type, func(t *testing.T) {
			t.Parallel()
			codec := newTestCodec(t, &fixedKeys{})
			codec.random = repeat(7)
			checkCurrent(t, codec, schema)
			for version := 1; version < schema.Version; version++ {
				g := readGolden(t, schema.Type, version)
				if _, err := codec.DecodeRecorded(t.Context(), g.recorded(t)); err != nil {
					t.Errorf("version %d is not readable any more: %v", version, err)
				}
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s is of no registered event: a type that was stored once must stay readable", file)
		}
	}
}

func checkCurrent(t *testing.T, codec *Codec, schema event.Schema) {
	t.Helper()
	draft := event.Draft{ID: goldenID, Event: sample(t, schema)}
	got := checkGolden(t, codec, schema.Type, schema.Version, draft)
	if diff := cmp.Diff(draft.Event, got.Event); diff != "" {
		t.Errorf("the event reads back differently (-was +is):\n%s", diff)
	}
}

func TestGoldenMetadata(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	codec.random = repeat(7)
	draft := event.Draft{ID: goldenID, Event: reservation.Released{}, Metadata: sampleMetadata(t)}
	got := checkGolden(t, codec, metadataName, metadataShape, draft)
	want := draft.Metadata
	want.SchemaVersion = got.Metadata.SchemaVersion
	if diff := cmp.Diff(want, got.Metadata); diff != "" {
		t.Errorf("the metadata read back differently (-was +is):\n%s", diff)
	}
	for shape := 1; shape < metadataShape; shape++ {
		g := readGolden(t, metadataName, shape)
		if _, err := codec.DecodeRecorded(t.Context(), g.recorded(t)); err != nil {
			t.Errorf("shape %d is not readable any more: %v", shape, err)
		}
	}
}

// checkGolden compares the stored form of an event with its file, and reads the
// file.
func checkGolden(t *testing.T, codec *Codec, name string, version int, draft event.Draft) event.Recorded {
	t.Helper()
	stored, err := codec.Encode(t.Context(), draft)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		createGolden(t, goldenName(name, version), stored)
	}
	g := readGolden(t, name, version)
	want := g.recorded(t)
	for _, part := range []struct{ what, was, is string }{
		{"data", string(want.Data), string(stored.Data)},
		{"metadata", string(want.UserMetadata), string(stored.Metadata)},
	} {
		if diff := cmp.Diff(part.was, part.is); diff != "" {
			t.Errorf("the stored %s have another shape than before: that needs a new version (-was +is):\n%s", part.what, diff)
		}
	}
	got, err := codec.DecodeRecorded(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func goldenName(typ string, version int) string { return fmt.Sprintf("%s.v%d.json", typ, version) }

func readGolden(tb testing.TB, typ string, version int) golden {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(goldenFolder, goldenName(typ, version)))
	if err != nil {
		tb.Fatalf("%v\ncreate it, for an event that was never stored yet, by:\n\tgo test ./adapters/eventstore -run TestGolden -update", err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		tb.Fatal(err)
	}
	return g
}

func createGolden(tb testing.TB, name string, stored esdb.EventData) {
	tb.Helper()
	text, err := json.MarshalIndent(golden{
		ID: stored.EventID.String(), Type: stored.EventType, Data: stored.Data, Metadata: stored.Metadata,
	}, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(goldenFolder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(append(text, '\n')); err != nil {
		tb.Fatal(err)
	}
}

func compact(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// repeat is randomness for files that are to be the same each time.
type repeat byte

var _ io.Reader = repeat(0)

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}
