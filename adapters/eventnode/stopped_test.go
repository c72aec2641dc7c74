package eventnode_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// TestStoppedProcessBlocksNobodyForLong stops the process of a node under load,
// again and again, at whatever point it is: between lock and commit too. Another
// node of the same log goes on, and so does the stopped one afterwards, and no
// event that either acknowledged is lost.
func TestStoppedProcessBlocksNobodyForLong(t *testing.T) {
	t.Parallel()
	const stops, writers, bound = 6, 8, 6 * time.Second
	url := postgrestest.URL(t, postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
	process, address := startProcess(t, url, "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pool, err := postgres.Open(ctx, url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	other := rawClient(t, eventnodetest.Start(t, eventnodetest.WithConfig(func(config *eventnode.Config) { config.Pool = pool })))
	stopped := streams.NewStreamsClient(dial(t, address, grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
	})))

	var load sync.WaitGroup
	acknowledged := make([]int, writers)
	// What does not fit into the buffers of a connection is sent while the lock is
	// held: that is where the process is stopped most often.
	large := data(strings.Repeat("large ", 100_000))
	ending := make(chan struct{})
	for w := range writers {
		load.Go(func() {
			for {
				select {
				case <-ending:
					return
				default:
				}
				resp, _, err := rawAppend(ctx, stopped, appendOptions(fmt.Sprintf("stopped-%d", w), "any"), event(large))
				if err == nil && resp.GetSuccess() != nil {
					acknowledged[w]++
				}
			}
		})
	}
	var longest time.Duration
	for n := range stops {
		// It is at work again. A connection that was begun while it stood still may
		// have timed out.
		for {
			resp, _, err := rawAppend(ctx, stopped, appendOptions(fmt.Sprintf("before-%d", n), "any"), event())
			if err == nil && resp.GetSuccess() != nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("the process does not work again: %v", err)
			}
		}
		if err := process.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		for range 5 {
			appendEvents(t, other, "other", event())
		}
		longest = max(longest, time.Since(begun))
		if err := process.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if longest > bound {
		t.Errorf("appends of others were blocked for %v", longest)
	}
	close(ending)
	load.Wait()
	for w, want := range acknowledged {
		messages, _, err := rawRead(ctx, other, readOptions(ofStream(fmt.Sprintf("stopped-%d", w), "start")))
		if err != nil || len(messages) < want {
			t.Errorf("writer %d: %d events for %d acknowledged, %v", w, len(messages), want, err)
		}
	}
	_ = process.Process.Kill()
	_ = process.Wait()
	t.Logf("longest: %v", longest)
}
