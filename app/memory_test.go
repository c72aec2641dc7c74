package app

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestSmallHeapsAreCollectedSeldom(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 9600, 12 << 20: 800, 96 << 20: 100, 192 << 20: 50, 1 << 30: 50} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d bytes live: %d %%, want %d", live, got, want)
		}
	}
}

// The pace follows the heap: with much more live, it is that of large heaps.
func TestGCPaceFollowsTheHeap(t *testing.T) { //nolint:paralleltest // It is the process's collector.
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	tuneGC()
	held := make([]byte, 3*smallHeap)
	deadline := time.Now().Add(20 * time.Second)
	for current := -1; current != minGCPercent; time.Sleep(time.Millisecond) {
		runtime.GC()
		if current = debug.SetGCPercent(minGCPercent + 1); time.Now().After(deadline) {
			t.Fatalf("GOGC is %d with %d MiB live", current, liveHeap()>>20)
		}
		debug.SetGCPercent(current)
	}
	runtime.KeepAlive(held)
}
