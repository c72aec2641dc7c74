package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"

	"github.com/perfectworks/backend/projections"
)

// buildBar shows how far builds of read models have got, on a terminal. Its total is
// the log's length in bytes, which positions count in.
type buildBar struct {
	bar *progressbar.ProgressBar // nil where no person looks
	// last is the latest progress of each projection.
	last map[string]projections.BuildProgress
}

func newBuildBar(w io.Writer) *buildBar {
	return &buildBar{
		bar:  newBar(w, progressbar.OptionSetPredictTime(false)),
		last: map[string]projections.BuildProgress{},
	}
}

// show is called for each progress, never twice at a time. With several projections
// the one that is least far is shown.
func (b *buildBar) show(p projections.BuildProgress) {
	b.last[p.Projection] = p
	if b.bar == nil {
		return
	}
	open := 0
	for _, other := range b.last {
		if other.Phase == projections.PhaseDone || other.Phase == projections.PhaseReady {
			continue
		}
		if open++; other.Done() < p.Done() || p.Phase == projections.PhaseDone || p.Phase == projections.PhaseReady {
			p = other
		}
	}
	name := p.Projection
	if open > 1 {
		name = fmt.Sprintf("%s and %d more", name, open-1)
	}
	text := fmt.Sprintf("%s: %s, %.0f events/s", name, p.Phase, p.EventsPerSecond)
	if p.Remaining > 0 {
		text += fmt.Sprintf(", %s left", p.Remaining)
	}
	if p.Failure != "" {
		text += ", " + shortened(p.Failure, cellWidth)
	}
	b.bar.ChangeMax64(max(int64(p.Head.Commit), 1)) //nolint:gosec // A log of 2^63 bytes does not exist.
	b.bar.Describe(text)
	_ = b.bar.Set64(int64(min(p.Position.Commit, p.Head.Commit))) //nolint:gosec // As above. A terminal that is gone is no failure of the build.
}

// of is the latest progress of a projection.
func (b *buildBar) of(projection string) projections.BuildProgress { return b.last[projection] }

func (b *buildBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish() // As in show.
	}
}
