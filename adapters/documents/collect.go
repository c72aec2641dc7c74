package documents

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much the heap of a child process may grow, in percent of what is live, before garbage is collected again. Short
// files end before there is any need; long ones must leave room for others.
const (
	growthShort = 400
	growthLong  = 40
	// longHeap is the live heap, in bytes, from which a file is a long one.
	longHeap = 32 << 20
)

// tuneCollector has the garbage collector spare time on short files and memory on long ones. It looks after each
// collection.
func tuneCollector() {
	debug.SetGCPercent(growthShort)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var look func(*[16]byte)
	look = func(sentinel *[16]byte) {
		growth := growthShort
		if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 && live[0].Value.Uint64() > longHeap {
			growth = growthLong
		}
		debug.SetGCPercent(growth)
		runtime.SetFinalizer(sentinel, look)
	}
	runtime.SetFinalizer(new([16]byte), look)
}
