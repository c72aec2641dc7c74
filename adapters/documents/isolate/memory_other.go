//go:build !linux || race

package isolate

// addressSpace gives no limit: the race detector needs most of the address space, and other systems do not enforce
// one. GOMEMLIMIT and the limits on decoded bytes hold there as well.
func addressSpace(int64) (uint64, bool) { return 0, false }

const limitsData = false
