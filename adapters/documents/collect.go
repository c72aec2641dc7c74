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
	growthLong  = 100
	// longHeap is the live heap, in bytes, from which a file is a long one.
	longHeap = 32 << 20
)

// How much memory a long file may take before garbage is collected more often, and memory that is not used is given
// back to the system: what is live, a share of that in percent and some bytes, but no less than leastLimit.
const (
	spareShare = 30
	spareBytes = 24 << 20
	leastLimit = 192 << 20
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
			growth, limit = growthLong, min(most, max(leastLimit, n+n*spareShare/100+spareBytes))
		}
		debug.SetGCPercent(growth)
		debug.SetMemoryLimit(limit)
		runtime.SetFinalizer(sentinel, look)
	}
	runtime.SetFinalizer(new([16]byte), look)
}
