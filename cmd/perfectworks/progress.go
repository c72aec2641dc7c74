package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/perfectworks/backend/projections"
)

// buildBar shows how far the build of a read model has got. Its total is the
// log's length in bytes, which positions count in.
type buildBar struct {
	bar  *progressbar.ProgressBar
	last projections.BuildProgress
}

func newBuildBar(w io.Writer) *buildBar {
	return &buildBar{bar: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// show is called for each progress, never twice at a time.
func (b *buildBar) show(p projections.BuildProgress) {
	b.last = p
	b.bar.ChangeMax64(max(int64(p.Head.Commit), 1)) //nolint:gosec // A log of 2^63 bytes does not exist.
	b.bar.Describe(fmt.Sprintf("%s: %s, %.0f events/s", p.Projection, p.Phase, p.EventsPerSecond))
	_ = b.bar.Set64(int64(min(p.Position.Commit, p.Head.Commit))) //nolint:gosec // As above. A terminal that is gone is no failure of the build.
}

func (b *buildBar) finish() { _ = b.bar.Finish() }
