package eventstore

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
)

// Publisher is a message.Publisher that stores plain Watermill messages, which
// are no events of an aggregate: each topic is one stream, "message-<topic>/",
// the topic escaped as in a URL path. A subscriber follows it by MessagePrefix.
type Publisher struct {
	client *Client

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher. The caller closes it.
func NewPublisher(client *Client) *Publisher { return &Publisher{client: client} }

// MessagePrefix is what SubscriberOptions.Prefixes gives for a topic of a
// Publisher. No topic's prefix is the beginning of another's.
func MessagePrefix(topic string) []string { return []string{"message-" + url.PathEscape(topic) + "/"} }

// Publish stores the messages in as few appends as their sizes allow, each of
// them whole or not at all. It works within the first message's context. A
// message that is published again after an error may be stored twice.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.pending.Add(1)
	p.mu.Unlock()
	defer p.pending.Done()
	if len(messages) == 0 {
		return nil
	}
	if err := p.publish(messages[0].Context(), MessagePrefix(topic)[0], messages); err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

func (p *Publisher) publish(ctx context.Context, stream string, messages []*message.Message) error {
	var chunk []esdb.EventData
	size := 0
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		_, err := p.client.append(ctx, stream, esdb.Any{}, chunk)
		chunk, size = nil, 0
		return err
	}
	for _, m := range messages {
		metadata, err := publishedMetadata(m)
		if err != nil {
			return err
		}
		e := esdb.EventData{
			EventID: messageID(m), EventType: publishedType, ContentType: esdb.ContentTypeBinary,
			Data: m.Payload, Metadata: metadata,
		}
		if size+storedSize(&e) > MaxAppendSize {
			if err := flush(); err != nil {
				return err
			}
		}
		chunk, size = append(chunk, e), size+storedSize(&e)
	}
	return flush()
}

// messageID makes an event's id of the message's, which is mostly a UUID.
func messageID(m *message.Message) uuid.UUID {
	if id, err := uuid.Parse(m.UUID); err == nil && id != uuid.Nil {
		return id
	}
	if m.UUID == "" {
		return uuid.New()
	}
	return uuid.NewSHA1(uuid.Nil, []byte(m.UUID))
}

// Close waits for messages that are being published; later ones are refused.
func (p *Publisher) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.pending.Wait()
	return nil
}
