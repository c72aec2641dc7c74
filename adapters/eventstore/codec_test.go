package eventstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

const ada id.User = "user_ada"

func registered() user.Registered {
	return user.Registered{
		UserID: ada, SubjectHash: "s", EmailHash: "e",
		Email: personal.New("ada@example.com"), FirstName: personal.New("Ada"), LastName: personal.New("Lovelace"),
	}
}

func encode(tb testing.TB, codec *Codec, e event.Event, m event.Metadata) *esdb.RecordedEvent {
	tb.Helper()
	data, err := codec.Encode(tb.Context(), event.Draft{ID: goldenID, Event: e, Metadata: m})
	if err != nil {
		tb.Fatal(err)
	}
	return stored(data)
}

func stored(data esdb.EventData) *esdb.RecordedEvent {
	return &esdb.RecordedEvent{
		EventID: data.EventID, EventType: data.EventType, StreamID: "user-1",
		Data: data.Data, UserMetadata: data.Metadata,
	}
}

func TestCodecGivesBackEveryEvent(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	for _, schema := range Schemas() {
		want, metadata := sample(t, schema), sampleMetadata(t)
		got, err := codec.DecodeRecorded(t.Context(), encode(t, codec, want, metadata))
		if err != nil {
			t.Fatal(err)
		}
		metadata.SchemaVersion = schema.Version
		if diff := cmp.Diff(want, got.Event); diff != "" {
			t.Errorf("%s (-was +is):\n%s", schema.Type, diff)
		}
		if diff := cmp.Diff(metadata, got.Metadata); diff != "" {
			t.Errorf("metadata of %s (-was +is):\n%s", schema.Type, diff)
		}
	}
}

func TestCodecGivesBackEveryPersonalText(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	rapid.Check(t, func(t *rapid.T) {
		e := registered()
		e.FirstName = personal.New(rapid.String().Draw(t, "first name"))
		e.Locale = rapid.StringMatching(`[ -~äöü€<>&]*`).Draw(t, "locale")
		data, err := codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: e})
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.DecodeRecorded(t.Context(), stored(data))
		if err != nil || got.Event != e {
			t.Fatalf("reads back as %#v, %v", got.Event, err)
		}
	})
}

func TestNothingPersonalIsStoredInTheClear(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	metadata := event.Metadata{
		ActorUserID: string(ada), ClientAddress: personal.New("192.0.2.7"), UserAgent: personal.New("Mosaic/0.9"),
	}
	e := encode(t, codec, registered(), metadata)
	for _, secret := range []string{"ada@", "Ada", "Lovelace", "192.0.2.7", "Mosaic"} {
		if bytes.Contains(e.Data, []byte(secret)) || bytes.Contains(e.UserMetadata, []byte(secret)) {
			t.Errorf("%q is stored in the clear", secret)
		}
	}
}

func TestDestroyedKeyReadsAsErased(t *testing.T) {
	t.Parallel()
	keys := &fixedKeys{}
	codec := newTestCodec(t, keys)
	e := registered()
	e.LastName = personal.Text{}
	metadata := event.Metadata{ActorUserID: string(ada), UserAgent: personal.New("Mosaic/0.9")}
	before := encode(t, codec, e, metadata)
	keys.destroy(string(ada))
	after := encode(t, codec, e, metadata) // Writing goes on, without the texts.
	for when, stored := range map[string]*esdb.RecordedEvent{"before": before, "after": after} {
		got, err := codec.DecodeRecorded(t.Context(), stored)
		if err != nil {
			t.Fatal(err)
		}
		read := got.Event.(user.Registered)
		if !read.Email.IsErased() || !read.FirstName.IsErased() || !got.Metadata.UserAgent.IsErased() {
			t.Errorf("stored %s the key was destroyed, it reads as %+v, %+v", when, read, got.Metadata)
		}
		if !read.LastName.IsZero() || !got.Metadata.ClientAddress.IsZero() {
			t.Errorf("stored %s the key was destroyed, an absent text reads as %+v, %+v", when, read, got.Metadata)
		}
		if read.EmailHash != "e" {
			t.Errorf("what is not personal is gone: %+v", read)
		}
	}
	if bytes.Contains(after.Data, []byte("Ada")) {
		t.Error("without a key the text is stored in the clear")
	}
}

// An address ends with the key of its day as well as with the person's key.
func TestDestroyedDayEndsAddresses(t *testing.T) {
	t.Parallel()
	keys := &fixedKeys{}
	codec := newTestCodec(t, keys)
	metadata := event.Metadata{ActorUserID: string(ada), ClientAddress: personal.New("192.0.2.7"), UserAgent: personal.New("Mosaic/0.9")}
	today := encode(t, codec, registered(), metadata)
	codec.now = func() time.Time { return sampleDay.Add(time.Second) }
	tomorrow := encode(t, codec, registered(), metadata)
	keys.destroy(event.AddressKey(sampleDay))
	got, err := codec.DecodeRecorded(t.Context(), today)
	if err != nil || !got.Metadata.ClientAddress.IsErased() || !got.Metadata.UserAgent.IsErased() {
		t.Errorf("after the key of its day was destroyed it reads as %+v, %v", got.Metadata, err)
	}
	if got.Event != event.Event(registered()) {
		t.Errorf("with the addresses of a day went %+v", got.Event)
	}
	got, err = codec.DecodeRecorded(t.Context(), tomorrow)
	if err != nil || got.Metadata.ClientAddress.Reveal() != "192.0.2.7" || got.Metadata.AddressKey != "addresses:2026-01-01" {
		t.Errorf("the address of the next day reads as %+v, %v", got.Metadata, err)
	}
	moved := *tomorrow
	moved.UserMetadata = bytes.Replace(moved.UserMetadata, []byte("addresses:2026-01-01"), []byte("addresses:2026-01-02"), 1)
	if _, err := codec.DecodeRecorded(t.Context(), &moved); !errors.Is(err, errTampered) {
		t.Errorf("moved to another day: %v", err)
	}
	moved.UserMetadata = bytes.Replace(moved.UserMetadata, []byte(`"addressKey":"addresses:2026-01-02",`), nil, 1)
	if _, err := codec.DecodeRecorded(t.Context(), &moved); !errors.Is(err, errNotSealed) {
		t.Errorf("taken out of its day: %v", err)
	}
	if without := encode(t, codec, registered(), event.Metadata{ActorUserID: string(ada)}); bytes.Contains(without.UserMetadata, []byte("addresses:")) {
		t.Error("without an address there is a key for it")
	}
}

func TestErasedStaysErased(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	e := registered()
	e.Email = personal.Erased()
	got, err := codec.DecodeRecorded(t.Context(), encode(t, codec, e, event.Metadata{}))
	if err != nil || !got.Event.(user.Registered).Email.IsErased() {
		t.Errorf("reads back as %v, %v", got.Event, err)
	}
}

func TestPersonalTextNeedsItsSubject(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	e := registered()
	e.UserID = ""
	_, err := codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: e})
	if !errors.Is(err, errNoSubject) || !strings.Contains(err.Error(), "UserRegistered: data/email") {
		t.Errorf("error %v", err)
	}
}

func TestSealedTextOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	good := encode(t, codec, registered(), event.Metadata{})
	var fields map[string]any
	if err := json.Unmarshal(good.Data, &fields); err != nil {
		t.Fatal(err)
	}
	email := fields["email"].(string)
	with := func(field string, value any) []byte {
		changed := map[string]any{}
		for k, v := range fields {
			changed[k] = v
		}
		changed[field] = value
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, test := range map[string]struct {
		data []byte
		id   event.ID
		want error
	}{
		"in another field":       {with("firstName", email), goldenID, errTampered},
		"in another event":       {good.Data, event.ID{1}, errTampered},
		"of another person":      {with("userId", "user_bob"), goldenID, errTampered},
		"of nobody":              {with("userId", ""), goldenID, errNoSubject},
		"cut":                    {with("email", email[:len(email)-4]), goldenID, errTampered},
		"cut to almost nothing":  {with("email", sealed+"AAAA"), goldenID, errTampered},
		"no Base64":              {with("email", sealed+"***"), goldenID, errTampered},
		"in the clear":           {with("email", "ada@example.com"), goldenID, errNotSealed},
		"of a form to come":      {with("email", "personal:v2:AAAA"), goldenID, errNotSealed},
		"with its first changed": {with("email", sealed+flip(email[len(sealed):])), goldenID, errTampered},
	} {
		changed := *good
		changed.Data, changed.EventID = test.data, [16]byte(test.id)
		_, err := codec.DecodeRecorded(t.Context(), &changed)
		var decodeErr *DecodeError
		if !errors.Is(err, test.want) || !errors.As(err, &decodeErr) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "ada@") {
			t.Errorf("%s: the error shows the text", name)
		}
	}
}

func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func TestUnreachableKeysAreNoFaultOfTheEvent(t *testing.T) {
	t.Parallel()
	keys := &fixedKeys{}
	codec := newTestCodec(t, keys)
	e := encode(t, codec, registered(), event.Metadata{})
	keys.fail = errKeysDown
	_, err := codec.DecodeRecorded(t.Context(), e)
	var decodeErr *DecodeError
	if !errors.Is(err, errKeysDown) || errors.As(err, &decodeErr) {
		t.Errorf("decode: %v", err)
	}
	_, err = codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: registered()})
	if !errors.Is(err, errKeysDown) {
		t.Errorf("encode: %v", err)
	}
}

func TestUnreadableEvents(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	for name, test := range map[string]struct {
		typ, data, metadata string
		want                string
	}{
		"unknown type":            {"UserPromoted", `{}`, `{"schemaVersion":3}`, `event type "UserPromoted" (version 3) is unknown`},
		"newer version":           {"UserErased", `{}`, `{"schemaVersion":2}`, `event type "UserErased" is known up to version 1, not version 2`},
		"no version":              {"UserErased", `{}`, `{}`, `version 0`},
		"no metadata":             {"UserErased", `{}`, ``, `version 0`},
		"broken metadata":         {"UserErased", `{}`, `{"schemaVersion":`, `metadata`},
		"broken data":             {"UserErased", `{"userId":`, `{"schemaVersion":1}`, `unexpected EOF`},
		"no object":               {"UserErased", `null`, `{"schemaVersion":1}`, `no JSON object`},
		"empty":                   {"UserErased", ``, `{"schemaVersion":1}`, `no JSON object`},
		"two objects":             {"UserErased", `{}{}`, `{"schemaVersion":1}`, `after top-level value`},
		"a field nobody knows":    {"UserErased", `{"mood":"good"}`, `{"schemaVersion":1}`, `mood`},
		"a field of another kind": {"UserErased", `{"userId":7}`, `{"schemaVersion":1}`, `userId`},
	} {
		_, err := codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
			StreamID: "user-1", EventNumber: 4, EventType: test.typ, Data: []byte(test.data), UserMetadata: []byte(test.metadata),
		})
		var decodeErr *DecodeError
		if !errors.As(err, &decodeErr) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "event 4 of user-1") {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	var unknown *UnknownShapeError
	_, err := codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{EventType: "UserErased", Data: []byte("{}"), UserMetadata: []byte(`{"schemaVersion":9}`)})
	if !errors.As(err, &unknown) || *unknown != (UnknownShapeError{Type: "UserErased", Version: 9, Known: 1}) {
		t.Errorf("error %v", err)
	}
}

func TestForeignMetadataArePassedOver(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	e := encode(t, codec, user.Erased{UserID: ada}, event.Metadata{RequestID: "r"})
	e.UserMetadata = append([]byte(`{"$by":"a projection",`), e.UserMetadata[1:]...)
	got, err := codec.DecodeRecorded(t.Context(), e)
	if err != nil || got.Metadata.RequestID != "r" {
		t.Errorf("%+v, %v", got.Metadata, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	for name, draft := range map[string]event.Draft{
		"no id":        {Event: user.Erased{UserID: ada}},
		"no event":     {ID: goldenID},
		"a pointer":    {ID: goldenID, Event: &user.Erased{UserID: ada}},
		"unregistered": {ID: goldenID, Event: bare{}},
	} {
		if _, err := codec.Encode(t.Context(), draft); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// lifted is an event in its third shape: version 1 had one name, version 2 two.
type lifted struct {
	UserID string        `json:"userId"`
	Given  string        `json:"given"`
	Family string        `json:"family"`
	Age    int64         `json:"age"`
	Secret personal.Text `json:"secret,omitzero" subject:"userId"`
}

func (lifted) EventType() string { return "Lifted" }

func liftedSchema() event.Schema {
	return event.Define[lifted](
		func(f event.Fields) (event.Fields, error) {
			var name string
			if err := json.Unmarshal(f["name"], &name); err != nil {
				return nil, fmt.Errorf("name: %w", err)
			}
			given, family, _ := strings.Cut(name, " ")
			f["given"], f["family"] = json.RawMessage(`"`+given+`"`), json.RawMessage(`"`+family+`"`)
			delete(f, "name")
			return f, nil
		},
		func(f event.Fields) (event.Fields, error) {
			f["age"] = json.RawMessage("9007199254740993") // no float64
			return f, nil
		},
	)
}

func TestUpcasters(t *testing.T) {
	t.Parallel()
	codec, err := NewCodec([]event.Schema{liftedSchema()}, &fixedKeys{})
	if err != nil {
		t.Fatal(err)
	}
	want := lifted{UserID: "user_1", Given: "Ada", Family: "Lovelace", Age: 9007199254740993, Secret: personal.New("s")}
	sealedSecret := sealedField(t, encode(t, codec, want, event.Metadata{}).Data, "secret")
	for version, data := range map[int]string{
		1: `{"userId":"user_1","name":"Ada Lovelace","secret":` + sealedSecret + `}`,
		2: `{"userId":"user_1","given":"Ada","family":"Lovelace","secret":` + sealedSecret + `}`,
		3: `{"userId":"user_1","given":"Ada","family":"Lovelace","age":9007199254740993,"secret":` + sealedSecret + `}`,
	} {
		got, err := codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
			EventID: [16]byte(goldenID), EventType: "Lifted", Data: []byte(data),
			UserMetadata: fmt.Appendf(nil, `{"schemaVersion":%d}`, version),
		})
		if err != nil || got.Event != want || got.Metadata.SchemaVersion != version {
			t.Errorf("version %d reads as %#v, %v", version, got, err)
		}
	}
	_, err = codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
		EventType: "Lifted", Data: []byte(`{"name":7}`), UserMetadata: []byte(`{"schemaVersion":1}`),
	})
	if err == nil || !strings.Contains(err.Error(), "lift from version 1 to 2: name") {
		t.Errorf("a failing upcaster: %v", err)
	}
}

func sealedField(tb testing.TB, data []byte, field string) string {
	tb.Helper()
	var fields event.Fields
	if err := json.Unmarshal(data, &fields); err != nil {
		tb.Fatal(err)
	}
	return string(fields[field])
}

func FuzzDecode(f *testing.F) {
	codec := newTestCodec(f, &fixedKeys{})
	for _, schema := range Schemas() {
		e := encode(f, codec, sample(f, schema), sampleMetadata(f))
		f.Add(e.EventType, e.Data, e.UserMetadata)
	}
	f.Fuzz(func(t *testing.T, typ string, data, metadata []byte) {
		got, err := codec.DecodeRecorded(t.Context(), &esdb.RecordedEvent{
			EventID: [16]byte(goldenID), EventType: typ, Data: data, UserMetadata: metadata,
		})
		if err != nil {
			return
		}
		again, err := codec.DecodeRecorded(t.Context(), encode(t, codec, got.Event, got.Metadata))
		if err != nil {
			t.Fatalf("decoded, but not again: %v", err)
		}
		if diff := cmp.Diff(got.Event, again.Event); diff != "" {
			t.Errorf("changes on the way (-was +is):\n%s", diff)
		}
	})
}
