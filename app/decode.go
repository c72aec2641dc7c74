package app

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/projections"
)

// decode tells projections which events can never be read from those that
// could not be read just now, and counts the former.
func decode(codec *eventstore.Codec, unreadable prometheus.Counter) projections.Decode {
	return func(ctx context.Context, m *message.Message) (event.Recorded, error) {
		r, err := codec.Decode(ctx, m)
		var final *eventstore.DecodeError
		if errors.As(err, &final) {
			unreadable.Inc()
			err = fmt.Errorf("%w: %w", projections.ErrUndecodable, err)
		}
		return r, err
	}
}

// readLog reads a part of the log: the events of the streams with some prefixes.
func readLog(client *eventstore.Client, codec *eventstore.Codec, prefixes []string) projections.Read {
	return func(ctx context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error {
		return client.ReadLog(ctx, from, upTo, prefixes, func(stored *esdb.RecordedEvent) error {
			r, err := codec.DecodeRecorded(ctx, stored)
			var final *eventstore.DecodeError
			if errors.As(err, &final) {
				err = fmt.Errorf("%w: %w", projections.ErrUndecodable, err)
			}
			return each(r, err)
		})
	}
}

// keyless holds no keys, so that personal texts read as erased. The directory
// decodes by it: it needs none of them, and asking for the key of each person
// in the log would take a start's time.
type keyless struct{}

// Key implements eventstore.Keys.
func (keyless) Key(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// KeyFor implements eventstore.Keys.
func (keyless) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }
