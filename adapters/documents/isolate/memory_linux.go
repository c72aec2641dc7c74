//go:build linux && !race

package isolate

import (
	"os"
	"strconv"
	"strings"
)

// addressSpace returns how much address space a process with so much memory may have: the runtime reserves space that
// it never uses, so the limit comes on top of what there is now.
func addressSpace(memory int64) (uint64, bool) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		return 0, false
	}
	return uint64(pages*int64(os.Getpagesize()) + memory), true //nolint:gosec // both are positive
}

// limitsData is set if processes get a limit of their data as well.
const limitsData = true
