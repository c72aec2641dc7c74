package eventstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/perfectworks/backend/domain/event"
)

// memoTime bounds how long a decoded event is used again. It holds personal texts
// in the clear, whose key may have been destroyed meanwhile without this process
// having heard of it.
const memoTime = 5 * time.Second

// memo is an event that was decoded for one consumer, for the others. It is safe
// for concurrent use.
type memo struct {
	turn    chan struct{} // held by the one who decodes
	epoch   atomic.Uint64 // counts calls of forget
	decoded atomic.Pointer[decoded]
}

type decoded struct {
	codec    *Codec
	at       time.Time
	recorded event.Recorded
	err      error
}

func newMemo() *memo { return &memo{turn: make(chan struct{}, 1)} }

// forget drops the decoded event, also one that is being decoded.
func (m *memo) forget() {
	m.epoch.Add(1)
	m.decoded.Store(nil)
}

func (m *memo) get(codec *Codec) (*decoded, bool) {
	d := m.decoded.Load()
	return d, d != nil && d.codec == codec && time.Since(d.at) < memoTime
}

// decode gives the event as the codec reads it: read is called if nobody else
// has done so just now. An error that may pass is not kept.
func (m *memo) decode(ctx context.Context, codec *Codec, read func() (event.Recorded, error)) (event.Recorded, error) {
	if d, ok := m.get(codec); ok {
		return d.recorded, d.err
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return event.Recorded{}, context.Cause(ctx)
	}
	if d, ok := m.get(codec); ok {
		return d.recorded, d.err
	}
	epoch, at := m.epoch.Load(), time.Now()
	recorded, err := read()
	var final *DecodeError
	if err == nil || errors.As(err, &final) {
		m.decoded.Store(&decoded{codec, at, recorded, err})
		if m.epoch.Load() != epoch {
			m.decoded.Store(nil)
		}
	}
	return recorded, err
}
