package eventstore

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// Base is embedded.
type Base struct{}

// Events, most of which cannot be stored faithfully.
type (
	bare      struct{}
	notStruct string

	noTag struct {
		Name personal.Text `json:"name"`
	}
	strangeTag struct {
		Name personal.Text `json:"name" subject:"userId"`
	}
	numberSubject struct {
		UserID int           `json:"userId"`
		Name   personal.Text `json:"name" subject:"userId"`
	}
	nested struct {
		UserID string `json:"userId"`
		Person struct {
			Name personal.Text `json:"name" subject:"userId"`
		} `json:"person"`
	}
	listed struct {
		Names []personal.Text `json:"names"`
	}
	mapped struct {
		Names map[string]*personal.Text `json:"names"`
	}
	pointed struct {
		UserID string         `json:"userId"`
		Name   *personal.Text `json:"name" subject:"userId"`
	}
	// hiding stores itself, and has a text inside.
	hiding struct {
		Hider hider `json:"hider"`
	}
	hider    struct{ _ personal.Text }
	floating struct {
		Amount float64 `json:"amount"`
	}
	anything struct {
		Value any `json:"value"`
	}
	deepFloat struct {
		List []struct {
			Amounts map[string]float32 `json:"amounts"`
		} `json:"list"`
	}
	private struct{ _ string }
	unnamed struct{ Name string }
	dropped struct {
		Name string `json:"-"`
	}
	embedding struct{ Base }
	recursive struct {
		Children []recursive `json:"children"`
		At       time.Time   `json:"at"`
	}
)

func (hider) MarshalText() ([]byte, error) { return nil, nil }
func (*hider) UnmarshalText([]byte) error  { return nil }
func (bare) EventType() string             { return "Bare" }
func (notStruct) EventType() string        { return "NotStruct" }
func (noTag) EventType() string            { return "NoTag" }
func (strangeTag) EventType() string       { return "StrangeTag" }
func (numberSubject) EventType() string    { return "NumberSubject" }
func (nested) EventType() string           { return "Nested" }
func (listed) EventType() string           { return "Listed" }
func (mapped) EventType() string           { return "Mapped" }
func (pointed) EventType() string          { return "Pointed" }
func (hiding) EventType() string           { return "Hiding" }
func (floating) EventType() string         { return "Floating" }
func (anything) EventType() string         { return "Anything" }
func (deepFloat) EventType() string        { return "DeepFloat" }
func (private) EventType() string          { return "Private" }
func (unnamed) EventType() string          { return "Unnamed" }
func (dropped) EventType() string          { return "Dropped" }
func (embedding) EventType() string        { return "Embedding" }
func (recursive) EventType() string        { return "Recursive" }

func TestNewCodecRefuses(t *testing.T) {
	t.Parallel()
	nameless := event.Define[bare]()
	nameless.Type = ""
	system := event.Define[bare]()
	system.Type = "$metadata"
	miscounted := event.Define[bare]()
	miscounted.Version = 3
	renamed := event.Define[bare]()
	renamed.Type = "Naked"
	for _, test := range []struct {
		schemas []event.Schema
		want    string
	}{
		{one[notStruct](), "not a struct"},
		{one[noTag](), `noTag.Name: a personal text needs a tag subject:`},
		{one[strangeTag](), `strangeTag.Name: subject:"userId" names no field`},
		{one[numberSubject](), `numberSubject.Name: subject:"userId" names a field that holds no string`},
		{one[nested](), "Name: a personal text must be a field of the event itself"},
		{one[listed](), "listed.Names: a personal text must be a field of the event itself"},
		{one[mapped](), "mapped.Names: a personal text must be a field of the event itself"},
		{one[pointed](), "pointed.Name: a personal text must be a field of the event itself"},
		{one[hiding](), "hider._: a personal text must be a field of the event itself"},
		{one[floating](), "floating.Amount: float64 is not exact"},
		{one[deepFloat](), "Amounts: float32 is not exact"},
		{one[anything](), "anything.Value: interface {} has no stored form"},
		{one[private](), "private._: an unexported field would be lost"},
		{one[unnamed](), "unnamed.Name: the field needs a JSON name"},
		{one[dropped](), "dropped.Name: a field that is not stored"},
		{one[embedding](), "embedding.Base: an embedded field"},
		{append(one[bare](), one[bare]()...), `event type "Bare": the name is taken`},
		{append(one[bare](), renamed), `event type "Naked": eventstore.bare is stored under another name`},
		{[]event.Schema{nameless}, "the name is empty or the store's own"},
		{[]event.Schema{system}, "the name is empty or the store's own"},
		{[]event.Schema{miscounted}, "version 3 needs 2 upcasters, not 0"},
		{append(one[noTag](), one[floating]()...), "floating.Amount"}, // all at once
	} {
		_, err := NewCodec(test.schemas, &fixedKeys{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if _, err := NewCodec(one[recursive](), &fixedKeys{}); err != nil {
		t.Errorf("a recursive event: %v", err)
	}
}

func one[E event.Event]() []event.Schema { return []event.Schema{event.Define[E]()} }

func TestShapeNeedsDifferentNames(t *testing.T) {
	t.Parallel()
	field := reflect.StructField{Type: reflect.TypeFor[string](), Tag: `json:"same"`}
	a, b := field, field
	a.Name, b.Name = "A", "B"
	_, err := shapeOf(reflect.StructOf([]reflect.StructField{a, b}))
	if err == nil || !strings.Contains(err.Error(), `B: another field has the JSON name "same"`) {
		t.Errorf("error %v", err)
	}
}
