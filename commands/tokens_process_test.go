package commands_test

import (
	"bufio"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/eventstore/snapshots"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// The test binary spends tokens of an account when this variable says where:
// database, store and organization, separated by spaces.
const spendingProcess = "PERFECTWORKS_TEST_SPENDING"

func TestMain(m *testing.M) {
	if where := os.Getenv(spendingProcess); where != "" {
		if err := spendInProcess(strings.Fields(where)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// What the processes do, all of them the same.
const (
	processCallers    = 8
	processOperations = 25 // of each caller
	processAmount     = 3
)

// keyless holds no keys: token accounts need none.
type keyless struct{}

func (keyless) Key(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

func (keyless) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// spendInProcess is one of several processes that spend from one account, put
// together as the server is.
func spendInProcess(where []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	pool, err := postgres.Open(ctx, where[0], postgres.Options{})
	if err != nil {
		return err
	}
	client, err := eventstore.Open(eventstore.Options{URL: where[1]})
	if err != nil {
		return err
	}
	codec, err := eventstore.NewCodec(eventstore.Schemas(), keyless{})
	if err != nil {
		return err
	}
	streams, err := eventstore.NewStreams(client, codec, 0)
	if err != nil {
		return err
	}
	table, err := snapshots.NewTable(pool)
	if err != nil {
		return err
	}
	streams.KeepSnapshots(table)
	do := commands.New(commands.Deps{Streams: streams, Observer: noObserver{}, Turns: postgres.NewTurns(pool)})
	p := treasurer(id.Organization(where[2]))
	fmt.Println("ready")
	return errors.Join(together(processCallers, func(caller int) error {
		for n := range processOperations {
			if err := spendOnce(ctx, do, p, reference(fmt.Sprint("op ", caller, " ", n))); err != nil {
				return err
			}
			if caller == 0 && n == processOperations/3 {
				fmt.Println("a third")
			}
		}
		return nil
	})...)
}

func spendOnce(ctx context.Context, do *commands.Commands, p access.Principal, r tokenaccount.Reference) error {
	w := &world{}
	w.now = start
	if _, err := do.ReserveTokens(ctx, w.request(p), commands.ReserveTokens{Reference: r, Amount: processAmount + 1, Hold: time.Hour}); err != nil {
		return err
	}
	_, err := do.CaptureTokens(ctx, w.request(p), commands.CaptureTokens{Reservation: r, Amount: processAmount})
	return err
}

// Three processes, one of them killed, do the same operations on one account at
// once: each operation has one effect, and all of them are done.
func TestProcessesSpendOneAccountExactlyOnce(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	w := newWorld(t, store.Streams)
	p := w.granted(1_000_000)
	type process struct {
		*exec.Cmd
		lines *bufio.Scanner
	}
	var all []process
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		t.Cleanup(cancel)
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), spendingProcess+"="+strings.Join([]string{
			store.Pool.Config().ConnString(), store.Node.ConnectionString(), string(p.OrganizationID),
		}, " "))
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, process{cmd, bufio.NewScanner(out)})
	}
	for _, each := range all {
		if !each.lines.Scan() {
			t.Fatal("a process ended before it was ready")
		}
	}
	killed := all[0]
	for killed.lines.Scan() && killed.lines.Text() != "a third" {
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // It was killed.
	for _, each := range all[1:] {
		for each.lines.Scan() { // Its pipe must be read to the end.
		}
		if err := each.Wait(); err != nil {
			t.Errorf("a process that was not killed: %v", err)
		}
	}
	state, revision := w.account(p.OrganizationID)
	const operations = processCallers * processOperations
	if b := state.Balance; b.Consumed != operations*processAmount || b.Held != 0 || b.Sum() != 0 || revision != 2*operations {
		t.Errorf("after %d operations the account has %+v at revision %d", operations, b, revision)
	}
}

// counted counts the appends of a store and those that were lost.
type counted struct {
	commands.Streams
	appends, lost atomic.Int64
}

func (c *counted) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	s, err := c.Streams.Append(ctx, after, fold, drafts)
	c.appends.Add(1)
	if errors.Is(err, commands.ErrWrongRevision) {
		c.lost.Add(1)
	}
	return s, err
}

// With turns, batches of several processes do not defeat each other: few appends
// are lost, and no caller is refused.
func TestTurnsKeepBatchesFromDefeatingEachOther(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	streams := &counted{Streams: store.Streams}
	others := &counted{Streams: eventstoretest.StreamsOf(t, store)}
	p := newWorld(t, store.Streams).granted(1_000_000)
	var processes []*commands.Commands
	for _, s := range []*counted{streams, others} {
		processes = append(processes, commands.New(commands.Deps{
			Streams: s, Observer: noObserver{}, Turns: postgres.NewTurns(store.Pool),
		}))
	}
	begun := time.Now()
	for _, err := range together(16, func(i int) error {
		for n := range 25 {
			if err := spendOnce(t.Context(), processes[i%2], p, reference(fmt.Sprint("op ", i, " ", n))); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	appends, lost := streams.appends.Load()+others.appends.Load(), streams.lost.Load()+others.lost.Load()
	t.Logf("%d of %d appends were lost", lost, appends)
	// On a machine so busy that turns are not waited for, batches may meet.
	if lost*3 > appends && time.Since(begun) < 20*time.Second {
		t.Errorf("%d of %d appends were lost", lost, appends)
	}
}
