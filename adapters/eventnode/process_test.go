package eventnode_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

// The test binary is a node when this variable names a database.
const processVariable = "EVENTNODE_TEST_PROCESS"

func TestMain(m *testing.M) {
	if url := os.Getenv(processVariable); url != "" {
		if err := serveProcess(url, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serveProcess(url, address string) error {
	pool, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err != nil {
		return err
	}
	node, err := eventnode.New(context.Background(), eventnode.Config{Pool: pool})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	for deadline := time.Now().Add(time.Minute); err != nil && time.Now().Before(deadline); {
		// An outgoing connection may have taken the port while nobody listened.
		time.Sleep(20 * time.Millisecond)
		listener, err = net.Listen("tcp", address)
	}
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return node.Serve(listener)
}

// startProcess starts a node as a process of its own and returns its address.
func startProcess(t *testing.T, url, address string) (cmd *exec.Cmd, at string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0], address)
	cmd.Env = append(os.Environ(), processVariable+"="+url)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the node process said %q: %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

// TestKilledNode kills the node's process under load, several times. Every
// acknowledged event is there, once, where its writer was told.
func TestKilledNode(t *testing.T) {
	t.Parallel()
	const writers, kills = 6, 3
	url := postgrestest.URL(t, postgrestest.WithMigrations(migrations.EventNode, migrations.EventNodeTable))
	process, address := startProcess(t, url, "127.0.0.1:0")
	conn := dial(t, address, grpc.WithConnectParams(grpc.ConnectParams{
		Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1, MaxDelay: 10 * time.Millisecond},
	}))
	client := streams.NewStreamsClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var (
		acknowledged, failed atomic.Int64
		mu                   sync.Mutex
		acks                 = map[string]uint64{} // position by id
		stop                 = make(chan struct{})
		group                sync.WaitGroup
	)
	for w := range writers {
		group.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := uuid.New()
				proposed := event(func(m *streams.AppendReq_ProposedMessage) { m.Id = protoUUID(id) })
				expected := any("none")
				if n > 0 {
					expected = n - 1
				}
				for {
					resp, _, err := rawAppend(ctx, client, appendOptions(fmt.Sprintf("s%d", w), expected), proposed)
					if err == nil {
						if resp.GetSuccess().GetCurrentRevision() != uint64(n) {
							t.Errorf("writer %d at %d: %v", w, n, resp)
							return
						}
						mu.Lock()
						acks[id.String()] = resp.GetSuccess().GetPosition().GetCommitPosition()
						mu.Unlock()
						acknowledged.Add(1)
						break
					}
					failed.Add(1)
					if code := status.Code(err); code != codes.Unavailable && code != codes.Aborted {
						t.Errorf("writer %d at %d: %v", w, n, err)
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	progress := func() {
		for from := acknowledged.Load(); acknowledged.Load() < from+100; {
			if t.Failed() || ctx.Err() != nil {
				t.Fatal("no progress")
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	for range kills {
		progress()
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = process.Wait()
		process, _ = startProcess(t, url, address)
	}
	progress()
	close(stop)
	group.Wait()

	messages, _, err := rawRead(ctx, client, readOptions(counting(1<<40)))
	if err != nil {
		t.Fatal(err)
	}
	_ = process.Process.Kill()
	_ = process.Wait()
	if failed.Load() == 0 {
		t.Error("no append failed: the kills were none")
	}
	if len(messages) != len(acks) {
		t.Errorf("%d events for %d acknowledged", len(messages), len(acks))
	}
	for _, message := range messages {
		e := message.GetEvent().GetEvent()
		id := uuidOf(e.GetId())
		if acks[id] != e.GetCommitPosition() {
			t.Errorf("event %s is at %d, its writer was told %d", id, e.GetCommitPosition(), acks[id])
		}
		delete(acks, id)
	}
	t.Logf("%d events, %d failed attempts", len(messages), failed.Load())
}
