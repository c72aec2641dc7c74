package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// countBar shows how many of a number of things are done. It is quiet when it does not
// write to a terminal.
type countBar struct {
	bar *progressbar.ProgressBar // nil when quiet
}

func newCountBar(w io.Writer, what string) *countBar {
	return &countBar{newBar(w, progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true))}
}

// newBar returns a bar that is gone when it is finished; nil where no person looks.
func newBar(w io.Writer, options ...progressbar.Option) *progressbar.ProgressBar {
	if !isTerminal(w) {
		return nil
	}
	return progressbar.NewOptions64(1, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
	}, options...)...)
}

// show may be called often.
func (b *countBar) show(done, of uint64) {
	if b.bar == nil {
		return
	}
	b.bar.ChangeMax64(int64(max(of, 1))) //nolint:gosec // Nothing has so many.
	_ = b.bar.Set64(int64(done))         //nolint:gosec // As above. A terminal that is gone is no failure.
}

func (b *countBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
