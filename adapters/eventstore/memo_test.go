package eventstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
)

func TestAMemoDecodesOnce(t *testing.T) {
	t.Parallel()
	codec, other := &Codec{}, &Codec{}
	var reads atomic.Int32
	m := newMemo()
	decode := func(c *Codec, err error) error {
		_, got := m.decode(t.Context(), c, func() (event.Recorded, error) {
			reads.Add(1)
			return event.Recorded{}, err
		})
		return got
	}
	if err := decode(codec, errKeysDown); !errors.Is(err, errKeysDown) {
		t.Errorf("%v", err)
	}
	var together sync.WaitGroup
	for range 10 {
		together.Go(func() {
			if err := decode(codec, nil); err != nil { // The failure has passed.
				t.Error(err)
			}
		})
	}
	together.Wait()
	if reads.Load() != 2 {
		t.Errorf("%d reads, want one that failed and one", reads.Load())
	}
	m.forget()
	final := &DecodeError{Err: errors.New("never")}
	if err := decode(codec, final); !errors.Is(err, final) {
		t.Errorf("what was forgotten is decoded anew: %v", err)
	}
	if err := decode(codec, nil); !errors.Is(err, final) {
		t.Errorf("a final error is kept: %v", err)
	}
	if err := decode(other, nil); err != nil {
		t.Errorf("another codec reads for itself: %v", err)
	}
}

// What was decoded while keys were destroyed, or a while ago, is not used again.
func TestAMemoIsForgotten(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		codec, reads := &Codec{}, 0
		m := newMemo()
		read := func(during func()) {
			_, err := m.decode(t.Context(), codec, func() (event.Recorded, error) {
				reads++
				during()
				return event.Recorded{}, nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		read(m.forget)
		read(func() {})
		if reads != 2 {
			t.Errorf("%d reads, want another after keys were destroyed during the first", reads)
		}
		time.Sleep(memoTime)
		read(func() {})
		if reads != 3 {
			t.Errorf("%d reads, want another after a while", reads)
		}
	})
}

func TestWaitingForAMemoEnds(t *testing.T) {
	t.Parallel()
	m := newMemo()
	m.turn <- struct{}{} // Somebody decodes, and hangs.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.decode(ctx, &Codec{}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
