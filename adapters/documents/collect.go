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

// What the memory of a long file may have beside what is live: a share of that in percent, and some bytes. Growth is less
// than what is reserved for it, since garbage does not go at once; close to this limit the runtime gives memory back to
// the system.
const (
	spareShare = 35
	spareBytes = 24 << 20
)

// tuneCollector has the garbage collector spare time on short files and memory on long ones. It looks after each
// collection.
func tuneCollector() {
	most := debug.SetMemoryLimit(-1) // as the parent set it
	debug.SetGCPercent(growthShort)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var look func(*[16]byte)
	look = func(sentinel *[16]byte) {
		growth, limit := growthShort, most
		if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 && live[0].Value.Uint64() > longHeap {
			n := int64(live[0].Value.Uint64()) //nolint:gosec // bytes of memory
			growth, limit = growthLong, min(most, n+n*spareShare/100+spareBytes)
		}
		debug.SetGCPercent(growth)
		debug.SetMemoryLimit(limit)
		runtime.SetFinalizer(sentinel, look)
	}
	runtime.SetFinalizer(new([16]byte), look)
}
