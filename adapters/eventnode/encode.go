package eventnode

import (
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// codec is the protobuf codec, and writes eventMessage by hand into one pooled
// buffer. Reading a log is little else than this, and the generated code takes
// several times as long.
type codec struct {
	encoding.CodecV2
}

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*eventMessage)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	bound := m.bound()
	pool := mem.DefaultBufferPool()
	if bound <= smallMessage {
		pool = smallMessages
	}
	buf := pool.Get(bound)
	*buf = m.append((*buf)[:0])
	return mem.BufferSlice{mem.NewBuffer(buf, pool)}, nil
}

// smallMessage is a size that most messages stay below.
const smallMessage = 2 << 10

// smallMessages serves the most frequent size. The pool of gRPC would clear 4 KiB
// for each.
var smallMessages = &messagePool{}

// messagePool is a mem.BufferPool of one size.
type messagePool struct{ buffers sync.Pool }

func (p *messagePool) Get(length int) *[]byte {
	buf, ok := p.buffers.Get().(*[]byte)
	if !ok {
		b := make([]byte, smallMessage)
		buf = &b
	}
	*buf = (*buf)[:length]
	return buf
}

func (p *messagePool) Put(buf *[]byte) { p.buffers.Put(buf) }

// eventMessage is a ReadResp with an event.
type eventMessage struct {
	event       *eventlog.Event // nil for a link that leads nowhere
	link        *eventlog.Event // nil without resolved link
	uuidStrings bool
}

// Numbers of fields in streams.proto and shared.proto.
const (
	readRespEvent = 1

	readEventEvent          = 1
	readEventLink           = 2
	readEventCommitPosition = 3

	recordedID             = 1
	recordedStream         = 2
	recordedRevision       = 3
	recordedPrepare        = 4
	recordedCommit         = 5
	recordedMetadata       = 6
	recordedCustomMetadata = 7
	recordedData           = 8

	uuidStructured = 1
	uuidString     = 2
	structuredMost = 1
	structuredLess = 2
	streamNameName = 3
	mapKey         = 1
	mapValue       = 2
)

// fixedBound is more than a recorded event takes beside its names and content:
// ids, numbers, tags, the keys of its metadata.
const fixedBound = 256

func (m *eventMessage) bound() int {
	bound := 64
	for _, e := range []*eventlog.Event{m.event, m.link} {
		if e != nil {
			bound += fixedBound + len(e.Stream) + len(e.Type) + len(e.Metadata) + len(e.Data)
		}
	}
	return bound
}

// append encodes the message. The lengths that come first are those of what
// follows, so inner parts are written behind room for them and moved up.
func (m *eventMessage) append(b []byte) []byte {
	b, respEvent := openField(b, readRespEvent)
	original := m.link
	if original == nil {
		original = m.event
	}
	if m.event != nil {
		b = m.appendRecorded(b, readEventEvent, m.event)
	}
	if m.link != nil {
		b = m.appendRecorded(b, readEventLink, m.link)
	}
	b = appendNumber(b, readEventCommitPosition, original.Position)
	return closeField(b, respEvent)
}

func (m *eventMessage) appendRecorded(b []byte, field protowire.Number, e *eventlog.Event) []byte {
	b, recorded := openField(b, field)
	b = m.appendID(b, e.ID)

	b, stream := openField(b, recordedStream)
	b = appendText(b, streamNameName, e.Stream)
	b = closeField(b, stream)

	b = appendNumber(b, recordedRevision, e.Revision)
	b = appendNumber(b, recordedPrepare, e.Position)
	b = appendNumber(b, recordedCommit, e.Position)

	contentType := contentTypeBinary
	if e.JSON {
		contentType = contentTypeJSON
	}
	var digits [20]byte
	b = appendEntry(b, metadataType, e.Type)
	b = appendEntry(b, metadataCreated, strconv.AppendInt(digits[:0], e.Created, 10))
	b = appendEntry(b, metadataContentType, contentType)
	if len(e.Metadata) > 0 {
		b = appendText(b, recordedCustomMetadata, e.Metadata)
	}
	if len(e.Data) > 0 {
		b = appendText(b, recordedData, e.Data)
	}
	return closeField(b, recorded)
}

func (m *eventMessage) appendID(b []byte, id uuid.UUID) []byte {
	b, field := openField(b, recordedID)
	if m.uuidStrings {
		b = protowire.AppendTag(b, uuidString, protowire.BytesType)
		b = protowire.AppendVarint(b, 36)
		b = append(b, id.String()...)
	} else {
		var structured int
		b, structured = openField(b, uuidStructured)
		most, less := halvesOf(id)
		b = appendNumber(b, structuredMost, most)
		b = appendNumber(b, structuredLess, less)
		b = closeField(b, structured)
	}
	return closeField(b, field)
}

// openField begins a field with content of unknown length, at a place that
// closeField wants to know.
func openField(b []byte, field protowire.Number) (grown []byte, start int) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return append(b, 0), len(b) + 1
}

// closeField writes the length. One byte is there; a longer length moves the
// content.
func closeField(b []byte, start int) []byte {
	length := len(b) - start
	if more := protowire.SizeVarint(uint64(length)) - 1; more > 0 { //nolint:gosec // a length
		b = append(b, "\x00\x00\x00\x00\x00\x00\x00\x00\x00"[:more]...)
		copy(b[start+more:], b[start:start+length])
	}
	binary.PutUvarint(b[start-1:], uint64(length)) //nolint:gosec // a length
	return b
}

func appendNumber(b []byte, field protowire.Number, n int64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(n)) //nolint:gosec // the bits count
}

func appendText[T string | []byte](b []byte, field protowire.Number, text T) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(text)))
	return append(b, text...)
}

func appendEntry[T string | []byte](b []byte, key string, value T) []byte {
	b, entry := openField(b, recordedMetadata)
	b = appendText(b, mapKey, key)
	b = appendText(b, mapValue, value)
	return closeField(b, entry)
}

func uuidFromHalves(most, less int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(most)) //nolint:gosec // the bits count
	binary.BigEndian.PutUint64(id[8:], uint64(less)) //nolint:gosec // the bits count
	return id
}

func halvesOf(id uuid.UUID) (most, less int64) {
	return int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:])) //nolint:gosec // the bits count
}

// caughtUpFields are the fields that servers from version 25 on fill in CaughtUp,
// in wire form, since the message of version 24 has none. Newer clients drop a
// CaughtUp without them.
func caughtUpFields(now time.Time, subscribed target, at int64) []byte {
	const (
		timestamp      = 1
		seconds        = 1
		nanos          = 2
		streamRevision = 2
		position       = 3
		commit         = 1
		prepare        = 2
	)
	b, field := openField(nil, timestamp)
	b = appendNumber(b, seconds, now.Unix())
	b = appendNumber(b, nanos, int64(now.Nanosecond()))
	b = closeField(b, field)
	switch {
	case subscribed.all && at > 0:
		b, field = openField(b, position)
		b = appendNumber(b, commit, at)
		b = appendNumber(b, prepare, at)
		b = closeField(b, field)
	case !subscribed.all && at >= 0:
		b = appendNumber(b, streamRevision, at)
	}
	return b
}
