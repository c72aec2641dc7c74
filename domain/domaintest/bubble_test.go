package domaintest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
)

// Many timers that fire at one instant killed the process under the race
// detector when the bubble had more than one processor.
func TestTimersThatFireTogether(t *testing.T) {
	t.Parallel()
	for range 100 {
		domaintest.Bubble(t, func(t *testing.T) {
			var waiting sync.WaitGroup
			for range 8 {
				waiting.Go(func() {
					for i := range 60 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%3)*time.Millisecond)
						timer := time.NewTimer(time.Millisecond)
						select {
						case <-ctx.Done():
						case <-timer.C:
						}
						timer.Reset(time.Duration(i%2) * time.Millisecond)
						<-timer.C
						<-ctx.Done()
						cancel()
					}
				})
			}
			waiting.Wait()
		})
	}
}
