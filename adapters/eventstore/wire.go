package eventstore

import (
	"unicode/utf8"
	"unsafe"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// The client module takes no options for its connections, so its codec is
// replaced where gRPC looks it up: for the whole process.
func init() { //nolint:gochecknoinits // RegisterCodecV2 may be called nowhere else.
	encoding.RegisterCodecV2(wireCodec{encoding.GetCodecV2(proto.Name)})
}

// wireCodec is the protobuf codec, and reads events by hand: two allocations and
// a map for each instead of sixteen. Generated code took two fifths of the time
// of a read. What it does not expect, and everything else, is left to the
// generated code.
type wireCodec struct{ encoding.CodecV2 }

// Unmarshal implements encoding.CodecV2.
func (c wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	resp, ok := v.(*streams.ReadResp)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	content := data.Materialize() // a copy of our own, which the event keeps
	if event := decodeReadEvent(content); event != nil {
		resp.Reset()
		resp.Content = event
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// Numbers of fields in streams.proto and shared.proto.
const (
	fieldRespEvent = 1

	fieldEvent          = 1
	fieldCommitPosition = 3

	fieldID             = 1
	fieldStream         = 2
	fieldRevision       = 3
	fieldPrepare        = 4
	fieldCommit         = 5
	fieldMetadata       = 6
	fieldCustomMetadata = 7
	fieldData           = 8

	fieldStructured = 1
	fieldMost       = 1
	fieldLeast      = 2
	fieldStreamName = 3
	fieldKey        = 1
	fieldValue      = 2
)

// readEvent is all that a message with an event consists of, in one allocation.
type readEvent struct {
	content  streams.ReadResp_Event
	event    streams.ReadResp_ReadEvent
	commit   streams.ReadResp_ReadEvent_CommitPosition
	recorded streams.ReadResp_ReadEvent_RecordedEvent
	stream   shared.StreamIdentifier
	id       shared.UUID
	oneof    shared.UUID_Structured_
	halves   shared.UUID_Structured
}

// decodeReadEvent reads a ReadResp with an event without link, as the server sends
// it: each field once, no unknown ones, ids in two halves. It returns nil for
// anything else. The event's texts and bytes are parts of b.
func decodeReadEvent(b []byte) *streams.ReadResp_Event {
	inner, ok := only(b, fieldRespEvent)
	if !ok {
		return nil
	}
	m := &readEvent{}
	ok = fields(inner, func(field protowire.Number, number uint64, content []byte) bool {
		switch {
		case field == fieldEvent && content != nil:
			return m.decodeRecorded(content)
		case field == fieldCommitPosition && content == nil:
			m.commit.CommitPosition = number
			m.event.Position = &m.commit
			return true
		default:
			return false
		}
	})
	if !ok || m.recorded.Id == nil || m.recorded.StreamIdentifier == nil {
		return nil
	}
	m.event.Event = &m.recorded
	m.content.Event = &m.event
	return &m.content
}

func (m *readEvent) decodeRecorded(b []byte) bool {
	r := &m.recorded
	r.Metadata = make(map[string]string, 3)
	return fields(b, func(field protowire.Number, number uint64, content []byte) bool {
		if isNumber := field >= fieldRevision && field <= fieldCommit; isNumber != (content == nil) {
			return false
		}
		switch field {
		case fieldID:
			return m.decodeID(content)
		case fieldStream:
			name, ok := only(content, fieldStreamName)
			m.stream.StreamName = name
			r.StreamIdentifier = &m.stream
			return ok
		case fieldRevision:
			r.StreamRevision = number
		case fieldPrepare:
			r.PreparePosition = number
		case fieldCommit:
			r.CommitPosition = number
		case fieldMetadata:
			return m.decodeEntry(content)
		case fieldCustomMetadata:
			r.CustomMetadata = content
		case fieldData:
			r.Data = content
		default:
			return false
		}
		return true
	})
}

func (m *readEvent) decodeID(b []byte) bool {
	inner, ok := only(b, fieldStructured)
	if !ok {
		return false
	}
	m.oneof.Structured, m.id.Value, m.recorded.Id = &m.halves, &m.oneof, &m.id
	return fields(inner, func(field protowire.Number, number uint64, content []byte) bool {
		switch {
		case content != nil:
			return false
		case field == fieldMost:
			m.halves.MostSignificantBits = int64(number) //nolint:gosec // the bits count
		case field == fieldLeast:
			m.halves.LeastSignificantBits = int64(number) //nolint:gosec // the bits count
		default:
			return false
		}
		return true
	})
}

func (m *readEvent) decodeEntry(b []byte) bool {
	var key, value []byte
	ok := fields(b, func(field protowire.Number, _ uint64, content []byte) bool {
		switch {
		case content == nil:
			return false
		case field == fieldKey:
			key = content
		case field == fieldValue:
			value = content
		default:
			return false
		}
		return true
	})
	if !ok || !utf8.Valid(key) || !utf8.Valid(value) {
		return false
	}
	before := len(m.recorded.Metadata)
	m.recorded.Metadata[text(key)] = text(value)
	return len(m.recorded.Metadata) > before
}

// text makes a string of bytes that never change.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // It spares a copy of each text of each event.
}

// only returns the content of the one field that a message has.
func only(b []byte, field protowire.Number) (content []byte, ok bool) {
	number, kind, n := protowire.ConsumeTag(b)
	if n < 0 || number != field || kind != protowire.BytesType {
		return nil, false
	}
	content, m := protowire.ConsumeBytes(b[n:])
	if m < 0 || n+m != len(b) {
		return nil, false
	}
	return content[:len(content):len(content)], true
}

// fields calls visit for each field of a message: with a number, or with content
// that is not nil. It is not ok when visit is not, when a field below 64 that is
// not repeated comes twice, or when the message is malformed.
func fields(b []byte, visit func(field protowire.Number, number uint64, content []byte) bool) bool {
	var seen uint64
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 || field >= 64 || seen&(1<<field) != 0 && field != fieldMetadata {
			return false
		}
		seen |= 1 << field
		b = b[n:]
		var (
			number  uint64
			content []byte
		)
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(b)
		default:
			return false
		}
		if n < 0 || !visit(field, number, content[:len(content):len(content)]) {
			return false
		}
		b = b[n:]
	}
	return true
}
