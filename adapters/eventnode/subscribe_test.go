package eventnode_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func subscribe(ctx context.Context, t *testing.T, client streams.StreamsClient, change ...func(*streams.ReadReq_Options)) streams.Streams_ReadClient {
	t.Helper()
	call, err := client.Read(ctx, readOptions(append([]func(*streams.ReadReq_Options){subscribing}, change...)...))
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// until receives up to and with a message.
func until(t *testing.T, call streams.Streams_ReadClient, last string) string {
	t.Helper()
	var got []string
	for {
		message, err := call.Recv()
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		got = append(got, brief(message))
		if got[len(got)-1] == last {
			return strings.Join(got, " ")
		}
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	appendEvents(t, client, "a", event(typed("A")), event(typed("A")))
	b0 := appendEvents(t, client, "b", event(typed("B")))
	head := appendEvents(t, client, "links", event(typed("$>"), data("1@a")))

	tests := []struct {
		name   string
		change []func(*streams.ReadReq_Options)
		before string // up to caught up
		live   string // afterwards
	}{
		{"all from the start", nil, "confirmed 0@a 1@a 0@b 0@links caught up", "2@a 0@live"},
		{"all after a position", opts(ofAll(b0)), "confirmed 0@links caught up", "2@a 0@live"},
		{"all from the head", opts(ofAll(head)), "confirmed caught up", "2@a 0@live"},
		{"all from beyond the head", opts(ofAll(head + 1)), "confirmed caught up", "2@a 0@live"},
		{"all from the end", opts(ofAll("end")), "confirmed caught up", "2@a 0@live"},
		{"all, links resolved", opts(ofAll(b0), resolving), "confirmed 0@links->1@a caught up", "2@a 0@live"},
		{"stream from the start", opts(ofStream("a", "start")), "confirmed 0@a 1@a caught up", "2@a"},
		{"stream after a revision", opts(ofStream("a", 0)), "confirmed 1@a caught up", "2@a"},
		{"stream from its end", opts(ofStream("a", "end")), "confirmed caught up", "2@a"},
		{"stream from its last revision", opts(ofStream("a", 1)), "confirmed caught up", "2@a"},
		{"stream that is not there yet", opts(ofStream("live", "start")), "confirmed caught up", "0@live"},
		{"filtered", opts(filtering(byType("", "A"))), "confirmed 0@a 1@a checkpoint caught up", "2@a"},
		{"filtered, after a position", opts(filtering(byType("", "A")), ofAll(b0)), "confirmed checkpoint caught up", "2@a"},
		{"filtered, from the head", opts(filtering(byType("", "A")), ofAll(head)), "confirmed caught up", "2@a"},
		{"filtered, from the end", opts(filtering(byStream("^live$")), ofAll("end")), "confirmed caught up", "0@live"},
	}
	ctx := testContext(t)
	calls := make([]streams.Streams_ReadClient, len(tests))
	for i, test := range tests {
		calls[i] = subscribe(ctx, t, client, test.change...)
		if got := until(t, calls[i], "caught up"); got != test.before {
			t.Errorf("%s: %q, want %q", test.name, got, test.before)
		}
	}
	appendEvents(t, client, "a", event(typed("A")))
	appendEvents(t, client, "live", event(typed("L")))
	for i, test := range tests {
		last := test.live[strings.LastIndex(test.live, " ")+1:]
		if got := until(t, calls[i], last); got != test.live {
			t.Errorf("%s, live: %q, want %q", test.name, got, test.live)
		}
	}
}

func opts(change ...func(*streams.ReadReq_Options)) []func(*streams.ReadReq_Options) { return change }

// TestCheckpoints counts: one for every window times multiplier events
// considered, whether they fit or not, and one when the subscription goes live.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	var events []*streams.AppendReq
	for i := range 100 {
		events = append(events, event(typed(fmt.Sprintf("T%d", i%10))))
	}
	head := appendEvents(t, client, "s", events...)
	ctx := testContext(t)
	tests := []struct {
		window     uint32 // zero: count
		multiplier uint32
		want       int
	}{
		{10, 1, 10}, // the last is that of going live
		{7, 1, 100/7 + 1},
		{7, 3, 100/21 + 1},
		{1, 1, 100},
		{0, 1, 100/32 + 1},
		{1000, 1000, 1},
	}
	for _, test := range tests {
		f := byType("", "T3")
		f.CheckpointIntervalMultiplier = test.multiplier
		f.Window = &streams.ReadReq_Options_FilterOptions_Max{Max: test.window}
		if test.window == 0 {
			f.Window = &streams.ReadReq_Options_FilterOptions_Count{Count: empty}
		}
		call := subscribe(ctx, t, client, filtering(f))
		checkpoints, matches, last := 0, 0, uint64(0)
		for done := false; !done; {
			message, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			switch content := message.GetContent().(type) {
			case *streams.ReadResp_Checkpoint_:
				checkpoints++
				at := content.Checkpoint.GetCommitPosition()
				if at <= last || at != content.Checkpoint.GetPreparePosition() {
					t.Errorf("checkpoint at %d after %d", at, last)
				}
				last = at
			case *streams.ReadResp_Event:
				matches++
				if content.Event.GetCommitPosition() <= last {
					t.Errorf("event at %d after the checkpoint %d", content.Event.GetCommitPosition(), last)
				}
			case *streams.ReadResp_CaughtUp_:
				done = true
			}
		}
		if checkpoints != test.want || matches != 10 || last != head {
			t.Errorf("window %d, multiplier %d: %d checkpoints, want %d; %d events; last at %d of %d",
				test.window, test.multiplier, checkpoints, test.want, matches, last, head)
		}
	}
}

func TestCheckpointsWhileLive(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	f := byType("", "nothing")
	f.Window = &streams.ReadReq_Options_FilterOptions_Max{Max: 10}
	call := subscribe(testContext(t), t, client, filtering(f), ofAll("end"))
	until(t, call, "caught up")
	var last uint64
	for range 25 {
		last = appendEvents(t, client, "s", event())
	}
	for n := range 2 {
		message, err := call.Recv()
		if err != nil || message.GetCheckpoint() == nil {
			t.Fatalf("message %d: %v %v", n, message, err)
		}
		if at := message.GetCheckpoint().GetCommitPosition(); at >= last {
			t.Errorf("checkpoint at %d of %d", at, last)
		}
	}
}

// TestCaughtUpTellsNewClients reads the fields that the protocol of version 24
// does not name.
func TestCaughtUpTellsNewClients(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	head := appendEvents(t, client, "s", event(), event())
	ctx := testContext(t)
	for name, test := range map[string]struct {
		change []func(*streams.ReadReq_Options)
		want   string
	}{
		"all":          {nil, fmt.Sprintf("timestamp position %d %d", head, head)},
		"stream":       {opts(ofStream("s", "start")), "timestamp revision 1"},
		"empty stream": {opts(ofStream("missing", "start")), "timestamp"},
	} {
		call := subscribe(ctx, t, client, test.change...)
		for {
			message, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if caughtUp := message.GetCaughtUp(); caughtUp != nil {
				if got := describeCaughtUp(t, caughtUp.ProtoReflect().GetUnknown()); got != test.want {
					t.Errorf("%s: %q, want %q", name, got, test.want)
				}
				break
			}
		}
	}
}

func describeCaughtUp(t *testing.T, b []byte) string {
	t.Helper()
	var parts []string
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		b = b[n:]
		switch {
		case number == 1 && kind == protowire.BytesType:
			timestamp, n := protowire.ConsumeBytes(b)
			_, _, tag := protowire.ConsumeTag(timestamp)
			seconds, _ := protowire.ConsumeVarint(timestamp[tag:])
			if time.Since(time.Unix(int64(seconds), 0)).Abs() > time.Minute {
				t.Errorf("timestamp %d", seconds)
			}
			parts, b = append(parts, "timestamp"), b[n:]
		case number == 2 && kind == protowire.VarintType:
			revision, n := protowire.ConsumeVarint(b)
			parts, b = append(parts, fmt.Sprintf("revision %d", revision)), b[n:]
		case number == 3 && kind == protowire.BytesType:
			position, n := protowire.ConsumeBytes(b)
			commit, m := protowire.ConsumeVarint(position[1:])
			prepare, _ := protowire.ConsumeVarint(position[1+m+1:])
			parts, b = append(parts, fmt.Sprintf("position %d %d", commit, prepare)), b[n:]
		default:
			t.Fatalf("field %d of type %d", number, kind)
		}
	}
	return strings.Join(parts, " ")
}

func TestSubscriptionEndsWithATombstone(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	appendEvents(t, client, "s", event())
	ctx := testContext(t)
	call := subscribe(ctx, t, client, ofStream("s", "start"))
	until(t, call, "caught up")
	tombstoneStream(t, client, "s")
	if got := until(t, call, "9223372036854775807@s"); got != "9223372036854775807@s" {
		t.Error(got)
	}
	_, err := call.Recv()
	if got := ending(err, call.Trailer(), "exception", "stream-name"); got != "FailedPrecondition stream-deleted s" {
		t.Error(got)
	}
	again := subscribe(ctx, t, client, ofStream("s", "start"))
	_, err = again.Recv()
	if got := ending(err, again.Trailer(), "exception"); got != "FailedPrecondition stream-deleted" {
		t.Errorf("a new subscription: %s", got)
	}
}

func TestStreamSubscriptionSeesWhatTheMetadataShows(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	appendEvents(t, client, "s", event(), event(), event())
	appendEvents(t, client, "$$s", event(typed("$metadata"), data(`{"$tb":2}`)))
	appendEvents(t, client, "deleted", event())
	if _, _, err := removals(t, client)["delete"]("deleted", "any"); err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	if got := until(t, subscribe(ctx, t, client, ofStream("s", "start")), "caught up"); got != "confirmed 2@s caught up" {
		t.Error(got)
	}
	call := subscribe(ctx, t, client, ofStream("deleted", "start"))
	if got := until(t, call, "caught up"); got != "confirmed caught up" {
		t.Error(got)
	}
	appendEvents(t, client, "deleted", event())
	if got := until(t, call, "1@deleted"); got != "1@deleted" {
		t.Error(got)
	}
}

// TestSlowSubscriber does not read while far more is written than the node holds
// in memory. It must get everything, once and in order.
func TestSlowSubscriber(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.TailEvents = 16 }))
	client := rawClient(t, node)
	ctx := testContext(t)
	const events = 400
	calls := []streams.Streams_ReadClient{
		subscribe(ctx, t, client),
		subscribe(ctx, t, client, ofStream("s", "start")),
		subscribe(ctx, t, client, filtering(byStream("", "s"))),
	}
	for _, call := range calls {
		until(t, call, "caught up")
	}
	for range events / 4 {
		content := data(strings.Repeat("x", 2000)) // soon more than the connection buffers
		appendEvents(t, client, "s", event(content), event(content), event(content), event(content))
	}
	for i, call := range calls {
		for n := 0; n < events; {
			message, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if e := message.GetEvent(); e != nil {
				if e.GetEvent().GetStreamRevision() != uint64(n) {
					t.Fatalf("subscription %d: revision %d, want %d", i, e.GetEvent().GetStreamRevision(), n)
				}
				n++
			}
		}
	}
}

// TestSubscriptionsOverALongLog starts anywhere in a log that is larger than the
// tail and is written to meanwhile.
func TestSubscriptionsOverALongLog(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.TailEvents = 50 }))
	client := node.Client()
	ctx := testContext(t)
	const before, during = 1000, 300
	batch := make([]esdb.EventData, 100)
	for range before / len(batch) {
		for i := range batch {
			batch[i] = esdb.EventData{EventID: uuid.New(), EventType: "T"}
		}
		if _, err := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, batch...); err != nil {
			t.Fatal(err)
		}
	}
	writing := make(chan error, 1)
	go func() {
		for range during {
			if _, err := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "T"}); err != nil {
				writing <- err
				return
			}
		}
		writing <- nil
	}()
	for _, start := range []uint64{0, 1, 500, 949, 950, 951, 998} {
		sub, err := client.SubscribeToStream(ctx, "s", esdb.SubscribeToStreamOptions{From: esdb.Revision(start)})
		if err != nil {
			t.Fatal(err)
		}
		for next := start + 1; next < before+during; {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				t.Fatal(e.SubscriptionDropped.Error)
			}
			if e.EventAppeared != nil {
				if e.EventAppeared.Event.EventNumber != next {
					t.Fatalf("from %d: %d, want %d", start, e.EventAppeared.Event.EventNumber, next)
				}
				next++
			}
		}
		_ = sub.Close()
	}
	if err := <-writing; err != nil {
		t.Fatal(err)
	}
}

// TestReplacedLogEndsSubscriptions restores the database under a live subscriber,
// who would otherwise wait for positions that are gone.
func TestReplacedLogEndsSubscriptions(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	appendEvents(t, client, "s", event(), event())
	call := subscribe(testContext(t), t, client)
	until(t, call, "caught up")
	if _, err := node.Pool.Exec(t.Context(), `DELETE FROM eventnode.events WHERE revision > 0`); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Recv(); status.Code(err) != codes.Aborted {
		t.Errorf("the subscription ended with %v", err)
	}
}

func TestStopEndsSubscriptions(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	call := subscribe(testContext(t), t, client)
	until(t, call, "caught up")
	stopped := make(chan struct{})
	go func() {
		node.Node().Stop(t.Context())
		close(stopped)
	}()
	if _, err := call.Recv(); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the node does not stop")
	}
	if err := node.Node().Check(t.Context()); err == nil {
		t.Error("a stopped node claims to be well")
	}
}

// TestNodesShareALog writes to one node and follows on another.
func TestNodesShareALog(t *testing.T) {
	t.Parallel()
	pool := eventnodetest.Pool(t)
	one := rawClient(t, eventnodetest.Start(t, eventnodetest.WithPool(pool)))
	two := rawClient(t, eventnodetest.Start(t, eventnodetest.WithPool(pool)))
	call := subscribe(testContext(t), t, two)
	until(t, call, "caught up")
	for i := range 20 {
		start := time.Now()
		appendEvents(t, one, "s", event())
		want := fmt.Sprintf("%d@s", i)
		if got := until(t, call, want); got != want {
			t.Fatal(got)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("the other node saw it after %v", took)
		}
	}
}
