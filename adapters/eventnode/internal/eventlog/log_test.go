package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

func newPool(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return postgrestest.New(tb, postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
}

// openLog opens a log on a new database, or on the pool that change sets.
func openLog(tb testing.TB, change ...func(*eventlog.Config)) *eventlog.Log {
	tb.Helper()
	var config eventlog.Config
	for _, c := range change {
		c(&config)
	}
	if config.Pool == nil {
		config.Pool = newPool(tb)
	}
	log, err := eventlog.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(log.Close)
	return log
}

func on(pool *pgxpool.Pool) func(*eventlog.Config) {
	return func(config *eventlog.Config) { config.Pool = pool }
}

func proposed(n int) []eventlog.Proposed {
	events := make([]eventlog.Proposed, n)
	for i := range events {
		events[i] = eventlog.Proposed{ID: uuid.New(), Type: "T", Data: []byte("data")}
	}
	return events
}

func metadataEvent(json string) []eventlog.Proposed {
	return []eventlog.Proposed{{ID: uuid.New(), Type: eventlog.TypeMetadata, JSON: true, Data: []byte(json)}}
}

func mustAppend(tb testing.TB, log *eventlog.Log, stream string, expected eventlog.Expected, events []eventlog.Proposed) eventlog.Result {
	tb.Helper()
	result, err := log.Append(tb.Context(), stream, expected, events)
	if err != nil {
		tb.Fatalf("append to %s at %d: %v", stream, expected, err)
	}
	return result
}

// describe is how a write ended, in a word or two.
func describe(result eventlog.Result, err error) string {
	var wrong *eventlog.WrongRevisionError
	switch {
	case errors.As(err, &wrong):
		return fmt.Sprintf("wrong, at %d", wrong.Current)
	case errors.Is(err, eventlog.ErrStreamDeleted):
		return "deleted"
	case err != nil:
		return err.Error()
	}
	return fmt.Sprintf("at %d", result.Revision)
}

// read is the content of a stream by revision and type, or the error.
func read(tb testing.TB, log *eventlog.Log, stream string, direction eventlog.Direction, from int64, count uint64) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	text := ""
	for events, err := range log.ReadStream(ctx, stream, direction, from, count) {
		if errors.Is(err, eventlog.ErrStreamNotFound) {
			return "not found"
		}
		if errors.Is(err, eventlog.ErrStreamDeleted) {
			return "deleted"
		}
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range events {
			text += fmt.Sprintf("%d ", e.Revision)
		}
	}
	return text
}

// TestExpectedRevision holds every condition against every state of a stream.
func TestExpectedRevision(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	states := map[string]func(t *testing.T, stream string){
		"never written": func(t *testing.T, _ string) { t.Helper() },
		"three events": func(t *testing.T, s string) {
			t.Helper()
			mustAppend(t, log, s, eventlog.NoStream, proposed(3))
		},
		"metadata only": func(t *testing.T, s string) {
			t.Helper()
			mustAppend(t, log, "$$"+s, eventlog.Any, metadataEvent(`{}`))
		},
		"soft deleted": func(t *testing.T, s string) {
			t.Helper()
			mustAppend(t, log, s, eventlog.NoStream, proposed(3))
			if _, err := log.Delete(t.Context(), s, eventlog.Any); err != nil {
				t.Fatal(err)
			}
		},
		"recreated": func(t *testing.T, s string) {
			t.Helper()
			mustAppend(t, log, s, eventlog.NoStream, proposed(2))
			if _, err := log.Delete(t.Context(), s, eventlog.Any); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, log, s, eventlog.NoStream, proposed(1))
		},
		"tombstoned": func(t *testing.T, s string) {
			t.Helper()
			mustAppend(t, log, s, eventlog.NoStream, proposed(3))
			if _, err := log.Tombstone(t.Context(), s, eventlog.Any); err != nil {
				t.Fatal(err)
			}
		},
	}
	tests := []struct {
		state    string
		expected eventlog.Expected
		append   string // one event
		empty    string // no event
		delete   string // the revision is the stream's
		tomb     string
	}{
		{"never written", eventlog.Any, "at 0", "at -1", "wrong, at -1", "gone"},
		{"never written", eventlog.NoStream, "at 0", "at -1", "wrong, at -1", "gone"},
		{"never written", eventlog.StreamExists, "wrong, at -1", "wrong, at -1", "wrong, at -1", "wrong, at -1"},
		{"never written", 0, "wrong, at -1", "wrong, at -1", "wrong, at -1", "wrong, at -1"},

		{"three events", eventlog.Any, "at 3", "at 2", "at 2", "gone"},
		{"three events", eventlog.NoStream, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},
		{"three events", eventlog.StreamExists, "at 3", "at 2", "at 2", "gone"},
		{"three events", 1, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},
		{"three events", 2, "at 3", "at 2", "at 2", "gone"},
		{"three events", 3, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},

		{"metadata only", eventlog.Any, "at 0", "at -1", "at -1", "gone"},
		{"metadata only", eventlog.NoStream, "at 0", "at -1", "at -1", "gone"},
		{"metadata only", eventlog.StreamExists, "at 0", "at -1", "at -1", "gone"},
		{"metadata only", 0, "wrong, at -1", "wrong, at -1", "wrong, at -1", "wrong, at -1"},

		{"soft deleted", eventlog.Any, "at 3", "at 2", "at 2", "gone"},
		{"soft deleted", eventlog.NoStream, "at 3", "wrong, at 2", "at 2", "gone"},
		{"soft deleted", eventlog.StreamExists, "deleted", "deleted", "deleted", "deleted"},
		{"soft deleted", 1, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},
		{"soft deleted", 2, "at 3", "at 2", "at 2", "gone"},
		{"soft deleted", 3, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},

		{"recreated", eventlog.Any, "at 3", "at 2", "at 2", "gone"},
		{"recreated", eventlog.NoStream, "wrong, at 2", "wrong, at 2", "wrong, at 2", "wrong, at 2"},
		{"recreated", eventlog.StreamExists, "at 3", "at 2", "at 2", "gone"},
		{"recreated", 2, "at 3", "at 2", "at 2", "gone"},

		{"tombstoned", eventlog.Any, "deleted", "deleted", "deleted", "deleted"},
		{"tombstoned", eventlog.NoStream, "deleted", "deleted", "deleted", "deleted"},
		{"tombstoned", eventlog.StreamExists, "deleted", "deleted", "deleted", "deleted"},
		{"tombstoned", 2, "deleted", "deleted", "deleted", "deleted"},
		{"tombstoned", eventlog.TombstoneRevision, "deleted", "deleted", "deleted", "deleted"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s/%d", test.state, test.expected), func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			for operation, do := range map[string]func(stream string) (eventlog.Result, error){
				"append": func(s string) (eventlog.Result, error) {
					return log.Append(t.Context(), s, test.expected, proposed(1))
				},
				"empty":  func(s string) (eventlog.Result, error) { return log.Append(t.Context(), s, test.expected, nil) },
				"delete": func(s string) (eventlog.Result, error) { return log.Delete(t.Context(), s, test.expected) },
				"tomb":   func(s string) (eventlog.Result, error) { return log.Tombstone(t.Context(), s, test.expected) },
			} {
				stream := uuid.NewString()
				states[test.state](t, stream)
				got[operation] = describe(do(stream))
			}
			if got["tomb"] == fmt.Sprintf("at %d", int64(eventlog.TombstoneRevision)) {
				got["tomb"] = "gone"
			}
			want := map[string]string{"append": test.append, "empty": test.empty, "delete": test.delete, "tomb": test.tomb}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRepeatedAppend repeats appends by the ids of their events, on the log that
// wrote them and on one that was opened later.
func TestRepeatedAppend(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	writer := openLog(t, on(pool))
	events := proposed(6)
	first := mustAppend(t, writer, "s", eventlog.NoStream, events[:3])
	second := mustAppend(t, writer, "s", 2, events[3:5])
	mustAppend(t, writer, "other", eventlog.Any, proposed(1))
	later := openLog(t, on(pool), func(config *eventlog.Config) { config.TailEvents = 1 })
	forgetful := openLog(t, on(pool), func(config *eventlog.Config) { config.RecentEvents = 1 })

	tests := []struct {
		name     string
		stream   string
		expected eventlog.Expected
		events   []eventlog.Proposed
		want     string
		position int64
	}{
		{"all again", "s", eventlog.NoStream, events[:3], "at 2", first.Position},
		{"all again, in the middle", "s", 2, events[3:5], "at 4", second.Position},
		{"a part", "s", eventlog.NoStream, events[:2], "at 1", 0},
		{"two appends as one", "s", eventlog.NoStream, events[:5], "at 4", second.Position},
		{"past the end", "s", eventlog.NoStream, events[:6], "wrong, at 4", 0},
		{"another first", "s", eventlog.NoStream, []eventlog.Proposed{events[5], events[1]}, "wrong, at 4", 0},
		{"another later", "s", eventlog.NoStream, []eventlog.Proposed{events[0], events[5]}, "wrong, at 4", 0},
		{"in another place", "s", 1, events[:3], "wrong, at 4", 0},
		{"none", "s", 1, nil, "wrong, at 4", 0},
		{"any, all again", "s", eventlog.Any, events[:3], "at 2", first.Position},
		{"any, out of order", "s", eventlog.Any, []eventlog.Proposed{events[4], events[1]}, "at 1", 0},
		{"any, then unknown", "s", eventlog.Any, []eventlog.Proposed{events[4], events[5]}, "wrong, at 4", 0},
		{"exists, all again", "s", eventlog.StreamExists, events[3:5], "at 4", second.Position},
	}
	for _, test := range tests {
		for name, log := range map[string]*eventlog.Log{"the same": writer, "one opened later": later} {
			result, err := log.Append(t.Context(), test.stream, test.expected, test.events)
			if got := describe(result, err); got != test.want {
				t.Errorf("%s, %s: %s, want %s", test.name, name, got, test.want)
			}
			if test.position != 0 && result.Position != test.position {
				t.Errorf("%s, %s: position %d, want %d", test.name, name, result.Position, test.position)
			}
		}
		if test.expected >= eventlog.NoStream {
			if got := describe(forgetful.Append(t.Context(), test.stream, test.expected, test.events)); got != test.want {
				t.Errorf("%s, by one that remembers no ids: %s, want %s", test.name, got, test.want)
			}
		}
	}
	if got := read(t, writer, "s", eventlog.Forwards, 0, 100); got != "0 1 2 3 4 " {
		t.Errorf("the stream holds %s", got)
	}
	if got := describe(writer.Append(t.Context(), "s", 4, events[:1])); got != "at 5" {
		t.Errorf("the same id twice, when nothing is behind: %s", got)
	}
	if got := describe(writer.Append(t.Context(), "another", eventlog.Any, events[1:2])); got != "at 0" {
		t.Errorf("the same id in another stream: %s", got)
	}
}

func TestSoftDelete(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	mustAppend(t, log, "s", eventlog.NoStream, proposed(3))
	mustAppend(t, log, "$$s", eventlog.NoStream, metadataEvent(`{"$maxCount":2,"own":{"key":1}}`))
	if got := read(t, log, "s", eventlog.Forwards, 0, 9); got != "1 2 " {
		t.Errorf("before: %s", got)
	}

	for range 2 { // the second deletion changes nothing
		result, err := log.Delete(t.Context(), "s", eventlog.Any)
		if err != nil || result.Position != log.Position() {
			t.Fatal(result, err)
		}
	}
	if got := read(t, log, "s", eventlog.Forwards, 0, 9); got != "not found" {
		t.Errorf("deleted: %s", got)
	}
	if got := lastData(t, log, "$$s"); got != `{"$tb":9223372036854775807}` {
		t.Errorf("a deletion replaces the metadata: %s", got)
	}

	result := mustAppend(t, log, "s", eventlog.NoStream, proposed(2))
	if result.Revision != 4 || result.Position >= log.Position() {
		t.Errorf("recreated: %+v, before the metadata at %d", result, log.Position())
	}
	if got := read(t, log, "s", eventlog.Forwards, 0, 9); got != "3 4 " {
		t.Errorf("recreated: %s", got)
	}
	if got := lastData(t, log, "$$s"); got != `{"$tb":3}` {
		t.Errorf("recreated: metadata %s", got)
	}
}

// TestMetadataUndeletes covers metadata written to a stream that is soft deleted:
// the stream is then readable from its next revision on.
func TestMetadataUndeletes(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	mustAppend(t, log, "s", eventlog.NoStream, proposed(3))
	if _, err := log.Delete(t.Context(), "s", 2); err != nil {
		t.Fatal(err)
	}
	result := mustAppend(t, log, "$$s", eventlog.Any, metadataEvent(`{"own":"key"}`))
	if got := lastData(t, log, "$$s"); got != `{"$tb":3,"own":"key"}` {
		t.Errorf("metadata %s", got)
	}
	if result.Revision != 1 || result.Position >= log.Position() {
		t.Errorf("the append answers %+v, not where its own event is", result)
	}
	if got := read(t, log, "s", eventlog.Forwards, 0, 9); got != "" {
		t.Errorf("the old events are back: %s", got)
	}
}

func TestTombstone(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	mustAppend(t, log, "s", eventlog.NoStream, proposed(1))
	mustAppend(t, log, "$$s", eventlog.NoStream, metadataEvent(`{}`))
	if _, err := log.Tombstone(t.Context(), "s", 0); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"s", "$$s"} {
		if got := read(t, log, stream, eventlog.Forwards, 0, 9); got != "deleted" {
			t.Errorf("reading %s: %s", stream, got)
		}
		if got := describe(log.Append(t.Context(), stream, eventlog.Any, proposed(1))); got != "deleted" {
			t.Errorf("appending to %s: %s", stream, got)
		}
	}
	last := all(t, log)
	if e := last[len(last)-1]; e.Type != eventlog.TypeTombstone || e.Revision != eventlog.TombstoneRevision || e.Stream != "s" {
		t.Errorf("$all ends with %+v", e)
	}
}

func lastData(t *testing.T, log *eventlog.Log, stream string) string {
	t.Helper()
	for events, err := range log.ReadStream(t.Context(), stream, eventlog.Backwards, eventlog.End, 1) {
		if err != nil {
			t.Fatal(err)
		}
		return string(events[0].Data)
	}
	return ""
}

// all is the whole log.
func all(tb testing.TB, log *eventlog.Log) (whole []*eventlog.Event) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for events, err := range log.ReadAllAfter(ctx, 0) {
		if err != nil {
			tb.Fatal(err)
		}
		whole = append(whole, events...)
	}
	return whole
}
