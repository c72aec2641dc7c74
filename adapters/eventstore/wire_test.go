package eventstore

import (
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

// recordedEvents are events as a server may send them, and as none does.
var recordedEvents = rapid.Custom(func(t *rapid.T) *streams.ReadResp_ReadEvent_RecordedEvent {
	bits := rapid.Uint64()
	e := &streams.ReadResp_ReadEvent_RecordedEvent{
		StreamRevision: bits.Draw(t, "revision"), PreparePosition: bits.Draw(t, "prepare"), CommitPosition: bits.Draw(t, "commit"),
		Metadata: map[string]string{"type": rapid.String().Draw(t, "type"), "created": "17", "content-type": "application/json"},
		Data:     rapid.SliceOf(rapid.Byte()).Draw(t, "data"), CustomMetadata: rapid.SliceOf(rapid.Byte()).Draw(t, "metadata"),
	}
	switch rapid.IntRange(0, 4).Draw(t, "id") {
	case 0:
		e.Id = &shared.UUID{Value: &shared.UUID_String_{String_: "7d1f6a4e-0000-4000-8000-000000000000"}}
	case 1: // without
	default:
		e.Id = &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
			MostSignificantBits: rapid.Int64().Draw(t, "most"), LeastSignificantBits: rapid.Int64().Draw(t, "least"),
		}}}
	}
	if rapid.IntRange(0, 5).Draw(t, "named") > 0 {
		e.StreamIdentifier = &shared.StreamIdentifier{StreamName: []byte(rapid.String().Draw(t, "stream"))}
	}
	for _, key := range rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "keys") {
		e.Metadata[key] = "x"
	}
	return e
})

var readResponses = rapid.Custom(func(t *rapid.T) *streams.ReadResp {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: 3}}}
	case 1:
		return &streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}
	}
	event := &streams.ReadResp_ReadEvent{Event: recordedEvents.Draw(t, "event")}
	switch rapid.IntRange(0, 3).Draw(t, "position") {
	case 0:
		event.Position = &streams.ReadResp_ReadEvent_NoPosition{NoPosition: &shared.Empty{}}
	case 1: // without
	default:
		event.Position = &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: rapid.Uint64().Draw(t, "position")}
	}
	if rapid.IntRange(0, 5).Draw(t, "linked") == 0 {
		event.Link = recordedEvents.Draw(t, "link")
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: event}}
})

// decodesAsGenerated reads bytes with the codec in force and with generated code.
func decodesAsGenerated(t rapid.TB, data []byte) {
	var got, want streams.ReadResp
	gotErr := encoding.GetCodecV2(grpcproto.Name).Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &got)
	wantErr := proto.Unmarshal(data, &want)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%x: error %v, want %v", data, gotErr, wantErr)
	}
	if wantErr != nil {
		return
	}
	if diff := cmp.Diff(&want, &got, protocmp.Transform()); diff != "" {
		t.Fatalf("%x: (-generated +by hand)\n%s", data, diff)
	}
}

func TestEventsAreDecodedAsByGeneratedCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data, err := proto.Marshal(readResponses.Draw(t, "response"))
		if err != nil {
			t.Skip()
		}
		decodesAsGenerated(t, data)
		// Cut, changed, repeated, or with something unknown, at any place.
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		decodesAsGenerated(t, data[:at])
		decodesAsGenerated(t, append(append([]byte(nil), data...), data[:at]...))
		if at < len(data) {
			changed := append([]byte(nil), data...)
			changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
			decodesAsGenerated(t, changed)
		}
		unknown := protowire.AppendVarint(protowire.AppendTag(nil, protowire.Number(rapid.IntRange(9, 200).Draw(t, "field")), protowire.VarintType), 1)
		decodesAsGenerated(t, append(append([]byte(nil), data...), unknown...))
	})
}

// The usual event takes the short way, or the codec were for nothing.
func TestUsualEventsAreDecodedByHand(t *testing.T) { //nolint:paralleltest // Allocations are counted.
	data := usualEvent(t)
	if decodeReadEvent(data) == nil {
		t.Fatal("it is left to the generated code")
	}
	decodesAsGenerated(t, data)
	if allocations := testing.AllocsPerRun(100, func() { _ = decodeReadEvent(data) }); allocations > 3 {
		t.Errorf("%v allocations", allocations)
	}
}

// An event owns its bytes: gRPC uses its buffers again.
func TestDecodedEventsOwnTheirBytes(t *testing.T) {
	t.Parallel()
	data := usualEvent(t)
	var got, want streams.ReadResp
	if err := proto.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if err := encoding.GetCodecV2(grpcproto.Name).Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &got); err != nil {
		t.Fatal(err)
	}
	clear(data)
	event := got.GetEvent().GetEvent()
	_ = append(event.GetCustomMetadata(), "overwrites"...)
	if diff := cmp.Diff(&want, &got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func usualEvent(tb testing.TB) []byte {
	tb.Helper()
	data, err := proto.Marshal(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id: &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
				MostSignificantBits: -5, LeastSignificantBits: 7,
			}}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("apikey-key_01")},
			StreamRevision:   3, PreparePosition: 70, CommitPosition: 70,
			Metadata:       map[string]string{"type": "ApiKeyCreated", "created": "17", "content-type": "application/json"},
			CustomMetadata: make([]byte, 200), Data: make([]byte, 300),
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: 70},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func BenchmarkDecodeReadResp(b *testing.B) {
	data := usualEvent(b)
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = decodeReadEvent(append([]byte(nil), data...))
		}
	})
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = proto.Unmarshal(data, &streams.ReadResp{})
		}
	})
}
