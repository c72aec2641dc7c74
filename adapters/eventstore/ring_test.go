package eventstore

import (
	"errors"
	"slices"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
)

// A reader of a ring gets all that comes after its position, in order, or is
// told that it has fallen out; and the ring keeps to its bytes.
func TestReadersOfARing(t *testing.T) {
	t.Parallel()
	at := func(n int) event.Position { return event.Position{Commit: uint64(n), Prepare: uint64(n)} }
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 10_000).Draw(t, "limit")
		life, stopped := newLife(), false
		began := rapid.IntRange(0, 20).Draw(t, "began")
		r := newRing(life, at(began), limit, func() { stopped = true })
		close(r.done)
		type following struct {
			*reader
			seen int // the last event
		}
		var readers []*following
		head := began
		var events []int
		next := func(after int) (int, bool) {
			i := slices.IndexFunc(events, func(e int) bool { return e > after })
			if i < 0 {
				return 0, false
			}
			return events[i], true
		}
		t.Repeat(map[string]func(*rapid.T){
			"event": func(t *rapid.T) {
				head += rapid.IntRange(1, 3).Draw(t, "step")
				data := make([]byte, rapid.IntRange(0, 3000).Draw(t, "bytes"))
				r.add(item{stored: &esdb.RecordedEvent{Position: esdb.Position(at(head)), Data: data}})
				events = append(events, head)
			},
			"checkpoint": func(t *rapid.T) {
				head += rapid.IntRange(0, 3).Draw(t, "step")
				r.add(item{checkpoint: at(head)})
			},
			"attach": func(t *rapid.T) {
				position := rapid.IntRange(0, head+3).Draw(t, "position")
				if _, ok := r.attach(newLife(), at(position), true); ok {
					t.Fatal("a reader of another life of the log may join")
				}
				reader, ok := r.attach(life, at(position), true)
				if !ok {
					if e, ok := next(position); !stopped && position >= began && (!ok || at(e).Compare(r.after) > 0) {
						t.Fatalf("a reader at %d cannot join, though the ring has all after %v", position, r.after)
					}
					return
				}
				readers = append(readers, &following{reader, position})
			},
			"read": func(t *rapid.T) {
				if len(readers) == 0 {
					t.Skip("nobody reads")
				}
				n := rapid.IntRange(0, len(readers)-1).Draw(t, "reader")
				reader := readers[n]
				i, ok, err := reader.poll()
				want, more := next(reader.seen)
				switch {
				case err != nil:
					if !errors.Is(err, errFellOut) || !more || at(want).Compare(r.after) > 0 {
						t.Fatalf("a reader after %d that has lost nothing: %v", reader.seen, err)
					}
					reader.close()
					readers = slices.Delete(readers, n, n+1)
				case !ok && more:
					t.Fatalf("nothing comes after %d, though there is %d", reader.seen, want)
				case ok && i.stored != nil:
					if !more || i.position() != at(want) {
						t.Fatalf("after %d comes %v, want %d", reader.seen, i.position(), want)
					}
					reader.seen = want
				case ok && more && i.checkpoint.Compare(at(want)) >= 0:
					t.Fatalf("the checkpoint %v passes over the event %d", i.checkpoint, want)
				}
			},
			"": func(t *rapid.T) {
				held := 0
				for _, i := range r.items {
					held += i.held()
				}
				if held != r.bytes || r.bytes > r.limit && len(r.items) > 1 {
					t.Fatalf("%d bytes of %d, counted as %d", held, limit, r.bytes)
				}
			},
		})
	})
}

func TestARingEndsWithItsSubscription(t *testing.T) {
	t.Parallel()
	stops := 0
	r := newRing(newLife(), event.Position{}, 1000, func() { stops++ })
	close(r.done)
	first, _ := r.attach(r.life, event.Position{}, true)
	second, _ := r.attach(r.life, event.Position{}, true)
	r.add(item{stored: &esdb.RecordedEvent{Position: esdb.Position{Commit: 1}}})
	r.add(item{fellBehind: true})
	first.close()
	if stops != 0 {
		t.Fatal("the subscription ended before its last reader")
	}
	r.end(errKeysDown)
	if _, ok := r.attach(r.life, event.Position{}, true); ok {
		t.Error("a reader joins a ring that has ended")
	}
	if i, ok, err := second.poll(); !ok || err != nil || i.stored == nil {
		t.Errorf("what was received is lost: %v, %v, %v", i, ok, err)
	}
	if _, ok, err := second.poll(); ok || !errors.Is(err, errKeysDown) {
		t.Errorf("the end is not told: %v, %v", ok, err)
	}
	second.close()
	if stops != 1 || len(r.items) != 0 {
		t.Errorf("stopped %d times, %d items left", stops, len(r.items))
	}
}
