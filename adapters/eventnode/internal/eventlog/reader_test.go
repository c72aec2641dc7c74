package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

func TestReadStream(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	mustAppend(t, log, "ten", eventlog.NoStream, proposed(10))
	mustAppend(t, log, "three", eventlog.NoStream, proposed(10))
	mustAppend(t, log, "$$three", eventlog.NoStream, metadataEvent(`{"$maxCount":3}`))
	mustAppend(t, log, "truncated", eventlog.NoStream, proposed(10))
	mustAppend(t, log, "$$truncated", eventlog.NoStream, metadataEvent(`{"$tb":8}`))
	mustAppend(t, log, "all truncated", eventlog.NoStream, proposed(10))
	mustAppend(t, log, "$$all truncated", eventlog.NoStream, metadataEvent(`{"$tb":100}`))
	mustAppend(t, log, "not json", eventlog.NoStream, proposed(2))
	mustAppend(t, log, "$$not json", eventlog.NoStream, []eventlog.Proposed{{ID: uuid.New(), Type: eventlog.TypeMetadata, Data: []byte(`{"$maxCount":1}`)}})
	mustAppend(t, log, "$$not json", 0, proposed(2))
	mustAppend(t, log, "young", eventlog.NoStream, proposed(3))
	mustAppend(t, log, "$$young", eventlog.NoStream, metadataEvent(`{"$maxAge":3600}`))

	tests := []struct {
		stream    string
		direction eventlog.Direction
		from      int64
		count     uint64
		want      string
	}{
		{"ten", eventlog.Forwards, 0, 3, "0 1 2 "},
		{"ten", eventlog.Forwards, 7, 100, "7 8 9 "},
		{"ten", eventlog.Forwards, 10, 100, ""},
		{"ten", eventlog.Forwards, 100, 100, ""},
		{"ten", eventlog.Forwards, eventlog.End, 100, ""},
		{"ten", eventlog.Forwards, 0, 0, ""},
		{"ten", eventlog.Backwards, eventlog.End, 3, "9 8 7 "},
		{"ten", eventlog.Backwards, 2, 100, "2 1 0 "},
		{"ten", eventlog.Backwards, 100, 2, "9 8 "},
		{"ten", eventlog.Backwards, 0, 100, "0 "},
		{"three", eventlog.Forwards, 0, 100, "7 8 9 "},
		{"three", eventlog.Backwards, eventlog.End, 100, "9 8 7 "},
		{"three", eventlog.Backwards, 5, 100, ""},
		{"truncated", eventlog.Forwards, 0, 1, "8 "},
		{"truncated", eventlog.Backwards, eventlog.End, 100, "9 8 "},
		{"all truncated", eventlog.Forwards, 0, 100, ""},
		{"not json", eventlog.Forwards, 0, 100, "0 1 "},
		{"$$not json", eventlog.Forwards, 0, 100, "2 "},
		{"young", eventlog.Forwards, 0, 100, "0 1 2 "},
		{"missing", eventlog.Forwards, 0, 100, "not found"},
		{"missing", eventlog.Backwards, eventlog.End, 100, "not found"},
		{"$$ten", eventlog.Forwards, 0, 100, "not found"},
	}
	for _, test := range tests {
		if got := read(t, log, test.stream, test.direction, test.from, test.count); got != test.want {
			t.Errorf("%s, backwards %v from %d: %q, want %q", test.stream, test.direction, test.from, got, test.want)
		}
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	const events = 1000
	var positions []int64
	for i := range events / 10 {
		mustAppend(t, log, fmt.Sprintf("s%d", i%7), eventlog.Any, proposed(10))
	}
	for _, e := range all(t, log) {
		positions = append(positions, e.Position)
	}
	if len(positions) != events {
		t.Fatalf("%d events", len(positions))
	}
	reversed := func(from []int64) []int64 {
		backwards := make([]int64, len(from))
		for i, position := range from {
			backwards[len(from)-1-i] = position
		}
		return backwards
	}
	tests := []struct {
		name      string
		direction eventlog.Direction
		from      int64
		count     uint64
		want      []int64
	}{
		{"all", eventlog.Forwards, 0, math.MaxUint64, positions},
		{"from an event, itself included", eventlog.Forwards, positions[500], 10, positions[500:510]},
		{"from the end", eventlog.Forwards, eventlog.End, 10, nil},
		{"from past the end", eventlog.Forwards, positions[events-1] + 1000, 10, nil},
		{"exactly all", eventlog.Forwards, 0, events, positions},
		{"all backwards", eventlog.Backwards, eventlog.End, math.MaxUint64, reversed(positions)},
		{"backwards, without the event itself", eventlog.Backwards, positions[500], 10, reversed(positions[490:500])},
		{"backwards from the start", eventlog.Backwards, 0, 10, nil},
	}
	for _, test := range tests {
		var got []int64
		for events, err := range log.ReadAll(t.Context(), test.direction, test.from, test.count) {
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			for _, e := range events {
				got = append(got, e.Position)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	for _, wrong := range []struct {
		direction eventlog.Direction
		position  int64
	}{
		{eventlog.Forwards, positions[3] + 1},
		{eventlog.Backwards, positions[3] + 1},
		{eventlog.Backwards, positions[events-1] + 1000},
	} {
		for _, err := range log.ReadAll(t.Context(), wrong.direction, wrong.position, 1) {
			if !errors.Is(err, eventlog.ErrInvalidPosition) {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
	}
}

// TestReadLargeEvents reads events that do not fit into a page by the dozen.
func TestReadLargeEvents(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	const events = 40
	for i := range byte(events) {
		data := make([]byte, 300_000)
		data[0] = i
		mustAppend(t, log, "s", eventlog.Any, []eventlog.Proposed{{ID: uuid.New(), Type: "T", Data: data}})
	}
	n := 0
	for batch, err := range log.ReadStream(t.Context(), "s", eventlog.Forwards, 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) > 20 {
			t.Errorf("%d events in one page", len(batch))
		}
		for _, e := range batch {
			if len(e.Data) != 300_000 || int(e.Data[0]) != n || e.Revision != int64(n) {
				t.Fatalf("event %d has revision %d and begins with %d", n, e.Revision, e.Data[0])
			}
			n++
		}
	}
	if n != events {
		t.Errorf("%d events", n)
	}
}

// TestOpenLargeLog opens a log whose last events take more memory than they may.
func TestOpenLargeLog(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	log := openLog(t, on(pool))
	var positions []int64
	for range 20 {
		positions = append(positions, mustAppend(t, log, "s", eventlog.Any, []eventlog.Proposed{{ID: uuid.New(), Type: "T", Data: make([]byte, 300_000)}}).Position)
	}
	opened := openLog(t, on(pool), func(config *eventlog.Config) { config.TailBytes = 1_000_000 })
	buf := make([]*eventlog.Event, 0, 100)
	if _, _, ok := opened.After(positions[10], buf); ok {
		t.Error("the tail holds more than it may")
	}
	if events, _, ok := opened.After(positions[17], buf); !ok || len(events) != 2 {
		t.Errorf("the tail does not hold the last events: %d", len(events))
	}
}

func TestReadsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	for range 30 {
		mustAppend(t, log, "s", eventlog.Any, proposed(100))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range log.ReadAll(ctx, eventlog.Forwards, 0, math.MaxUint64) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			break
		}
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d pages after the end", n)
	}
	// A reader may also just stop.
	for range log.ReadAll(t.Context(), eventlog.Forwards, 0, math.MaxUint64) {
		break
	}
}

func TestResolveLinks(t *testing.T) {
	t.Parallel()
	log := openLog(t)
	mustAppend(t, log, "s", eventlog.NoStream, proposed(3))
	mustAppend(t, log, "gone", eventlog.NoStream, proposed(1))
	mustAppend(t, log, "hidden", eventlog.NoStream, proposed(2))
	mustAppend(t, log, "$$hidden", eventlog.NoStream, metadataEvent(`{"$maxCount":1}`))
	if _, err := log.Tombstone(t.Context(), "gone", 0); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"1@s": "1@s", "7@s": "", "0@gone": "", "0@hidden": "", "1@hidden": "1@hidden", "0@missing": "", "nonsense": "",
	}
	var links []eventlog.Proposed
	for data := range tests {
		links = append(links, eventlog.Proposed{ID: uuid.New(), Type: eventlog.TypeLink, Data: []byte(data)})
	}
	mustAppend(t, log, "links", eventlog.NoStream, append(links, proposed(1)...))
	for events, err := range log.ReadStream(t.Context(), "links", eventlog.Forwards, 0, 100) {
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := log.ResolveLinks(t.Context(), events)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			target := resolved[e]
			got := ""
			if target != nil {
				got = fmt.Sprintf("%d@%s", target.Revision, target.Stream)
			}
			if got != tests[string(e.Data)] {
				t.Errorf("%s leads to %q", e.Data, got)
			}
		}
	}
}
