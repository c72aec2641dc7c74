package eventstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
)

// brittle reads and writes itself, and panics over some texts.
type brittle string

func (b brittle) MarshalText() ([]byte, error) {
	if b == "unwritable" {
		panic("secret content")
	}
	return []byte(b), nil
}

func (b *brittle) UnmarshalText(text []byte) error {
	if string(text) == "unreadable" {
		_ = text[len(text)+int(text[0])]
	}
	*b = brittle(text)
	return nil
}

type fragile struct {
	Text brittle `json:"text"`
}

func (fragile) EventType() string { return "Fragile" }

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	panics := map[string]event.Upcaster{
		"index out of range":     func(f event.Fields) (event.Fields, error) { return f, errors.New(string(f["text"][99])) },
		"nil map":                func(event.Fields) (event.Fields, error) { var none event.Fields; none["a"] = nil; return none, nil }, //nolint:staticcheck // It panics, as it should.
		"a value of type string": func(event.Fields) (event.Fields, error) { panic("secret content") },
		"a value of type *errors.errorString": func(event.Fields) (event.Fields, error) {
			panic(errors.New("secret content"))
		},
	}
	for want, upcaster := range panics {
		codec, err := NewCodec([]event.Schema{event.Define[fragile](upcaster)}, &fixedKeys{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
			StreamID: "user-1", EventType: "Fragile", Data: []byte(`{"text":"a"}`), UserMetadata: []byte(`{"schemaVersion":1}`),
		})
		var decodeErr *DecodeError
		var panicErr *PanicError
		if !errors.As(err, &decodeErr) || !errors.As(err, &panicErr) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		} else if !strings.Contains(panicErr.Function, "TestPanicsAreContained") {
			t.Errorf("%s: found in %s", want, panicErr.Function)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the content: %v", err)
		}
	}
}

func TestPanicsOfTypesAreContained(t *testing.T) {
	t.Parallel()
	codec, err := NewCodec([]event.Schema{event.Define[fragile]()}, &fixedKeys{})
	if err != nil {
		t.Fatal(err)
	}
	var panicErr *PanicError
	_, err = codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: fragile{Text: "unwritable"}})
	if !errors.As(err, &panicErr) || strings.Contains(err.Error(), "secret") {
		t.Errorf("encode: %v", err)
	}
	var decodeErr *DecodeError
	_, err = codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
		EventType: "Fragile", Data: []byte(`{"text":"unreadable"}`), UserMetadata: []byte(`{"schemaVersion":1}`),
	})
	if !errors.As(err, &panicErr) || !errors.As(err, &decodeErr) {
		t.Errorf("decode: %v", err)
	}
}

// tree is a type that reads itself, level by level.
type tree struct {
	Name string `json:"name,omitempty"`
	In   *tree  `json:"in,omitzero"`
}

func (tree) EventType() string { return "Tree" }

func TestNestingIsLimitedBeforeAnybodyRecurses(t *testing.T) {
	t.Parallel()
	reached := false
	watch := func(f event.Fields) (event.Fields, error) { reached = true; return f, nil }
	deepen := func(f event.Fields) (event.Fields, error) {
		f["in"] = json.RawMessage(strings.Repeat(`{"in":`, 1000) + "{}" + strings.Repeat("}", 1000))
		return f, nil
	}
	bloat := func(f event.Fields) (event.Fields, error) {
		f["name"] = json.RawMessage(`"` + strings.Repeat("a", maxUpcast) + `"`)
		return f, nil
	}
	decode := func(data string, upcasters ...event.Upcaster) error {
		reached = false
		codec, err := NewCodec([]event.Schema{event.Define[tree](upcasters...)}, &fixedKeys{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
			EventType: "Tree", Data: []byte(data), UserMetadata: []byte(`{"schemaVersion":1}`),
		})
		return err
	}
	levels := func(n int) string { return strings.Repeat(`{"in":`, n-1) + "{}" + strings.Repeat("}", n-1) }

	if err := decode(levels(maxNesting), watch); err != nil || !reached {
		t.Errorf("%d levels: %v", maxNesting, err)
	}
	// Ten million levels are more than any stack holds.
	for _, n := range []int{maxNesting + 1, 10_000_000} {
		if err := decode(levels(n), watch); !errors.Is(err, errNesting) || reached {
			t.Errorf("%d levels: %v", n, err)
		}
	}
	if err := decode(`{}`, deepen, watch); !errors.Is(err, errNesting) || reached {
		t.Errorf("nested by an upcaster: %v", err)
	}
	if err := decode(`{}`, bloat, watch); err == nil || reached {
		t.Errorf("bloated by an upcaster: %v", err)
	}
	codec, err := NewCodec([]event.Schema{event.Define[tree]()}, &fixedKeys{})
	if err != nil {
		t.Fatal(err)
	}
	inner := &tree{}
	for range 2 * maxNesting {
		inner = &tree{In: inner}
	}
	circle := &tree{}
	circle.In = circle
	for what, e := range map[string]tree{"too deep": {In: inner}, "a circle": {In: circle}} {
		if _, err := codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: e}); err == nil {
			t.Errorf("%s: encoded", what)
		}
	}
}

func TestChainsOfUpcastersAreLimited(t *testing.T) {
	t.Parallel()
	same := func(f event.Fields) (event.Fields, error) { return f, nil }
	chain := make([]event.Upcaster, maxVersions)
	for i := range chain {
		chain[i] = same
	}
	if _, err := NewCodec([]event.Schema{event.Define[tree](chain[1:]...)}, &fixedKeys{}); err != nil {
		t.Errorf("%d versions: %v", maxVersions, err)
	}
	if _, err := NewCodec([]event.Schema{event.Define[tree](chain...)}, &fixedKeys{}); err == nil {
		t.Errorf("%d versions were accepted", maxVersions+1)
	}
}

// Nesting is counted as a parser does, whatever stands in texts.
func TestCheckNestingCountsAsAParserDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(1, 2*maxNesting).Draw(t, "depth")
		text, err := json.Marshal(rapid.StringMatching(`[\[\]{}"\\a]{0,300}`).Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		data := fmt.Sprintf("%s%s%s", strings.Repeat("[", depth), text, strings.Repeat("]", depth))
		if err := checkNesting([]byte(data)); (err != nil) != (depth > maxNesting) {
			t.Errorf("%d levels around %s: %v", depth, text, err)
		}
	})
}
