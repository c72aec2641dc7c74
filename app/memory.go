package app

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// memoryShare is the part of the container's memory that the heap may take,
	// where GOMEMLIMIT does not say it. The rest is for the processes that read
	// documents, and for an embedded Postgres.
	memoryShare = 0.6
	// smallHeap is how much may be allocated between two collections, in bytes,
	// however little is live: a server with few keys would collect many times a
	// second by Go's default, for a few megabytes.
	smallHeap = 96 << 20
	// minGCPercent holds for large heaps: half of Go's default, for most of what is
	// live then are keys without pointers, which cost a collection nothing.
	minGCPercent = 50
)

// TuneMemory sets the garbage collector and the memory limit of the process. The
// runtime's own variables, GOGC and GOMEMLIMIT, go before.
func TuneMemory(logger *slog.Logger) {
	_, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memlimit.FromCgroup))
	if err != nil {
		// There is no container, or its limit is out of our sight.
		logger.Debug("no memory limit", slog.Any("error", err))
	}
	if os.Getenv("GOGC") == "" {
		tuneGC()
	}
}

// tuneGC sets the pace of the collector after each collection, by what was live
// then. It runs as long as the process.
func tuneGC() {
	debug.SetGCPercent(gcPercent(liveHeap()))
	// The runtime calls it after each collection, for the object is garbage
	// at once.
	sentinel := new([16]byte)
	runtime.SetFinalizer(sentinel, func(*[16]byte) { tuneGC() })
}

// gcPercent is the GOGC at which smallHeap may be allocated, if that is more than
// by Go's default.
func gcPercent(live uint64) int {
	return max(minGCPercent, int(smallHeap*100/max(live, 1<<20))) //nolint:gosec // at most 9,600
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
