package eventstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel/trace"

	"github.com/perfectworks/backend/domain/event"
)

// The metadata that every message has, for logs and middlewares.
const (
	MetadataStream = "stream"
	MetadataType   = "type"
)

// publishedType is the type under which Publisher stores messages, with their
// metadata as the event's.
const publishedType = "WatermillMessage"

// delivery is the context of a message: it carries the event as it is stored,
// and ends when the message is acknowledged.
type delivery struct {
	context.Context
	item
}

type deliveryKey struct{}

// Value answers for the delivery, and else as the context around it.
func (d *delivery) Value(key any) any {
	if _, ok := key.(deliveryKey); ok {
		return d
	}
	return d.Context.Value(key)
}

// newMessage wraps a stored event, or bundles several. The message's context ends
// with cancel, those of a bundle's parts too.
func newMessage(ctx context.Context, items []item) (*message.Message, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	m := message.NewMessage(items[0].stored.EventID.String(), nil)
	if len(items) == 1 {
		wrap(ctx, m, items[0])
		return m, cancel
	}
	parts := make([]*message.Message, len(items))
	for n, i := range items {
		parts[n] = &message.Message{UUID: i.stored.EventID.String(), Metadata: make(message.Metadata, 2)}
		wrap(ctx, parts[n], i)
	}
	m.SetContext(&bundle{ctx, parts}) //nolint:contextcheck // It embeds ctx.
	return m, cancel
}

// wrap makes a message that of a stored event.
func wrap(ctx context.Context, m *message.Message, i item) {
	m.Payload = i.stored.Data
	if i.stored.EventType == publishedType {
		restore(m, i.stored.UserMetadata)
	}
	m.Metadata[MetadataStream] = i.stored.StreamID
	m.Metadata[MetadataType] = i.stored.EventType
	m.SetContext(&delivery{ctx, i}) //nolint:contextcheck // It embeds ctx.
}

// bundle is the context of a message that carries several.
type bundle struct {
	context.Context
	parts []*message.Message
}

type bundleKey struct{}

// Value answers for the bundle, and else as the context around it.
func (b *bundle) Value(key any) any {
	if _, ok := key.(bundleKey); ok {
		return b
	}
	return b.Context.Value(key)
}

// Parts returns the messages that a Subscriber's message carries, one for each
// event, in the order of the log: see SubscriberOptions.Bundle. For a message of
// one event it returns nil. Parts are read only: to acknowledge or refuse the
// message is to do so with all of them.
func Parts(m *message.Message) []*message.Message {
	if b, ok := m.Context().Value(bundleKey{}).(*bundle); ok {
		return b.parts
	}
	return nil
}

var traceParentMember = []byte(`"traceParent":"`)

// withRemoteSpan adds the span that an event was written in, as a remote
// parent, if its metadata hold one (W3C Trace Context, section 3.2). It is done
// for each message of a live subscription, whether anybody traces or not, so it
// does not read all of the metadata for it.
func withRemoteSpan(ctx context.Context, metadata []byte) context.Context {
	_, value, found := bytes.Cut(metadata, traceParentMember)
	const length = len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if !found || len(value) < length {
		return ctx
	}
	traceID, err := trace.TraceIDFromHex(string(value[3:35]))
	if err != nil {
		return ctx
	}
	spanID, err := trace.SpanIDFromHex(string(value[36:52]))
	if err != nil {
		return ctx
	}
	sampled := bytes.IndexByte([]byte("13579bdf"), value[54]) >= 0 // the lowest bit of the flags
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(0).WithSampled(sampled), Remote: true,
	}))
}

// errNotOurs is the refusal to decode a message of another subscriber.
var errNotOurs = errors.New("the message was not delivered by the event store's subscriber")

// deliveryOf is the delivery of a Subscriber's message.
func deliveryOf(m *message.Message) (*delivery, error) {
	d, ok := m.Context().Value(deliveryKey{}).(*delivery)
	if !ok {
		return nil, errNotOurs
	}
	return d, nil
}

// Decode reads the event that a Subscriber's message carries. The errors are
// those of DecodeRecorded. Consumers that share a Feed get the same event, which
// is decoded once: none may change what it refers to.
func (c *Codec) Decode(ctx context.Context, m *message.Message) (event.Recorded, error) {
	d, err := deliveryOf(m)
	if err != nil {
		return event.Recorded{}, err
	}
	if d.memo == nil {
		return c.DecodeRecorded(ctx, d.stored)
	}
	return d.memo.decode(ctx, c, func() (event.Recorded, error) { return c.DecodeRecorded(ctx, d.stored) })
}

// published is the metadata of a stored Watermill message.
type published struct {
	UUID     string            `json:"uuid"`
	Metadata map[string]string `json:"metadata"`
}

func restore(m *message.Message, metadata []byte) {
	var p published
	if json.Unmarshal(metadata, &p) != nil {
		return // Not written by Publisher: it stays a message without metadata.
	}
	m.UUID = p.UUID
	for k, v := range p.Metadata {
		m.Metadata[k] = v
	}
}

func publishedMetadata(m *message.Message) ([]byte, error) {
	metadata, err := json.Marshal(published{UUID: m.UUID, Metadata: m.Metadata})
	if err != nil {
		return nil, fmt.Errorf("metadata of message %s: %w", m.UUID, err)
	}
	return metadata, nil
}
