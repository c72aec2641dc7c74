package commands_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// BenchmarkSpend reserves and captures on one account, with 64 callers.
func BenchmarkSpend(b *testing.B) {
	w := newWorld(b, eventstoretest.New(b).Streams)
	p := w.granted(tokenaccount.MaxAmount)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				r := reference(fmt.Sprint("op ", n))
				if _, err := w.ReserveTokens(b.Context(), w.request(p), commands.ReserveTokens{Reference: r, Amount: 2, Hold: time.Hour}); err != nil {
					b.Error(err)
				}
				if _, err := w.CaptureTokens(b.Context(), w.request(p), commands.CaptureTokens{Reservation: r, Amount: 1}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}
