package eventlog_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// BenchmarkAppend is the log without the protocol.
func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 300)
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			log := openLog(b)
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			b.ResetTimer()
			for writer := range writers {
				group.Go(func() {
					stream := fmt.Sprintf("stream-%d", writer)
					for n := eventlog.NoStream; left.Add(-1) >= 0; n++ {
						_, err := log.Append(context.Background(), stream, n, []eventlog.Proposed{{ID: uuid.New(), Type: "Happened", Data: payload}})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		})
	}
}
