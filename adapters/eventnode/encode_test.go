package eventnode

import (
	"strconv"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// generated is the message as the generated code has it.
func generated(m *eventMessage) *streams.ReadResp {
	recorded := func(e *eventlog.Event) *streams.ReadResp_ReadEvent_RecordedEvent {
		if e == nil {
			return nil
		}
		id := &shared.UUID{Value: &shared.UUID_String_{String_: e.ID.String()}}
		if !m.uuidStrings {
			most, less := halvesOf(e.ID)
			id.Value = &shared.UUID_Structured_{Structured: &shared.UUID_Structured{MostSignificantBits: most, LeastSignificantBits: less}}
		}
		contentType := "application/octet-stream"
		if e.JSON {
			contentType = "application/json"
		}
		return &streams.ReadResp_ReadEvent_RecordedEvent{
			Id: id, StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.Stream)},
			StreamRevision: uint64(e.Revision), CommitPosition: uint64(e.Position), PreparePosition: uint64(e.Position),
			Metadata: map[string]string{
				"type": e.Type, "content-type": contentType, "created": strconv.FormatInt(e.Created, 10),
			},
			CustomMetadata: e.Metadata, Data: e.Data,
		}
	}
	position := m.event
	if m.link != nil {
		position = m.link
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: recorded(m.event), Link: recorded(m.link),
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: uint64(position.Position)},
	}}}
}

var anyEvent = rapid.Custom(func(t *rapid.T) *eventlog.Event {
	content := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 300), rapid.SampledFrom([][]byte{nil, make([]byte, 127), make([]byte, 128), make([]byte, 20_000)}))
	return &eventlog.Event{
		Position: rapid.Int64Min(1).Draw(t, "position"), Revision: rapid.Int64Min(0).Draw(t, "revision"),
		Created: rapid.Int64().Draw(t, "created"), ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
		JSON: rapid.Bool().Draw(t, "json"), Stream: rapid.String().Draw(t, "stream"), Type: rapid.String().Draw(t, "type"),
		Metadata: content.Draw(t, "metadata"), Data: content.Draw(t, "data"),
	}
})

// TestEncode holds what is written by hand against the generated code.
func TestEncode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &eventMessage{uuidStrings: rapid.Bool().Draw(rt, "strings")}
		kind := rapid.IntRange(0, 2).Draw(rt, "kind")
		if kind != 1 {
			m.event = anyEvent.Draw(rt, "event")
		}
		if kind != 0 {
			m.link = anyEvent.Draw(rt, "link")
		}
		buffers, err := newCodec().Marshal(m)
		if err != nil {
			rt.Fatal(err)
		}
		encoded := buffers.Materialize()
		buffers.Free()
		if len(encoded) > m.bound() {
			rt.Fatalf("%d bytes in a buffer for %d", len(encoded), m.bound())
		}
		var got streams.ReadResp
		if err := proto.Unmarshal(encoded, &got); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(generated(m), &got, protocmp.Transform()); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	m := &eventMessage{event: &eventlog.Event{
		Position: 123_456_789, Revision: 1234, Created: 17_000_000_000_000_000, ID: uuid.New(), JSON: true,
		Stream: "organization-01jz8q6v3ne2abkm6f5x2c9d4t", Type: "OrganizationRenamed", Data: make([]byte, 300), Metadata: make([]byte, 100),
	}}
	b.Run("by hand", func(b *testing.B) {
		c := newCodec()
		for b.Loop() {
			buffers, err := c.Marshal(m)
			if err != nil {
				b.Fatal(err)
			}
			buffers.Free()
		}
	})
	b.Run("generated", func(b *testing.B) {
		for b.Loop() {
			if _, err := proto.Marshal(generated(m)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
