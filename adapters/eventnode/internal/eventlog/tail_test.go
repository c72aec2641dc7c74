package eventlog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func eventsAt(positions ...int64) []*Event {
	events := make([]*Event, len(positions))
	for i, position := range positions {
		events[i] = &Event{Position: position}
	}
	return events
}

func positionsOf(events []*Event) []int64 {
	positions := []int64{}
	for _, e := range events {
		positions = append(positions, e.Position)
	}
	return positions
}

// TestTail publishes at random and checks that a reader anywhere gets exactly
// what follows, or is told that it must read elsewhere.
func TestTail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const maxEvents = 5
		tail := newTail(maxEvents, 1<<20)
		tail.restart(10)
		published := []int64{}
		end := int64(10)
		for range rapid.IntRange(1, 20).Draw(rt, "publications") {
			var batch []int64
			for range rapid.IntRange(1, 4).Draw(rt, "events") {
				end += rapid.Int64Range(1, 3).Draw(rt, "gap")
				batch = append(batch, end)
			}
			_, wait, _ := tail.after(endOf(published), nil)
			tail.publish(eventsAt(batch...))
			published = append(published, batch...)
			select {
			case <-wait:
			default:
				rt.Fatal("a waiting reader was not woken")
			}

			from := rapid.Int64Range(0, end+2).Draw(rt, "from")
			size := rapid.IntRange(1, 8).Draw(rt, "size")
			events, wait, ok := tail.after(from, make([]*Event, 0, size))
			want := []int64{}
			for _, position := range published {
				if position > from && len(want) < size {
					want = append(want, position)
				}
			}
			held := published[max(0, len(published)-maxEvents):]
			switch {
			case !ok:
				if from >= 10 && (len(published) < maxEvents || from >= held[0]) {
					rt.Fatalf("position %d is not held, though the last %d events must be: %v", from, maxEvents, published)
				}
			case from < 10:
				rt.Fatalf("position %d lies before the tail", from)
			case len(want) == 0 && wait == nil:
				rt.Fatal("nothing to read, and nothing to wait for")
			default:
				if diff := cmp.Diff(want, positionsOf(events)); diff != "" {
					rt.Fatal(diff)
				}
			}
		}
	})
}

func endOf(published []int64) int64 {
	if len(published) == 0 {
		return 10
	}
	return published[len(published)-1]
}

func TestTailIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	tail := newTail(1000, 10_000)
	for i := range int64(100) {
		tail.publish([]*Event{{Position: i + 1, Data: make([]byte, 1000)}})
		if tail.bytes > 20_000+1200 {
			t.Fatalf("the tail holds %d bytes", tail.bytes)
		}
	}
	tail.publish([]*Event{{Position: 101, Data: make([]byte, 100_000)}})
	if events, _, ok := tail.after(100, make([]*Event, 0, 9)); !ok || len(events) != 1 {
		t.Error("the last event must be held, however large it is")
	}
}

func TestHeadCacheKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	cache := newHeadCache(10)
	cache.put("used", head{revision: 1})
	for i := range 1000 {
		cache.put(string(rune('a'+i%26))+string(rune('a'+i/26)), head{})
		if _, ok := cache.get("used"); !ok {
			t.Fatal("a head in use was dropped")
		}
		if len(cache.young)+len(cache.old) > 20 {
			t.Fatalf("the cache holds %d heads", len(cache.young)+len(cache.old))
		}
	}
}

func TestRecentIDsAreBounded(t *testing.T) {
	t.Parallel()
	recent := newRecentIDs(3)
	for i := range int64(10) {
		recent.add(&Event{ID: [16]byte{byte(i)}, Stream: "s", Revision: i})
	}
	for i := range int64(10) {
		at, ok := recent.get([16]byte{byte(i)})
		if ok != (i >= 7) || ok && at.revision != i {
			t.Errorf("id %d: %v %v", i, at, ok)
		}
	}
	recent.add(&Event{ID: [16]byte{9}, Stream: "other"})
	if at, _ := recent.get([16]byte{9}); at.stream != "other" {
		t.Error("the latest place of an id counts")
	}
}

// TestTailGivesLittleOfLargeEvents bounds what a reader that is held up keeps.
func TestTailGivesLittleOfLargeEvents(t *testing.T) {
	t.Parallel()
	tail := newTail(100, 1<<30)
	events := eventsAt(1, 2, 3, 4, 5, 6)
	for _, e := range events {
		e.Data = make([]byte, maxHeldBytes*2/3)
	}
	tail.publish(events)
	for from, want := range map[int64][]int64{0: {1, 2}, 2: {3, 4}, 5: {6}} {
		got, _, ok := tail.after(from, make([]*Event, 0, 256))
		if diff := cmp.Diff(want, positionsOf(got)); diff != "" || !ok {
			t.Errorf("after %d: %s", from, diff)
		}
	}
}
